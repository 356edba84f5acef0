"""What the security documents claim has an owner and a test, and no item of the standard is left out."""

from __future__ import annotations

import ast
import csv
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.support.specification import OPERATIONS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "security"
PRODUCT = [path for folder in ("chassis", "services", "gateway", "deploy") for path in (ROOT / folder).rglob("*.py")]
STATUSES = {"met", "partly", "open", "not_applicable"}
NAMED = re.compile(r"tests/[a-z0-9_]+/test_[a-z_0-9]+\.py(?:::test_[a-z_0-9]+)?")
# ASVS 5.0.0: how many items of levels 1 and 2 each chapter has.
CHAPTERS = {
    1: (27, 8), 2: (11, 4), 3: (19, 8), 4: (10, 2), 5: (9, 4), 6: (35, 13), 7: (18, 6), 8: (7, 4), 9: (7, 4),
    10: (29, 5), 11: (14, 3), 12: (9, 3), 13: (13, 1), 14: (9, 2), 15: (13, 3), 16: (16, 0), 17: (7, 0),
}  # fmt: skip


def items() -> list[dict[str, str]]:
    with (FOLDER / "asvs.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def functions_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def exists(named: str) -> bool:
    file, _, name = named.partition("::")
    return (ROOT / file).is_file() and (not name or name in functions_of(ROOT / file))


def test_every_item_of_levels_one_and_two_stands_there_once() -> None:
    found = items()
    assert len({item["id"] for item in found}) == len(found) == 253
    chapters = Counter(int(item["id"].partition(".")[0]) for item in found)
    first = Counter(int(item["id"].partition(".")[0]) for item in found if item["level"] == "1")
    assert {number: (chapters[number], first[number]) for number in chapters} == CHAPTERS


@pytest.mark.parametrize("item", items(), ids=lambda item: item["id"])
def test_every_item_has_a_status_and_what_the_status_needs(item: dict[str, str]) -> None:
    assert item["status"] in STATUSES
    assert item["what"]
    if item["status"] in {"met", "partly"}:
        assert (ROOT / item["where"]).exists(), item["where"]
        assert item["test"].split()
        assert all(exists(named) for named in item["test"].split()), item["test"]
    if item["status"] != "met":
        assert item["note"], "what is not met says why"


@pytest.mark.parametrize("page", [*sorted(FOLDER.glob("*.md")), ROOT / "SECURITY.md"], ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    assert [named for named in NAMED.findall(page.read_text(encoding="utf-8")) if not exists(named)] == []


def test_no_row_of_the_threat_model_is_without_proof_or_a_plain_word() -> None:
    rows = [
        line.strip().strip("|").split("|")
        for line in (FOLDER / "threats.md").read_text(encoding="utf-8").splitlines()
        if re.match(r"\| [STRIDE] \|", line)
    ]
    assert len(rows) >= 50
    for row in rows:
        assert NAMED.search(row[-1]) or row[-1].strip().startswith("accepted:"), row


def test_changes_never_come_by_a_safe_method() -> None:
    changing = [
        name for name, each in OPERATIONS.items() if "Idempotency-Key" in {given["name"] for given in each.parameters}
    ]
    assert len(changing) > 10
    assert not [name for name in changing if name.startswith(("GET ", "HEAD "))]


def test_no_program_of_ours_runs_code_or_a_shell_from_text() -> None:
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in {"eval", "exec", "os.system", "os.popen", "pickle.loads", "marshal.loads"}, path
                assert not any(word.arg == "shell" for word in node.keywords), path


def test_secrets_come_from_the_source_that_is_made_for_them() -> None:
    """No module draws from `random`, and none hashes with what is broken."""
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
                assert "random" not in names or path.name == "consumer.py", path  # the length of its pauses
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in {"hashlib.md5", "hashlib.sha1"}, path
