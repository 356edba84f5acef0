"""Commands about parked events: what a service could not take, and what a person decides about it."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import click

from chassis.kinds import CODE
from chassis.settings import SERVICES, Settings
from deploy.local.commands.screen import say
from deploy.local.commands.times import MOMENT
from deploy.local.faults import LocalFault

if TYPE_CHECKING:
    from uuid import UUID

    from chassis.parked import Detail, Replayed

Result = TypeVar("Result")

SERVICE = click.option("--service", type=click.Choice(SERVICES), required=True, help="Whose queue of parked events.")
WHERE = click.option("--service", type=click.Choice(SERVICES), help="Only at this service; wherever it is otherwise.")


def _code(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not CODE.match(value):
        message = (
            "a code of small letters, digits and . _ : -, such as operator.duplicate; the audit holds no sentences"
        )
        raise click.BadParameter(message)
    return value


@click.group()
def parked() -> None:
    """Events that a service could not take and that wait for a decision.

    \b
    Example:
      tukiverkko parked list --service referrals
    """


@parked.command("list")
@click.option("--service", type=click.Choice(SERVICES), help="Only this service; all of them otherwise.")
def parked_list(service: str | None) -> None:
    """List what is parked, oldest first, without its content: one JSON object per line.

    \b
    Example:
      tukiverkko parked list
    """
    from chassis import parked as store

    settings, count = Settings.load(), 0
    for name in [service] if service else SERVICES:
        with _refusals():
            rows = store.listed(settings, name)
        for row in rows:
            click.echo(json.dumps({"service": name, **asdict(row)}, default=str))
        count += len(rows)
    if not count:
        place = f"at {service}" if service else "anywhere"
        click.echo(f"Nothing is parked {place}.", err=True)  # what is printed stays JSON, line by line


@parked.command("show")
@click.argument("event_id")
@WHERE
def parked_show(event_id: str, service: str | None) -> None:
    """Show one parked event and what its reason means: names, codes, ids and times, never its content.

    \b
    Example:
      tukiverkko parked show 0190f3c2-...
    """
    from chassis import parked as store

    settings = Settings.load()
    for name, detail in _everywhere(service, lambda name: store.shown(settings, name, event_id)).items():
        click.echo(f"{'parked at:':<10} {name}")
        _print(detail)


@parked.command("replay")
@click.argument("event_id", required=False)
@click.option("--all", "everything", is_flag=True, help="All that is parked now.")
@click.option("--since", type=MOMENT, help="What was parked since then: a time with its offset, or 15m, 2h, 1d.")
@WHERE
def parked_replay(event_id: str | None, service: str | None, since: dt.datetime | None, *, everything: bool) -> None:
    """Give one parked event, all, or those parked since a moment to the service again.

    What is parked at several services goes to each of them, unless one is named. What is parked again meanwhile stays
    parked. When this command is killed nothing is lost: at worst one event goes to the service twice, which recognises
    it.

    \b
    Example:
      tukiverkko parked replay --since 2h
    """
    from chassis.parked import Replayed

    if sum((event_id is not None, everything, since is not None)) != 1:
        message = "give an event id, or --all, or --since with a time"
        raise click.UsageError(message)
    settings = Settings.load()
    places = _everywhere(service, lambda name: _replay(settings, name, event_id, since))
    done = Replayed(sum(each.done for each in places.values()), sum(each.left for each in places.values()))
    say(f"{done.done} {'event' if done.done == 1 else 'events'} replayed.")
    if done.left:
        rest = "replay or drop older ones first" if since else "call it again"
        say(f"{done.left} more are parked than are read at once and were not looked at; {rest}.")


@parked.command("drop")
@click.argument("event_id")
@click.option("--reason", required=True, callback=_code, help="A code for the audit, for example operator.duplicate.")
@WHERE
def parked_drop(event_id: str, reason: str, service: str | None) -> None:
    """Take a parked event away for good, wherever it is parked, and let what waits behind it go on.

    \b
    Example:
      tukiverkko parked drop 0190f3c2-... --reason operator.duplicate
    """
    from chassis import parked as store

    settings = Settings.load()
    places = _everywhere(service, lambda name: store.drop(settings, name, event_id, reason=reason))
    say(f"Event {event_id} dropped at {', '.join(places)}.")
    if any(dropped.goes_on is False for dropped in places.values()):
        say(
            "What waits behind it does not go on by that: an earlier event of the same object is parked or missing. "
            "See `tukiverkko parked list`; for one that nobody can tell again, `tukiverkko parked forget`."
        )


@parked.command("forget")
@click.argument("subject", type=click.UUID)
@click.option("--reason", required=True, callback=_code, help="A code for the audit, for example operator.erased.")
@SERVICE
def parked_forget(subject: UUID, reason: str, service: str) -> None:
    """Give up the events of an object that are missing and that nobody can tell again, as of one that was erased.

    What waits behind them goes on without them within seconds. Try `tukiverkko republish --aggregate` first, and see
    that nothing of the object is parked: what comes of the missing ones later counts as old and is not applied.

    \b
    Example:
      tukiverkko parked forget da7c9c1b-77c4-4065-9a6a-c017722217a4 --reason operator.erased --service referrals
    """
    from chassis.giving_up import forget

    with _refusals():
        given = forget(Settings.load(), service, subject, reason=reason)
    steps = "1 missing event" if given.steps == 1 else f"{given.steps} missing events"
    streams = "1 stream" if given.streams == 1 else f"{given.streams} streams"
    say(f"{steps} given up in {streams} of {subject}; what waits behind goes on within seconds.")


def _everywhere(service: str | None, act: Callable[[str], Result]) -> dict[str, Result]:
    """What an act gives at each service where there is what it needs. Raises LocalFault when there is none."""
    from chassis.errors import NotFound

    found, refusal = {}, None
    for name in [service] if service else SERVICES:
        try:
            with _refusals():
                found[name] = act(name)
        except LocalFault as fault:
            if not isinstance(fault.__cause__, NotFound):
                raise
            refusal = fault
    if refusal is not None and not found:
        raise refusal
    return found


def _replay(settings: Settings, service: str, event_id: str | None, since: dt.datetime | None) -> Replayed:
    from rich.console import Console
    from rich.progress import Progress

    from chassis import parked as store

    console, before = Console(stderr=True), 0
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("replayed", total=None)

        def told(number: int, of: int) -> None:
            nonlocal before
            before = number
            progress.update(bar, completed=number, total=of)

        try:
            with _refusals():
                return store.replay(settings, service, event_id, since=since, told=told)
        except LocalFault as fault:
            if not before:
                raise
            message = f"{fault} {before} were replayed before; the rest is still parked."
            raise LocalFault(message) from fault


def _print(detail: Detail) -> None:
    event, why = detail.parked, detail.explanation
    for name, value in asdict(event).items():
        click.echo(f"{name.removeprefix('event_') + ':':<10} {value}")
    click.echo(f"{'behind:':<10} {detail.waiting} {'event waits' if detail.waiting == 1 else 'events wait'} for it")
    click.echo(f"{'meaning:':<10} {why.meaning}")
    click.echo(f"{'to do:':<10} {why.advice}")


@contextmanager
def _refusals() -> Iterator[None]:
    from chassis.errors import Refused
    from chassis.link import LinkLost

    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # a refusal is one sentence, not a log
    try:
        yield
    except Refused as refusal:
        raise LocalFault(refusal.detail) from refusal
    except LinkLost as lost:
        if lost.reason == "NotFound":
            message = "The broker answers but has no such queue: it lost its data. Restart the services, they make it."
        else:
            message = f"The broker does not answer ({lost.reason}); `tukiverkko status` shows what runs."
        raise LocalFault(message) from lost


COMMANDS = (parked,)
