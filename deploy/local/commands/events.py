"""Commands about events: the relay as a process, what was told, how far behind it is, and telling it again."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from chassis import clock
from chassis.settings import SERVICES, Settings
from deploy.local.commands.screen import counts_table, lag_table, say
from deploy.local.commands.times import MOMENT

if TYPE_CHECKING:
    from chassis.db import Database

FOLLOW_SECONDS = 0.5
JUST_NOW = dt.timedelta(seconds=10)
WORDS = {True: "published", False: "waiting"}
A_DAY = dt.timedelta(days=1)
TOLD_BY = tuple(service for service in SERVICES if service != "subscriptions")
"""Subscriptions only hands on to partners what these have told, so it is followed when it is named."""

NAMED = click.option(
    "--service", "services", multiple=True, type=click.Choice(SERVICES), help="Only this service; may be repeated."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object.")


@click.command()
@NAMED
def relay(services: tuple[str, ...]) -> None:
    """Publish what waits in the outboxes, until SIGTERM (`up` runs one for all services).

    \b
    Example:
      tukiverkko relay --service referrals
    """
    from chassis import relay as relays

    raise click.exceptions.Exit(relays.main(services or SERVICES))


@click.group()
def events() -> None:
    """What was told and how far behind it is; never the content of an event.

    \b
    Example:
      tukiverkko events lag
    """


@events.command("tail")
@NAMED
@click.option("--type", "types", multiple=True, help="Only this type, such as referral.sent; may be repeated.")
@click.option("--since", type=MOMENT, help="Begin there: a time with its offset, or 15m, 2h, 1d. Else from now on.")
@click.option("--no-follow", is_flag=True, help="Print what is there and end.")
def events_tail(
    services: tuple[str, ...], types: tuple[str, ...], since: dt.datetime | None, *, no_follow: bool
) -> None:
    """Follow what is told, one line per event, until Ctrl-C: also while the broker is dead, for it reads the outboxes.

    Time, type, source, subject, for whom, sequence, and whether the broker has it; no content. What subscriptions hands
    on to partners is shown with --service subscriptions.

    \b
    Example:
      tukiverkko events tail --service referrals --since 15m
    """
    from chassis.told import Follower

    begin = since or clock.now() - JUST_NOW
    with ExitStack() as stack:
        followed = {
            service: (database, Follower(since=begin, types=types))
            for service, database in _databases(stack, services or TOLD_BY, "event.tail")
        }
        while True:
            for line in sorted(line for each in followed.items() for line in _lines(*each)):
                say(line)
            if no_follow:
                return
            time.sleep(FOLLOW_SECONDS)


@events.command("count")
@NAMED
@click.option("--since", type=MOMENT, help="A time with its offset, or 15m, 2h, 1d; a day otherwise.")
@AS_JSON
def events_count(services: tuple[str, ...], since: dt.datetime | None, *, as_json: bool) -> None:
    """Count what each service told, by type, and how much of it waits for the broker.

    Published rows are kept for TUKIVERKKO_OUTBOX_DAYS (7); what is older is not counted.

    \b
    Example:
      tukiverkko events count --since 2h
    """
    from chassis import told

    begin, found = since or clock.now() - A_DAY, {}
    with ExitStack() as stack:
        for service, database in _databases(stack, services or SERVICES, "event.count"):
            with database.view() as work:
                found[service] = told.counts(work, begin)
    if as_json:
        click.echo(json.dumps({"since": begin.isoformat(), "services": found}))
    else:
        counts_table(begin, found)


@events.command("lag")
@AS_JSON
def events_lag(*, as_json: bool) -> None:
    """Show how far behind events are: outboxes, inboxes, queues, parked, consumers, queues of partners.

    Exit code 0 when nothing needs a person; 1 otherwise, with a sentence for each thing that does. The broker's own
    figures may be five seconds old.

    \b
    Example:
      tukiverkko events lag
    """
    from deploy.local.commands import lag

    settings = Settings.load()
    found = lag.measured(settings)
    _note_lag(settings, [service for service, row in found["services"].items() if row["outbox"] is not None])
    if as_json:
        click.echo(json.dumps(found))
    else:
        lag_table(found["services"], found["partners"])
        for sentence in found["needs"] or ["Nothing needs a person."]:
            say(sentence)
    if found["needs"]:
        raise click.exceptions.Exit(1)


def _databases(stack: ExitStack, services: Sequence[str], operation: str) -> Iterator[tuple[str, Database]]:
    """Each service's database, with the look into it recorded there."""
    from chassis.audit import Entry
    from deploy.local.commands.rooms import database

    settings = Settings.load()
    for service in services:
        opened = stack.enter_context(database(settings, service))
        with opened.background("operator") as work:
            work.record(Entry(operation=operation, object_type="outbox", object_id=None, purpose="operation"))
        yield service, opened


def _note_lag(settings: Settings, services: Sequence[str]) -> None:
    """Record the look where that can be done: figures are wanted most when a database is away."""
    from chassis.audit import Entry
    from deploy.local.commands.rooms import database
    from deploy.local.faults import LocalFault

    for service in services:
        try:
            with database(settings, service) as opened, opened.background("operator") as work:
                work.record(Entry(operation="event.lag", object_type="outbox", object_id=None, purpose="operation"))
        except LocalFault:
            continue


def _lines(service: str, source: tuple[Database, Any]) -> list[str]:
    from chassis import told
    from chassis.kinds import timestamp

    database, follower = source
    with database.view() as work:
        rows = list(follower.take(work))
    return [
        f"{timestamp(row['occurred_at'])}  {row['type']:<28} {service:<13} {row['aggregate_id']}  "
        f"{told.audience_of(row['audience']):<16} {row['sequence']:>5}  {WORDS[row['published']]}"
        for row in rows
    ]


@click.command()
@click.option("--service", type=click.Choice(SERVICES), help="Whose events; may be left out but with --everything.")
@click.option("--since", type=MOMENT, help="What was published since then: a time with offset, or 2h, 1d.")
@click.option("--aggregate", type=click.UUID, help="All events of one object, by its id.")
@click.option("--everything", metavar="NOUN", help="All objects of a noun, such as referral or organisation.")
def republish(service: str | None, since: dt.datetime | None, aggregate: UUID | None, everything: str | None) -> None:
    """Let events go out again, for a broker that lost its data or a reader that misses some.

    Every reader recognises what it has already and applies only what it misses.

    \b
    Example:
      tukiverkko republish --since 2h
    """
    if sum(given is not None for given in (since, aggregate, everything)) != 1:
        message = "give one of --since, --aggregate and --everything"
        raise click.UsageError(message)
    if service is None and everything is not None:
        message = "give --service: a noun belongs to one service"
        raise click.UsageError(message)
    from deploy.local.commands.again import tell_again

    total = 0
    for name in [service] if service else SERVICES:
        count = tell_again(Settings.load(), name, since=since, aggregate=aggregate, everything=everything)
        say(f"{name}: {count} {'event goes' if count == 1 else 'events go'} out again.")
        total += count
    if total:
        say("Readers recognise what they have already; only what they miss is applied.")
    else:
        say("There is nothing of that to tell again; look at the service, the id, the noun or the time.")


COMMANDS = (relay, events, republish)
