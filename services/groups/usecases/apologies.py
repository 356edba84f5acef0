"""An apology before a meeting: by the man with his card, or by a worker on his word."""

from __future__ import annotations

import uuid

from chassis import clock
from chassis.db import Work
from chassis.errors import Conflict
from services.groups.rules import attendance as rules
from services.groups.store import attendance, sessions
from services.groups.store.seats import SignUp
from services.groups.store.sessions import Session

SEATED = frozenset({"confirmed", "active"})


def apologise(work: Work, sign_up: SignUp, no: int, *, subject: str | None) -> None:
    """Write that he will not come and said so. Raises NotFound, and Conflict when he has no seat or it is too late."""
    session = check(work, sign_up.group_id, sign_up.state, no)
    entry = {"signup_id": sign_up.id, "code": "excused", "beforehand": True}
    attendance.put(work, session, [entry], subject=subject)


def check(work: Work, group_id: uuid.UUID, state: str, no: int) -> Session:
    """The meeting that somebody in this state may excuse himself from. Raises as `apologise` does."""
    if state not in SEATED:
        message = f"An apology needs a seat; the sign-up is {state}."
        raise Conflict("signup.not_possible", message, allowed=())
    session = sessions.one(work, group_id, no)
    rules.check_apology(state=session.state, starts_at=session.starts_at, now=clock.now())
    return session
