"""What `events lag` finds: figures per service and partner, and a sentence for each that needs a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chassis.settings import SERVICES, Settings
from deploy.local.commands import figures

OUTBOX_SECONDS = 60
GAP_SECONDS = 300
BLOCKED_SECONDS = 180  # the service lifts such a block by itself after about a minute of empty queues
STILL_SECONDS = 60
PARTNER_SHARE = 0.8

Row = Mapping[str, Any]
Check = tuple[Callable[[Row], object], Callable[[str, Row], str]]


def measured(settings: Settings) -> dict[str, Any]:
    """All figures, and under `needs` what a person should look at, in plain sentences; empty when all is well."""
    queues = figures.queues(settings)
    services = {service: _service(settings, service, queues) for service in SERVICES}
    partners = figures.partners_of(queues)
    needs = [sentence for service, row in services.items() for sentence in needs_of(service, row)]
    needs += [sentence for queue, row in partners.items() for sentence in partner_needs(queue, row)]
    if queues is None:
        needs.insert(0, "The broker does not answer: events wait in the outboxes until it is back. Bring it back.")
    return {"services": services, "partners": partners, "needs": needs}


def needs_of(service: str, row: Row) -> list[str]:
    """What a person should look at in one service."""
    if row["outbox"] is None:
        return [f"{service}: its database does not answer. Bring it back; nothing is lost meanwhile."]
    return [sentence(service, row) for holds, sentence in CHECKS if holds(row)]


def partner_needs(queue: str, row: Row) -> list[str]:
    """What a person should look at in one partner's queue."""
    limit, waiting = row["limit"], row["waiting"] or 0
    if not limit or waiting < PARTNER_SHARE * limit:
        return []
    what = "is full, its oldest events are cut" if waiting >= limit else "will soon be full"
    return [
        f"{queue}: {waiting} of {limit} events wait; the queue {what}. Ask the partner to read or to fetch the feed."
    ]


def _service(settings: Settings, service: str, queues: dict[str, dict[str, Any]] | None) -> dict[str, Any]:
    depths = figures.depths_of(queues, service)
    return {**figures.rows_of(settings, service), **depths, **figures.consumer_of(settings, service)}


def _codes(row: Row) -> str:
    return ", ".join(f"{count} {code}" for code, count in sorted(row["refused"].items()))


def _lost_block(row: Row) -> bool:
    """Only when the broker says that nothing is held: where it does not answer nobody knows."""
    held_nowhere = row["retry"] == 0 and row["parked"] == 0
    return bool(held_nowhere and row["blocked"] and row["blocked_seconds"] > BLOCKED_SECONDS)


def _tell_again(row: Row) -> str:
    first = row["blocked_first"] or {}
    source = first.get("source") if first.get("source") in SERVICES else "PUBLISHER"
    return (
        f"`tukiverkko republish --service {source} --aggregate {first.get('subject', 'ID')}` for the oldest, "
        "`--everything NOUN` for all"
    )


CHECKS: tuple[Check, ...] = (
    (
        lambda row: row["oldest_seconds"] > OUTBOX_SECONDS,
        lambda service, row: (
            f"{service}: {row['outbox']} events wait in the outbox, the oldest for {row['oldest_seconds']} s. "
            "Look whether relay and broker run (`tukiverkko status`, `tukiverkko logs relay`)."
        ),
    ),
    (
        lambda row: row["refused"],
        lambda service, row: (
            f"{service}: the broker did not accept events ({_codes(row)}). "
            "Unroutable means that nobody's queue is bound: start the services, they bind it."
        ),
    ),
    (
        lambda row: row["gap_seconds"] > GAP_SECONDS,
        lambda service, row: (
            f"{service}: {row['gaps']} events wait for one that is missing, the oldest for {row['gap_seconds']} s. "
            "Look whether the publisher and the relay run; then `tukiverkko republish` the object."
        ),
    ),
    (
        _lost_block,
        lambda service, row: (
            f"{service}: {row['blocked']} events wait for {row['blocked_seconds']} s behind one that failed and is "
            f"neither tried again nor parked: it was lost with the broker. Have it told again: {_tell_again(row)}."
        ),
    ),
    (
        lambda row: row["parked"],
        lambda service, row: (
            f"{service}: {row['parked']} parked, {row['blocked']} wait behind. "
            f"See `tukiverkko parked list --service {service}`."
        ),
    ),
    (
        lambda row: row["connected"] == 0 and row["queue"] is not None,  # a dead broker is told once, for all
        lambda service, _row: f"{service}: it does not read events. Look whether the broker runs, then at its log.",
    ),
    (
        lambda row: (row["idle_seconds"] or 0) > STILL_SECONDS,
        lambda service, row: (
            f"{service}: its reader of events stands still for {row['idle_seconds']:.0f} s. Restart the service."
        ),
    ),
    (
        lambda row: row["connected"] is None,
        lambda service, _row: f"{service}: the process does not say whether it reads events. Look whether it runs.",
    ),
)
