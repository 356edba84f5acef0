"""The image and compose.yaml, checked by what needs no engine: schema, references, commands, ports, rights."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.db import Database
from chassis.settings import SERVICES, Settings, SettingsError
from chassis.subscribe import Subscription
from chassis.topology import binding_keys
from deploy import export
from deploy.local import broker
from deploy.local.postgres import CONFIGURATION
from tests.contract.test_house import service_class, subscriptions
from tests.support.commands import assert_runs

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
PROCESSES = ("gateway", *SERVICES, "relay", "sender")
OWN = (*PROCESSES, "migrate", "tools")
FOREIGN = ("postgres", "rabbitmq", "provision")
SHARED_SECRETS = {"kek", "audit_key", "request_key", "contact_key"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("given")
    assert export.main(["all", str(home)]) == 0
    return home


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in joined.splitlines())]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    return found[max(place for place, (name, _) in enumerate(found) if name == "FROM") :]


def image_environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for name, rest in last_stage() if name == "ENV" for pair in rest.split())


def fits_schema(path: Path) -> bool:
    command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path))
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def names_of(entries: list[Any]) -> Iterator[str]:
    return (entry if isinstance(entry, str) else entry["source"] for entry in entries)


def test_compose_fits_the_published_schema_and_the_check_can_fail(tmp_path: Path) -> None:
    assert fits_schema(COMPOSE)
    broken = tmp_path / "compose.yaml"
    broken.write_text(COMPOSE.read_text(encoding="utf-8").replace("read_only:", "reed_only:"), encoding="utf-8")
    assert not fits_schema(broken)


def test_compose_has_one_container_for_each_process(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*OWN, *FOREIGN}


@pytest.mark.parametrize("name", OWN)
def test_every_command_and_health_check_exists(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert_runs(service["command"])
    if name in PROCESSES:
        assert_runs(service["healthcheck"]["test"][1:])
        assert service["healthcheck"]["test"][-1] == name


@pytest.mark.parametrize("kind", ["secrets", "configs", "networks"])
def test_every_reference_resolves_and_nothing_is_declared_in_vain(compose: dict[str, Any], kind: str) -> None:
    used = {name for service in compose["services"].values() for name in names_of(service.get(kind, []))}
    assert used == set(compose[kind])


def test_volumes_and_dependencies_resolve(compose: dict[str, Any]) -> None:
    services = compose["services"]
    mounted = {text.split(":")[0] for service in services.values() for text in service.get("volumes", [])}
    assert mounted == set(compose["volumes"])
    assert {other for service in services.values() for other in service.get("depends_on", {})} <= set(services)


def test_every_mounted_file_is_one_that_the_export_writes(compose: dict[str, Any], given: Path) -> None:
    for entry in (*compose["secrets"].values(), *compose["configs"].values()):
        made = entry["file"].removeprefix("../.local/compose/")
        assert (given / made).is_file() or (DEPLOY / entry["file"]).resolve().is_relative_to(DEPLOY)
        assert made != entry["file"] or (DEPLOY / entry["file"]).is_file()


def test_only_the_gateway_is_published_and_only_on_the_loopback(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {"gateway": ["127.0.0.1:${TUKIVERKKO_PUBLISHED_PORT:-8080}:8080"]}
    assert compose["networks"]["inside"] == {"internal": True}
    assert [name for name, service in compose["services"].items() if "outside" in service["networks"]] == ["gateway"]


@pytest.mark.parametrize("name", [*OWN, "provision"])
def test_our_containers_can_write_nothing_and_become_nothing(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)
    assert service.get("user", "10001:10001") == "10001:10001"


@pytest.mark.parametrize("name", PROCESSES)
def test_processes_come_back_and_have_time_to_stop(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["restart"] == "unless-stopped"
    assert int(service["stop_grace_period"].removesuffix("s")) > 12  # the relay's own limit, chassis/relay/process.py


def test_the_gateway_finds_each_service_at_its_port(compose: dict[str, Any]) -> None:
    settings = Settings.load({**image_environment(), **compose["services"]["gateway"]["environment"], **PLAIN})
    for service in SERVICES:
        assert settings.url_of(service) == f"http://{service}:{settings.port_of(service)}"
    assert compose["services"]["gateway"]["ports"][0].endswith(f":{settings.port}")


@pytest.mark.parametrize("name", ["gateway", *SERVICES])
def test_every_process_finds_access_and_access_alone_has_a_way_out(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    settings = Settings.load({**image_environment(), **service["environment"], **PLAIN})
    assert settings.url_of("access") == f"http://access:{settings.port_of('access')}"
    assert "inside" in service["networks"]
    assert ("issuers" in service["networks"]) == (name == "access")


# what compose fills in by itself
PLAIN = {"TUKIVERKKO_PROFILE": "development", "TUKIVERKKO_LOG_LEVEL": "INFO", "TUKIVERKKO_TRUSTED_PROXIES": "1"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_the_secrets_it_needs_and_no_other(
    compose: dict[str, Any], given: Path, tmp_path: Path, service: str
) -> None:
    granted = set(compose["services"][service]["secrets"])
    own = {"signing_key.json"} if service == "access" else set()
    assert granted == {f"db_{service}_app", f"amqp_{service}", *SHARED_SECRETS, *own}
    settings = home_with(granted, given, tmp_path)
    assert settings.amqp_url(service)
    with closing(Database(settings, service)):
        pass


def test_the_check_of_needed_secrets_can_fail(given: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        Database(home_with(SHARED_SECRETS, given, tmp_path), "referrals")


def test_relay_migrate_and_provision_get_what_they_need(compose: dict[str, Any], given: Path, tmp_path: Path) -> None:
    services = compose["services"]
    assert "secrets" not in services["gateway"]
    relay = home_with(set(services["relay"]["secrets"]), given, tmp_path / "relay")
    migrate = home_with(set(services["migrate"]["secrets"]), given, tmp_path / "migrate")
    for service in SERVICES:
        assert relay.database_url(service)
        assert relay.amqp_url(service)
        assert migrate.database_url(service, "owner")
    assert migrate.keys_owner_url()
    script = (given / "roles.sql").read_text(encoding="ascii")
    assert set(re.findall(r"cat /run/secrets/(\w+)", script)) == set(services["provision"]["secrets"]) - {"db_postgres"}


def home_with(secrets: set[str], given: Path, home: Path) -> Settings:
    (home / "secrets").mkdir(parents=True)
    for name in secrets:
        shutil.copy(given / "secrets" / name, home / "secrets" / name)
    return Settings.load({"TUKIVERKKO_HOME": str(home)})


def test_postgres_is_told_nothing_else_than_the_launcher_tells_it(compose: dict[str, Any]) -> None:
    told = dict(pair.split("=", 1) for pair in compose["services"]["postgres"]["command"][2::2])
    assert told == {name: CONFIGURATION[name] for name in told}


def test_bindings_before_the_first_start_are_those_of_the_services() -> None:
    for service in SERVICES:
        nouns = {kind.partition(".")[0] for kind in subscriptions(service)}
        assert binding_keys(broker.FOLLOWS.get(service, ())) == binding_keys(nouns), service
    assert Subscription in {type(p) for m in vars(service_class("referrals")).values() for p in entrypoints(m)}


def entrypoints(method: object) -> set[object]:
    return getattr(method, "nameko_entrypoints", set())


def test_the_image_runs_as_somebody_without_rights() -> None:
    users = [rest for name, rest in last_stage() if name == "USER"]
    assert users == ["10001:10001"]
    assert last_stage()[-1][0] == "CMD"


def test_the_image_installs_by_hash_and_names_no_host() -> None:
    installs = [rest for name, rest in instructions() if name == "RUN" and "pip install" in rest]
    assert "--require-hashes" in installs[0]
    assert "--no-deps" in installs[1]
    assert not re.search(r"https?://|index-url", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))


def test_the_image_has_its_command_port_and_home() -> None:
    environment = image_environment()
    settings = Settings.load(environment)
    assert [rest for name, rest in last_stage() if name == "EXPOSE"] == [str(settings.port)]
    assert f"{settings.home}/secrets" == export.MOUNTED_SECRETS
    assert_runs(yaml.safe_load(last_stage()[-1][1]))


def test_the_context_holds_what_runs_and_no_more(tmp_path: Path) -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert lines[1] == "*"
    assert allowed == {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "requirements.lock",
        "chassis",
        "deploy",
        "gateway",
        "services",
    }
    for name in allowed & {"chassis", "deploy", "gateway", "services"}:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    asked = (sys.executable, "-c", FROM_THE_CONTEXT)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    told = subprocess.run(asked, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


FROM_THE_CONTEXT = """
import sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
import chassis.migrate, deploy.local.cli, gateway.routes, gateway.service
from chassis.settings import SERVICES
here = Path.cwd()
for module in (chassis.migrate, deploy.local.cli, gateway.routes):
    assert Path(module.__file__).is_relative_to(here), module
for name in SERVICES:
    __import__(f"services.{name}.service")
    assert len(list(chassis.migrate.steps_of(name))) > 1 and list(chassis.migrate.key_steps_of(name))
assert gateway.routes.read_targets()
from chassis.messages.wording import LANGUAGES, texts
assert tuple(texts()) == LANGUAGES
from chassis.contracts import contracts
from gateway.pages import EVENTS
assert contracts() and {name.partition(".")[0] for name, _ in contracts()} >= {"referral", "republish"}
assert EVENTS.is_file() and EVENTS.is_relative_to(here)
assert (here / "services/directory/organisations.json").is_file()
"""


@pytest.mark.parametrize("name", ["compose.yaml", "Dockerfile", "kubernetes/settings.yaml"])
def test_every_setting_that_is_named_is_read_somewhere(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    read = "".join((ROOT / "chassis" / f"{name}.py").read_text(encoding="utf-8") for name in ("settings", "mailing"))
    known = set(re.findall(r"TUKIVERKKO_[A-Z_]+", read))
    known |= {f"TUKIVERKKO_{service.upper()}_URL" for service in SERVICES}
    known |= {"TUKIVERKKO_VERSION", "TUKIVERKKO_PUBLISHED_PORT"}  # read by compose itself
    assert set(re.findall(r"TUKIVERKKO_[A-Z_]+", text)) <= known


def test_each_service_may_speak_of_its_own_nouns_and_of_no_others() -> None:
    for service in SERVICES:
        types = importlib.import_module(f"services.{service}.events").TYPES.values()
        assert set(broker.TELLS.get(service, ())) == {kind.noun for kind in types}, service
