"""The commands that write the directory into a file and read one of HSDS."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result

from chassis.db import Database
from chassis.settings import Settings
from deploy.local.cli import main
from services.directory import usecases
from services.directory.usecases import copying


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    made = service_database("directory")
    with closing(Database(made, "directory")) as database:
        usecases.import_demo(database)
    return made


def run(settings: Settings, *arguments: object) -> Result:
    told = {**(settings.environment or {}), "TUKIVERKKO_HOME": str(settings.home)}
    return CliRunner().invoke(main, [str(each) for each in arguments], env=told)


def test_the_directory_is_written_in_each_format_and_read_back(
    at: Settings, service_database: Callable[..., Settings], tmp_path: Path
) -> None:
    for form in ("ours", "hsds-json", "hsds-csv"):
        done = run(at, "export", "directory", tmp_path / form, "--format", form)
        assert done.exit_code == 0, done.output
        assert "the directory at change" in done.output
    with closing(Database(at, "directory")) as database:
        assert (tmp_path / "ours").read_bytes() == copying.export(database).value
    assert "services.csv" in ZipFile(tmp_path / "hsds-csv").namelist()
    empty = service_database("directory")
    dry = run(empty, "import", "hsds", tmp_path / "hsds-json", "--dry-run")
    assert (dry.exit_code, "services: 11 created" in dry.output, "Dry run" in dry.output) == (0, True, True)
    assert run(empty, "import", "hsds", tmp_path / "hsds-json").exit_code == 0
    again = run(empty, "import", "hsds", tmp_path / "hsds-json")
    assert (again.exit_code, "Nothing changed; 0 events." in again.output) == (0, True)
    assert "organisations: 0 created, 0 changed, 45 unchanged" in again.output


def test_what_cannot_be_read_or_written_is_one_sentence(at: Settings, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"services": [', encoding="utf-8")
    (tmp_path / "wrong.json").write_text(json.dumps([{"id": "x", "name": "A", "status": "active"}]), encoding="utf-8")
    for arguments, code, said in (
        (("import", "hsds", tmp_path / "none.json"), 1, "There is no file"),
        (("import", "hsds", tmp_path / "broken.json"), 1, "is not JSON"),
        (("import", "hsds", tmp_path / "wrong.json"), 1, 'wrong.json /0: id: found "x"; expected a UUID.'),
        (("export", "directory", tmp_path / "no" / "where.json"), 1, "cannot be written"),
        (("export", "directory", tmp_path / "x", "--format", "xml"), 2, "Invalid value"),
    ):
        done = run(at, *arguments)
        assert (done.exit_code, said in done.output) == (code, True), done.output
        assert "Traceback" not in done.output
