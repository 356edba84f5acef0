"""Documents say what is there: links lead somewhere, commands exist, nothing names a machine or a package host."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import orjson
import pytest
import yaml

from chassis.settings import SERVICES
from deploy import examples
from deploy.catalogue import event_types
from deploy.generate import service_classes
from tests.support.commands import assert_runs
from tests.support.events import faults_of

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").glob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
COMMAND = re.compile(r"(?:`|\.venv/bin/|\brun --rm tools |^\$ |\$\()tukiverkko ([^\n)|\"#`]*)", re.MULTILINE)


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def made(target: Path) -> bool:
    return target.relative_to(ROOT).as_posix() in {"docs/events.md", "docs/states.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        target = (page.parent / link).resolve()
        assert target.exists() or made(target), f"{page.name}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for command in COMMAND.findall(text):
        words = shlex.split(command.split("  ")[0])
        words = [word for word in words if word not in {"[--json]", "…"}]
        if words and not any("…" in word for word in words):
            assert_runs(["tukiverkko", *words])
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)`|^\$ make ([a-z-]+)", text, re.MULTILINE)) <= {
        pair for target in targets for pair in ((target, ""), ("", target))
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_answers_and_bodies_that_are_shown_are_json(page: Path) -> None:
    for block in blocks(page, "json"):
        orjson.loads(block)
    for body in re.findall(r"-d '(\{.*?\})'(?=\s*(?:\\?\n|$| \|))", page.read_text(encoding="utf-8"), re.DOTALL):
        orjson.loads(body.replace("'\"'\"'", "'"))


def test_the_readme_posts_the_example_of_the_specification() -> None:
    (first, *_) = blocks(ROOT / "README.md", "sh")
    shown = orjson.loads(re.findall(r"-d '(\{.*?\})'\n", first, re.DOTALL)[0])
    (plan,) = (plan for plan in plans() if plan[0] == "POST /referrals")
    assert shown == plan[1]


def test_the_partners_page_shows_a_real_event() -> None:
    page = ROOT / "docs" / "subscribe" / "README.md"
    (kind,) = (kind for kind in event_types() if kind.name == "referral.accepted")
    (shown,) = (orjson.loads(block) for block in blocks(page, "json"))
    assert shown == orjson.loads(examples.outside(kind))
    assert faults_of(orjson.dumps(shown), outside=True) == []


def plans() -> list[tuple[str, object]]:
    found = [
        method.nameko_entrypoints
        for kind in service_classes()
        for method in vars(kind).values()
        if hasattr(method, "nameko_entrypoints")
    ]
    return [(point.plan.name, point.plan.example) for points in found for point in points if hasattr(point, "plan")]


def test_the_architecture_fits_on_its_pages_and_names_what_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    for path in re.findall(r"\b((?:chassis|deploy|tests|services)/[a-z_/]+\.py)", text):
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:chassis|deploy|tests|gateway)/[a-z_/]+(?:\.[a-z]+)?)`", text):
        assert (ROOT / path).exists(), f"{page.name}: {path}"


def test_decisions_are_numbered_without_a_gap_and_have_their_parts() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for page in DECISIONS:
        text = page.read_text(encoding="utf-8")
        assert re.search(r"^Date: \d{4}-\d\d-\d\d · Status: ", text, re.MULTILINE)
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Options", "Decision", "Consequences"]
        assert f"]({page.name})" in index


def test_the_licence_is_the_one_that_the_package_names() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", ["deploy", "docs", "."])
def test_no_page_and_no_deploy_file_names_a_machine_or_a_package_host(folder: str) -> None:
    found = [
        path
        for path in (ROOT / folder).glob("*" if folder == "." else "**/*")
        if path.suffix in {".md", ".yaml", ".conf", ".py", ".toml", ".lock"} or path.name == "Dockerfile"
    ]
    assert found
    for path in found:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"py" + r"pi\.org|index-url|/ro" + r"ot/|" + re.escape(f"{ROOT}/"), text), path


def test_ports_of_the_documents_are_those_of_the_settings() -> None:
    text = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    for service in SERVICES:
        port = compose["services"]["gateway"]["environment"][f"TUKIVERKKO_{service.upper()}_URL"].rpartition(":")[2]
        assert f"`{service}` {port}" in text
