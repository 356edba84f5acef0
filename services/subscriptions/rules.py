"""Who reads what: streams by audience, the end of the journal, and what a grant may be called (bus.md section 5)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from chassis.errors import Conflict, FieldError, Invalid, Refused

OPERATIONS: dict[str, frozenset[str]] = {"event.read": frozenset({"subscriber"})}
"""Roles by operation (access-and-privacy.md section 3)."""

NETWORK = "network"
OWN = "org"
STREAMS = (NETWORK, OWN)
"""How a reader names the stream: the network's, or that of the organisation in its token."""

ACTIVE = "active"
_GRANT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")


class JournalCut(Refused):
    """The events after that position are gone (410); `oldest` is the first position that is still there."""

    status = 410
    title = "The journal no longer reaches back that far"
    adds: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "oldest": {"type": "integer", "minimum": 1, "description": "The first position that is still there."}
    }

    def __init__(self, oldest: int) -> None:
        message = f"The oldest event still here has position {oldest}; go on with after={oldest - 1}."
        super().__init__("journal.cut", message)
        self.members = {"oldest": oldest}


def streams_of(audience: str) -> tuple[str, ...]:
    """The streams that an event of this audience belongs to; what is for nobody outside belongs to none."""
    return (audience,) if audience == NETWORK or audience.startswith(f"{OWN}:") else ()


def stream_read(named: str, org: uuid.UUID) -> str:
    """The stream a caller reads; the organisation comes from the token and from nowhere else."""
    return NETWORK if named == NETWORK else stream_of(org)


def stream_of(org: uuid.UUID) -> str:
    """The stream of one organisation."""
    return f"{OWN}:{org}"


def owner_of(stream: str) -> uuid.UUID | None:
    """The organisation whose stream it is; None for the network's."""
    return None if stream == NETWORK else uuid.UUID(stream.removeprefix(f"{OWN}:"))


def routing_key(stream: str, type_: str) -> str:
    """Its key on the exchange `partners`: `network.<noun>.<verb>` or `org.<id>.<noun>.<verb>`."""
    return f"{stream.replace(':', '.')}.{type_}"


def binding_keys(org: uuid.UUID) -> tuple[str, str]:
    """What a partner's queue is bound by: the network's stream and its own, whole, so that positions have no gap."""
    return (f"{NETWORK}.#", f"{OWN}.{org}.#")


def check_reach(after: int, oldest: int) -> None:
    """Refuse a reader who would miss events unseen; 0 starts wherever the journal starts. Raises JournalCut."""
    if 0 < after < oldest - 1:
        raise JournalCut(oldest)


def next_after(after: int, positions: Sequence[int]) -> int:
    """Where a reader goes on: the last position given, or where it stood."""
    return positions[-1] if positions else after


def types_wanted(texts: Sequence[str]) -> tuple[str, ...]:
    """Short names, given one by one or with commas between."""
    return tuple(dict.fromkeys(name for text in texts for name in text.split(",")))


def check_grant_name(name: str) -> None:
    """A grant's name is part of its queue's and its user's. Raises Invalid."""
    if not _GRANT_NAME.match(name):
        message = f"A grant cannot be called {name!r}: small letters, digits and hyphens, at most 32, such as main."
        raise Invalid("grant.bad_name", message, fields=(FieldError("/name", "pattern", message),))


def check_active(org_key: str, status: str) -> None:
    """Only an active organisation gets a way to the events. Raises Conflict."""
    if status != ACTIVE:
        raise Conflict("organisation.not_active", f"{org_key} is {status} in the network, so it gets no grant now.")


def already_granted(org_key: str, name: str) -> Conflict:
    """The refusal of a second grant of one name: its password was shown once and is kept nowhere."""
    message = f"{org_key} has a grant called {name} already; rotate it for a new password, or revoke it first."
    return Conflict("grant.exists", message, allowed=("rotate", "revoke"))
