"""How a service says, at the moment of sending, who gets a message: the chassis knows no address.

A service that sends has `RECIPIENT` in its `usecases`: a function of the running work and a row, in the context of the
row's organisation. It reads the contact as it is now and asks the gate again.
"""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis.work import Work

SENDING = ("referrals", "groups", "directory")
"""Services that send messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One message as it stands in the table."""

    id: UUID
    object_type: str
    object_id: UUID
    kind: str
    recipient_id: UUID | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """It may go now: to this address, in this language, under an alias or not."""

    address: str
    language: str | None
    alias: bool = False
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now, but from then on."""

    until: dt.datetime


@dataclass(frozen=True, slots=True)
class Drop:
    """Not any more, and why, as a code."""

    reason: str


Recipient = Callable[[Work, Row], Send | Hold | Drop]


def recipient_of(service: str) -> Recipient:
    """What a service says of the messages it wrote."""
    usecases: Any = importlib.import_module(f"services.{service}.usecases")
    found: Recipient = usecases.RECIPIENT
    return found
