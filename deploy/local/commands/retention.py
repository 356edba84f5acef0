"""The command `tukiverkko retention run`: what is due by the rules of retention, shown or erased now."""

from __future__ import annotations

from collections.abc import Iterator

import click

from chassis.records import Records
from chassis.settings import SERVICES, Settings
from deploy.local.commands.screen import say


@click.group("retention")
def retention_group() -> None:
    """How long records of persons are kept.

    \b
    Example:
      tukiverkko retention run --dry-run
    """


@retention_group.command("run")
@click.option("--dry-run", is_flag=True, help="Only tell how many records each rule would erase now.")
def run(*, dry_run: bool) -> None:
    """Erase what is due by the rules of retention; the services do the same by themselves.

    \b
    Example:
      tukiverkko retention run --dry-run
    """
    for line in _lines(Settings.load(), dry_run=dry_run):
        say(line)


def _lines(settings: Settings, *, dry_run: bool) -> Iterator[str]:
    from chassis import retention
    from chassis.erasure import records_of
    from deploy.local.commands.rooms import database

    for records in filter(None, map(records_of, SERVICES)):
        with database(settings, records.service) as db:
            if dry_run:
                counts = {rule.code: len(retention.due(db, records, rule)) for rule in records.persons.rules}
            else:
                counts = retention.run(db, records)
            yield from _told(records, counts, dry_run=dry_run)
            late = retention.holds_to_review(db, records)
            if late:
                yield f"{records.service}: {late} holds have reached their day of review"


def _told(records: Records, counts: dict[str, int], *, dry_run: bool) -> Iterator[str]:
    verb = "would be erased" if dry_run else "erased"
    for rule in records.persons.rules:
        days = "by the programme's days" if rule.days is None else f"{rule.days} days"
        yield f"{rule.code}: {counts[rule.code]} {verb} ({days} after {rule.after})"


COMMANDS = (retention_group,)
