"""What a certificate says, and nothing else: programme, dates from and to, counts, decision, reference (groups.md)."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from chassis.errors import Conflict
from services.groups.rules.codes import ALPHABET

VERSION = 1
DIGITS = 12
DECISION = "completed"


def reference(year: int) -> str:
    """A reference that cannot be guessed and says nothing: `2027-7K2M-9QXD-4TRB`, 60 bits of chance."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(DIGITS))
    return "-".join((str(year), text[:4], text[4:8], text[8:]))


def content(
    *,
    organisation: dict[str, Any],
    programme: dict[str, str],
    dates: tuple[dt.date, dt.date],
    completion: dict[str, Any],
    ref: str,
) -> dict[str, Any]:
    """The words of the certificate as they are signed; no name, no alias, no place."""
    return {
        "version": VERSION,
        "reference": ref,
        "organisation": organisation,
        "programme": programme,
        "from": dates[0].isoformat(),
        "to": dates[1].isoformat(),
        "held": completion["held"],
        "attended": completion["attended"],
        "decision": DECISION,
        "decided_on": completion["decided_on"].isoformat(),
    }


def check_completed(state: str) -> None:
    """Raise Conflict where nobody decided that he has finished."""
    if state != "completed":
        message = f"A certificate follows the decision that he has finished; the sign-up is {state}."
        raise Conflict("certificate.not_completed", message, allowed=())
