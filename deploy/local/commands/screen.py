"""What the commands show to a person: sentences, tables, a followed log."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table

from chassis.settings import Settings
from deploy.local.state import Line

FOLLOW_SECONDS = 0.3
COLUMNS = {
    "outbox": "wait in outbox",
    "oldest_seconds": "oldest, s",
    "inbox_waiting": "wait in inbox",
    "parked": "parked",
}
LAG = {
    "outbox": "outbox",
    "oldest_seconds": "oldest s",
    "gaps": "gaps",
    "blocked": "blocked",
    "queue": "queue",
    "retry": "retry",
    "parked": "parked",
    "idle_seconds": "idle s",
}


def say(sentence: str) -> None:
    """One sentence for the person who started the command, at once even into a pipe."""
    click.echo(sentence)  # click flushes after each


def status_table(settings: Settings, phase: str, lines: Iterable[Line], measured: Mapping[str, object]) -> None:
    """The whole network at a glance."""
    console = Console()
    console.print(f"Network in {settings.home}: [bold]{phase}[/bold], gateway http://127.0.0.1:{settings.port}")
    table = Table("process", "state", "port", "pid", "restarts", "note")
    for line in lines:
        if not line.alive:
            word = "[red]down[/red]"
        else:
            word = "[green]serves[/green]" if line.ready else "[yellow]starts[/yellow]"
        table.add_row(line.name, word, str(line.port), str(line.pid or ""), str(line.restarts), line.note)
    if table.row_count:
        console.print(table)
    if measured:
        console.print(_measured(measured))
        for sentence in message_sentences(measured):
            console.print(sentence)


WHERE_SEEN = {
    "referrals": "The organisations see which and why at GET /referrals/{id}/messages.",
    "groups": "Leaders see on the roster whose address could not be reached (contact_check: undeliverable).",
    "directory": "The e-mail of an organisation in the directory does not take mail; telephone it and have it mended.",
}
"""Where it shows which messages were given up, by service."""


def message_sentences(measured: Mapping[str, Any]) -> list[str]:
    """How messages stand, and what needs a person."""
    sentences = []
    for service, states in measured.get("messages", {}).items():
        if states is None:
            continue
        waiting, dead = states.get("queued", 0) + states.get("failed", 0), states.get("dead", 0)
        sentence = f"Messages of {service} go {measured.get('mail')}; {waiting} wait, {dead} were given up."
        sentences.append(sentence)
        if dead:
            sentences.append(WHERE_SEEN[service])
    return sentences


def counts_table(since: dt.datetime, found: Mapping[str, list[dict[str, object]]]) -> None:
    """What was told, by service and type."""
    table = Table("service", "type", "told", "of which wait", caption=f"Since {since.isoformat(timespec='seconds')}.")
    for service, rows in found.items():
        for row in rows:
            table.add_row(service, str(row["type"]), str(row["told"]), str(row["waiting"]))
    Console().print(table)


def lag_table(services: Mapping[str, Mapping[str, object]], partners: Mapping[str, Mapping[str, object]]) -> None:
    """How far behind each service and each partner is."""
    table = Table(Column("events of", no_wrap=True), *LAG.values(), box=None, padding=(0, 1))
    for service, row in services.items():
        table.add_row(service, *(_cell(row[name]) for name in LAG))
    Console().print(table)
    if partners:
        queues = Table("partner's queue", "waits", "cut at")
        for name, row in partners.items():
            queues.add_row(name, _cell(row["waiting"]), _cell(row["limit"]))
        Console().print(queues)


def follow(path: Path) -> None:
    """Print what is appended to a file, also after it was cut, until Ctrl-C."""
    place = path.stat().st_size
    while True:
        size = path.stat().st_size
        place = min(place, size)
        if size > place:
            with path.open("rb") as file:
                file.seek(place)
                text = file.read()
            click.echo(text.decode("utf-8", "replace"), nl=False)
            place += len(text)
        time.sleep(FOLLOW_SECONDS)


def _cell(value: object) -> str:
    if value is None:
        return "?"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _measured(measured: Mapping[str, object]) -> Table:
    services = measured.get("services")
    parts = ", ".join(f"{name} {measured.get(name, 'unknown')}" for name in ("database", "broker"))
    table = Table("events of", *COLUMNS.values(), caption=f"The {parts}.", caption_justify="left")
    for service, row in services.items() if isinstance(services, dict) else ():
        table.add_row(service, *("?" if row[name] is None else str(row[name]) for name in COLUMNS))
    return table
