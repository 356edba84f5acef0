"""Each trap of the stack has a test, and the ones that are a matter of form are checked here."""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from pathlib import Path

import pytest

from chassis import providers
from chassis.settings import SERVICES, Settings, SettingsError
from deploy.local.ports import OFFSETS

ROOT = Path(__file__).parents[2]
FIRST_EPHEMERAL = 32768


def test_every_trap_names_tests_that_exist() -> None:
    rows = [
        line for line in (ROOT / "docs" / "traps.md").read_text(encoding="utf-8").splitlines() if line[2:3].isdigit()
    ]
    assert [int(row.split("|")[1]) for row in rows] == list(range(1, 17))
    for row in rows:
        named = re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", row.split("|")[4])
        assert named, row
        for file, test in named:
            assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no {test}"


def test_no_provider_commits_or_publishes() -> None:
    ours = [kind for _, kind in inspect.getmembers(providers, inspect.isclass) if kind.__module__ == providers.__name__]
    assert ours
    for kind in ours:
        assert not {"worker_setup", "worker_result", "worker_teardown"} & set(vars(kind))
        assert not re.search(r"commit|publish|tell\(", inspect.getsource(kind).replace("never commit or publish", ""))


@pytest.mark.parametrize("service", SERVICES)
def test_every_dependency_says_its_type(service: str) -> None:
    found = getattr(importlib.import_module(f"services.{service}.service"), f"{service.capitalize()}Service")
    injected = [name for name, value in vars(found).items() if isinstance(value, providers.DependencyProvider)]
    assert injected
    assert set(injected) <= set(found.__annotations__)


def test_nameko_stays_out_of_pytest() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    options = " ".join(told["addopts"]) if isinstance(told["addopts"], list) else told["addopts"]
    assert "no:pytest_nameko" in options
    assert "error" in told["filterwarnings"]


def test_no_port_lies_where_outgoing_connections_begin() -> None:
    highest = max(OFFSETS.values())
    with pytest.raises(SettingsError, match="TUKIVERKKO_PORT"):
        Settings.load({"TUKIVERKKO_PORT": str(FIRST_EPHEMERAL - highest)})
    accepted = max(port for port in (32_700, 32_720, 32_727) if _accepted(port))
    assert accepted + highest < FIRST_EPHEMERAL


def test_what_is_slow_by_design_runs_in_one_place_only() -> None:
    slow = re.compile(r"\b(argon2|scrypt|pbkdf2_hmac|bcrypt)\b")
    apart = ROOT / "chassis" / "blind_index.py"  # a chore of the relay, which has no eventlet
    importing = {
        path
        for part in ("chassis", "services", "gateway", "deploy")
        for path in (ROOT / part).rglob("*.py")
        if "blind_index" in path.read_text(encoding="utf-8")
    }
    linking = ROOT / "services" / "groups" / "usecases" / "apart.py"
    assert importing == {ROOT / "chassis" / "relay" / "chores.py", linking}
    assert "apart(hashed, " in linking.read_text(encoding="utf-8")  # that one too
    for folder in ("chassis", "services", "gateway"):
        for path in (ROOT / folder).rglob("*.py"):
            known = path in {apart, ROOT / "chassis" / "hashing.py"}  # the second hands it to eventlet's thread pool
            assert known or not slow.search(path.read_text(encoding="utf-8")), (
                f"{path}: into eventlet's thread pool with it"
            )


def _accepted(port: int) -> bool:
    try:
        Settings.load({"TUKIVERKKO_PORT": str(port)})
    except SettingsError:
        return False
    return True
