"""The gate before every outgoing message: may it go, by which way, when, and under whose name. One pure function.

Unknown counts as unsafe: a message to a person goes only by a channel that is marked safe, is allowed for this way by
name, was confirmed within ninety days, and is open at this time; outside its safe times it is held until the next one.
Source: referrals.md section 11.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from chassis.messages import kinds, times
from chassis.messages.contact import Channel, Contact
from chassis.messages.kinds import Kind

CONFIRMED_FOR = dt.timedelta(days=90)
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?\Z")

_CHANNEL = {
    kinds.EMAIL: "email",
    kinds.TEXT: "phone",
    kinds.CALL: "phone",
    kinds.VOICEMAIL: "phone",
    kinds.LETTER: "post",
}
_NEEDS = {
    kinds.EMAIL: (),
    kinds.TEXT: ("may_text",),
    kinds.CALL: ("may_call",),
    kinds.VOICEMAIL: ("may_call", "may_leave_voicemail"),
    kinds.LETTER: ("may_post",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the gate says. `way` None is a refusal, and `refused` says why; else `at` says from when on.

    `alias`: not under our own name. `channel` is None for a message to an organisation, which has addresses of its own.
    """

    way: str | None = None
    channel: Channel | None = None
    at: dt.datetime | None = None
    alias: bool = True
    refused: str = ""

    @property
    def allowed(self) -> bool:
        """Whether it may go, now or later."""
        return self.way is not None


def decide(
    kind: Kind, contact: Contact, now: dt.datetime, *, carried: frozenset[str] = frozenset(kinds.WAYS)
) -> Decision:
    """Whether, how and when a message of this kind may go that concerns this person; `carried`: ways there are."""
    if contact.do_not_contact and (kind.audience == kinds.PERSON or kind.reminds):
        return Decision(refused="do_not_contact")
    if kind.audience == kinds.ORGANISATION:
        return Decision(way=kinds.EMAIL, at=now, alias=False)
    if contact.via is not None:
        return Decision(refused="reached_through_another")
    found = tuple(_tried(kind, contact, now, carried))
    open_ones = [each for each in found if each.allowed]
    if open_ones:
        return min(open_ones, key=_opening)
    return found[-1] if found else Decision(refused="no_channel")


def _opening(decision: Decision) -> dt.datetime:
    assert decision.at is not None
    return decision.at


def _tried(kind: Kind, contact: Contact, now: dt.datetime, carried: frozenset[str]) -> Iterator[Decision]:
    for way in kind.ways:
        for channel in contact.channels:
            if way in carried and channel.channel == _CHANNEL[way]:
                yield _through(kind, way, channel, now)


def _through(kind: Kind, way: str, channel: Channel, now: dt.datetime) -> Decision:
    why = _unsafe(kind, channel) or _not_allowed(way, channel) or _not_confirmed(kind, channel, now)
    if why:
        return Decision(refused=why)
    at = now if channel.times is None else times.next_inside(now, channel.times)
    if at is None:
        return Decision(refused="no_safe_time")
    named = channel.safe == "yes" and channel.may_say_who_we_are is True
    return Decision(way=way, channel=channel, at=at, alias=not named)


def _unsafe(kind: Kind, channel: Channel) -> str:
    """A worker may try what nobody knows to be unsafe; words that anybody can read may not."""
    if channel.safe != "yes" and not (kind.by_worker and channel.safe == "unknown"):
        return "not_safe"
    if channel.unsafe_if_answered_by is not None and not kind.by_worker:
        return "others_may_read"
    return ""


def _not_allowed(way: str, channel: Channel) -> str:
    if any(getattr(channel, name) is not True for name in _NEEDS[way]):
        return "not_allowed"
    if way == kinds.EMAIL and ADDRESS.match(channel.value) is None:
        return "no_address"
    return ""


def _not_confirmed(kind: Kind, channel: Channel, now: dt.datetime) -> str:
    """A confirmation of the future is none; a call is how one confirms, and so is a mail that asks for it."""
    if kind.by_worker or kind.proves:
        return ""
    at = channel.verified_at
    return "" if at is not None and at <= now < at + CONFIRMED_FOR else "not_confirmed"
