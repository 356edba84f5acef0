"""What a referral shows besides its own row and content: each part adds fields, by the caller's side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chassis.db import Work
from services.referrals import views
from services.referrals.usecases import counting

Part = Callable[[Work, dict[str, Any]], dict[str, Any]]


def asked(work: Work, row: dict[str, Any]) -> dict[str, Any]:
    """The question that waits for the sender's answer; null while there is none."""
    if row["state"] != "info_requested":
        return {"asked": None}
    return {"asked": views.last_details(work, row, "request_info")}


PARTS: tuple[Part, ...] = (asked, counting.attendance)


def parts(work: Work, row: dict[str, Any]) -> dict[str, Any]:
    """All parts of one row of `views.row_of`."""
    found: dict[str, Any] = {}
    for each in PARTS:
        found |= each(work, row)
    return found
