"""Commands about the audit: check it, write the heads of its chains, hand out an organisation's rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chassis.settings import SERVICES, Settings
from deploy.local.commands.screen import say
from deploy.local.faults import LocalFault

if TYPE_CHECKING:
    from uuid import UUID

FILE = click.Path(path_type=Path, dir_okay=False)
ONLY = click.option("--service", "services", multiple=True, type=click.Choice(SERVICES), help="Only this service.")


@click.group()
def audit() -> None:
    """The record of who did and read what, and the proof that nobody changed it.

    \b
    Example:
      tukiverkko audit verify --heads heads.json
    """


@audit.command()
@ONLY
@click.option("--heads", "heads_file", type=FILE, help="Heads that were exported before and kept elsewhere.")
def verify(services: tuple[str, ...], heads_file: Path | None) -> None:
    """Check every row and every link; exit code 1 when something does not fit.

    \b
    Example:
      tukiverkko audit verify --service referrals
    """
    from chassis import heads as files
    from chassis import verify as checks

    settings, broken = Settings.load(), 0
    audit_key, chain_key = (bytes.fromhex(settings.secret(name)) for name in ("audit_key", "chain_key"))
    try:
        expected = files.read(chain_key, heads_file.read_bytes()) if heads_file else {}
    except (OSError, files.BadHeads) as error:
        raise LocalFault(f"{heads_file}: {error}") from error
    for service in services or SERVICES:
        with _database():
            url = settings.database_url(service, "owner")
            found = checks.verify(url, audit_key=audit_key, chain_key=chain_key, heads=expected.get(service))
        broken += bool(found.faults)
        click.echo(f"{service}: {found.rows} rows linked, {'BROKEN' if found.faults else 'all fit'}")
        for fault in found.faults:
            click.echo(f"  {fault.kind}: {fault.words}")
    if broken:
        raise click.exceptions.Exit(1)


@audit.command()
@click.option("--heads", "heads_file", type=FILE, help="Write the heads of all chains to this file.")
@click.option("--org", "org_key", help="Write the rows of this organisation, by key or id.")
@click.argument("file", type=FILE, required=False)
def export(heads_file: Path | None, org_key: str | None, file: Path | None) -> None:
    """Write all heads, to be kept elsewhere, or one organisation's rows as one JSON object per line, for an auditor.

    \b
    Example:
      tukiverkko audit export --heads heads.json
      tukiverkko audit export --org lt-police police.ndjson
    """
    if (heads_file is None) == (org_key is None) or (org_key is None) != (file is None):
        message = "give --heads FILE, or --org KEY FILE"
        raise click.UsageError(message)
    settings = Settings.load()
    with _database():
        if heads_file is not None:
            _heads(settings, heads_file)
        elif org_key is not None and file is not None:
            _rows(settings, org_key, file)


def _heads(settings: Settings, file: Path) -> None:
    from chassis import clock, heads, verify

    found = {service: verify.heads_of(settings.database_url(service, "owner")) for service in SERVICES}
    chain_key = bytes.fromhex(settings.secret("chain_key"))
    _write(file, iter([heads.written(chain_key, found, at=clock.now())]))
    say(
        f"{sum(map(len, found.values()))} heads written to {file}; keep it where this machine's administrators can not."
    )


def _rows(settings: Settings, org_key: str, file: Path) -> None:
    from uuid import UUID

    import orjson

    from chassis import verify
    from chassis.keyed_ids import id_of_key

    try:
        org = UUID(org_key)
    except ValueError:
        org = id_of_key("organisation", org_key)

    def lines() -> Iterator[bytes]:
        for service in SERVICES:
            _on_record(settings, service, org)
            for row in verify.rows_of(settings.database_url(service, "owner"), org):
                yield orjson.dumps({"service": service, **row}, option=orjson.OPT_APPEND_NEWLINE)

    say(f"{_write(file, lines())} rows written to {file}.")


def _on_record(settings: Settings, service: str, org: UUID) -> None:
    from chassis.audit import Entry
    from deploy.local.commands.rooms import database

    entry = Entry(operation="audit.export", object_type="organisation", object_id=org, purpose="audit")
    with database(settings, service) as db, db.background("command:audit") as work:
        work.record(entry)


def _write(file: Path, lines: Iterator[bytes]) -> int:
    count = 0
    temporary = file.with_name(f".{file.name}.new")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as writing:
            for line in lines:
                writing.write(line)
                count += 1
        temporary.rename(file)
    except OSError as error:
        raise LocalFault(f"{file} can not be written: {error.strerror}.") from error
    return count


@contextmanager
def _database() -> Iterator[None]:
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        message = "The database does not answer; `tukiverkko status` shows what runs."
        raise LocalFault(message) from error


COMMANDS = (audit,)
