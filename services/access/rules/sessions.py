"""Sessions: how long they live, what they must prove, and the one answer to every failed sign-in."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest

from chassis.errors import Conflict, NotAllowed, NotFound, Unauthenticated
from services.access.rules.roles import ROLES

SESSION_COOKIE = "__Host-tukiverkko"
DEVICE_COOKIE = "__Host-tukiverkko-device"
LONGEST = dt.timedelta(hours=10)
IDLE = dt.timedelta(minutes=15)
IDLE_ON_DEVICE = dt.timedelta(minutes=60)
DEVICE_LIFE = dt.timedelta(days=90)
PASSWORD_ALONE = dt.timedelta(hours=10)
INVITATION_LIFE = dt.timedelta(days=7)
TOKEN_SECONDS = 60
STEP_SECONDS = 30
RECOVERY_CODES = 10

OPERATIONS: dict[str, frozenset[str]] = dict.fromkeys(
    (
        "session.read", "session.list", "session.revoke", "session.end", "session.step_up", "session.password",
        "session.recovery_codes", "session.register_device",
    ),
    frozenset(ROLES),
)  # fmt: skip
"""Everybody's own: the session decides, not the role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session of one member."""

    id: uuid.UUID
    org_id: uuid.UUID
    member_id: uuid.UUID
    device_id: uuid.UUID | None
    proved_at: dt.datetime
    started_at: dt.datetime
    seen_at: dt.datetime
    idle_until: dt.datetime
    ends_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that a member registered; `proved_at` is the last two-factor proof on it."""

    id: uuid.UUID
    proved_at: dt.datetime


class SignInRefused(Unauthenticated):
    """The one answer to an unknown organisation or login, a wrong password or code, and a disabled member."""

    title = "Sign-in was refused"

    def __init__(self) -> None:
        super().__init__("sign_in.refused", "Organisation, login, password or code is wrong.")


def idle_of(*, on_device: bool) -> dt.timedelta:
    """How long a session lives without being used."""
    return IDLE_ON_DEVICE if on_device else IDLE


def is_over(now: dt.datetime, *, idle_until: dt.datetime, ends_at: dt.datetime) -> bool:
    """Whether a session has ended by idleness or by its age."""
    return now >= idle_until or now >= ends_at


def password_is_enough(device_proved_at: dt.datetime | None, now: dt.datetime) -> bool:
    """On a registered device the password alone opens within ten hours of the last two-factor proof on it."""
    return device_proved_at is not None and now - device_proved_at < PASSWORD_ALONE


def accepted_step(given: str, codes: Mapping[int, str], last: int) -> int | None:
    """The time step that a code belongs to, of those not used yet; all are compared, whichever fits."""
    fitting = [step for step, code in codes.items() if compare_digest(code.encode(), given.encode())]
    return next((step for step in fitting if step > last), None)


def steps_around(now: dt.datetime) -> tuple[int, int, int]:
    """The time steps whose codes are taken: the current one and its neighbours."""
    step = int(now.timestamp()) // STEP_SECONDS
    return (step - 1, step, step + 1)


def no_session() -> NotAllowed:
    """The refusal of a token that came without a session of its own."""
    return NotAllowed("session.needed", "This is for people who signed in; a token alone has no session.")


def invitation_gone() -> NotFound:
    """One answer to an unknown, used and expired invitation."""
    return NotFound("invitation.not_found", "This invitation is unknown, used or expired; ask for a new one.")


def not_accepted() -> Conflict:
    """The refusal of a code before a password was chosen."""
    return Conflict("invitation.not_accepted", "Choose a password first.", allowed=("accept",))
