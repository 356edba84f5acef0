"""What a referral shows besides its own row and content: each part adds fields, by the caller's side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chassis.db import Work
from services.referrals import views
from services.referrals.rules.lifecycle import SENDER
from services.referrals.store import case_entries
from services.referrals.usecases import clocks, counting

Part = Callable[[Work, dict[str, Any]], dict[str, Any]]


def asked(work: Work, row: dict[str, Any]) -> dict[str, Any]:
    """The question that waits for the sender's answer; null while there is none."""
    if row["state"] != "info_requested":
        return {"asked": None}
    return {"asked": views.last_details(work, row, "request_info")}


def warning(work: Work, row: dict[str, Any]) -> dict[str, Any]:
    """Whether the caller has confirmed to have read the sender's warning; null on the sender's side."""
    call = work.call
    if row["side"] == SENDER or call is None or call.caller is None:
        return {"warning_read": None}
    return {"warning_read": case_entries.has_read(work, row["id"], call.caller.subject)}


PARTS: tuple[Part, ...] = (asked, counting.attendance, warning, clocks.shown, clocks.warned)


def parts(work: Work, row: dict[str, Any]) -> dict[str, Any]:
    """All parts of one row of `views.row_of`."""
    found: dict[str, Any] = {}
    for each in PARTS:
        found |= each(work, row)
    return found
