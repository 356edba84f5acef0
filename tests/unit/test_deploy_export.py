"""What containers are given comes from the launcher's own tables, and is safe to mount."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chassis import definitions
from chassis.settings import SERVICES, Settings
from deploy import export
from deploy.local import broker, roles
from deploy.local.provision import SECRETS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert export.main(["all", str(tmp_path / "given")]) == 0
    return tmp_path / "given"


def settings_at(home: Path) -> Settings:
    return Settings.load({"TUKIVERKKO_HOME": str(home)})


def without_hashes(definitions: dict[str, list[dict[str, object]]]) -> dict[str, list[str]]:
    """Hashes are salted and bindings come in any order; everything else must be the same."""
    rows = {part: [{**row, "password_hash": ""} for row in found] for part, found in definitions.items()}
    return {part: sorted(json.dumps(row, sort_keys=True) for row in found) for part, found in rows.items()}


def test_definitions_are_those_of_the_topology(home: Path) -> None:
    written = json.loads((home / "secrets" / "definitions.json").read_text(encoding="utf-8"))
    passwords = dict.fromkeys((*SERVICES, "admin"), "x")
    expected = definitions.definitions(broker.FOLLOWS, broker.TELLS, passwords, administrator="admin")
    assert without_hashes(written) == without_hashes(expected)


def test_definitions_hold_the_password_of_each_secret_as_a_hash_only(home: Path) -> None:
    text = (home / "secrets" / "definitions.json").read_text(encoding="utf-8")
    for name in (*SERVICES, "admin"):
        assert settings_at(home).secret(f"amqp_{name}") not in text


def test_the_role_script_reads_each_password_from_its_secret_and_holds_none(home: Path) -> None:
    script = (home / "roles.sql").read_text(encoding="ascii")
    assert script.endswith(roles.as_script(lambda role: f":'db_{role}'"))
    for role in roles.role_names():
        assert f"\\set db_{role} `cat /run/secrets/db_{role}`\n" in script
        assert settings_at(home).secret(f"db_{role}") not in script


def test_every_secret_of_the_launcher_is_made_and_a_second_time_changes_none(home: Path) -> None:
    folder = home / "secrets"
    expected = {*SECRETS, "db_postgres", "amqp_admin", "signing_key.json", "definitions.json"}
    expected |= {f"db_{role}" for role in roles.role_names()} | {f"amqp_{service}" for service in SERVICES}
    assert {path.name for path in folder.iterdir()} == expected
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "definitions.json"}
    assert export.main(["secrets", str(home)]) == 0
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_a_container_may_read_its_files_and_nobody_else_may_enter_the_folder(home: Path) -> None:
    assert (home / "secrets").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (home / "secrets").iterdir()} == {0o444}


def test_no_private_key_is_among_the_public_ones(home: Path) -> None:
    keys = json.loads((home / "keys" / "jwks.json").read_text(encoding="ascii"))["keys"]
    assert keys
    assert all("d" not in key for key in keys)


@pytest.mark.parametrize("arguments", [[], ["all"], ["everything", "x"], ["all", "x", "y"]])
def test_wrong_use_is_told_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert export.main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_that_can_not_be_made_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x", encoding="ascii")
    assert export.main(["all", str(tmp_path / "file" / "below")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_definitions_before_secrets_are_refused(tmp_path: Path) -> None:
    assert export.main(["definitions", str(tmp_path)]) == 1
    assert not (tmp_path / "secrets" / "definitions.json").exists()
