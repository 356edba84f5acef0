"""Commands about events: the relay as a process, and what is parked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from chassis.settings import SERVICES, Settings
from deploy.local.commands.screen import say
from deploy.local.faults import LocalFault

SERVICE = click.Choice(SERVICES)
CODE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}\Z")


def _code(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not CODE.match(value):
        message = (
            "a code of small letters, digits and . _ : -, such as operator.duplicate; the audit holds no sentences"
        )
        raise click.BadParameter(message)
    return value


@click.command()
@click.option("--service", "services", multiple=True, type=SERVICE, help="Only this service's outbox; may be repeated.")
def relay(services: tuple[str, ...]) -> None:
    """Publish what waits in the outboxes, until SIGTERM (`up` runs one for all services).

    \b
    Example:
      tukiverkko relay --service referrals
    """
    from chassis import relay as relays

    raise click.exceptions.Exit(relays.main(services or SERVICES))


@click.group()
def parked() -> None:
    """Events that a service could not take and that wait for a decision.

    \b
    Example:
      tukiverkko parked list --service referrals
    """


@parked.command("list")
@click.option("--service", type=SERVICE, required=True)
def parked_list(service: str) -> None:
    """List what is parked, oldest first, without its content.

    \b
    Example:
      tukiverkko parked list --service referrals
    """
    rows = _asked(lambda store, settings: store.listed(settings, service))
    for row in rows:
        click.echo(json.dumps(asdict(row), default=str))
    if not rows:
        click.echo(f"Nothing is parked at {service}.", err=True)  # what is printed stays JSON, line by line


@parked.command("show")
@click.argument("event_id")
@click.option("--service", type=SERVICE, required=True)
def parked_show(event_id: str, service: str) -> None:
    """Show one parked event: names, codes and ids, never its content.

    \b
    Example:
      tukiverkko parked show 0190f3c2-... --service referrals
    """
    rows = [row for row in _asked(lambda store, settings: store.listed(settings, service)) if row.event_id == event_id]
    if not rows:
        message = f"No event {event_id} is parked at {service}."
        raise LocalFault(message)
    for name, value in asdict(rows[0]).items():
        click.echo(f"{name + ':':<10} {value}")


@parked.command("replay")
@click.argument("event_id", required=False)
@click.option("--all", "everything", is_flag=True, help="All that is parked at this service.")
@click.option("--service", type=SERVICE, required=True)
def parked_replay(event_id: str | None, service: str, *, everything: bool) -> None:
    """Give one parked event, or all, to the service again.

    \b
    Example:
      tukiverkko parked replay --all --service referrals
    """
    if (event_id is None) is not everything:
        message = "give either an event id or --all"
        raise click.UsageError(message)
    done = _asked(lambda store, settings: store.replay(settings, service, event_id))
    say(f"{done} {'event' if done == 1 else 'events'} replayed.")


@parked.command("drop")
@click.argument("event_id")
@click.option("--reason", required=True, callback=_code, help="A code for the audit, for example operator.duplicate.")
@click.option("--service", type=SERVICE, required=True)
def parked_drop(event_id: str, reason: str, service: str) -> None:
    """Take a parked event away for good and let what waits behind it go on.

    \b
    Example:
      tukiverkko parked drop 0190f3c2-... --reason operator.duplicate --service referrals
    """
    _asked(lambda store, settings: store.drop(settings, service, event_id, reason=reason))
    say(f"Event {event_id} dropped.")


def _asked(question: Callable[[Any, Settings], Any]) -> Any:
    from chassis import parked as store
    from chassis.errors import Refused
    from chassis.link import LinkLost

    try:
        return question(store, Settings.load())
    except Refused as refusal:
        raise LocalFault(refusal.detail) from refusal
    except LinkLost as lost:
        message = f"The broker does not answer ({lost.reason})."
        raise LocalFault(message) from lost


COMMANDS = (relay, parked)
