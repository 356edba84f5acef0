"""The area queue: who is a candidate, and what a card may say (referrals.md section 1)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from chassis.errors import FieldError, Invalid
from services.referrals.rules.receiving import ACTIVE, Offer

TAKEN_IS_TOLD_FOR = dt.timedelta(hours=24)
"""So long a candidate who comes too late hears that it is taken; afterwards it does not exist for him."""

AGES = ((18, "under_18"), (25, "18_24"), (35, "25_34"), (50, "35_49"), (65, "50_64"))
OLDEST = "65_and_over"
BANDS = (*(band for _, band in AGES), OLDEST)


def covers(coverage: Sequence[str], country: str, area: str) -> bool:
    """Whether a service works in an area ("LT", or "LT:Raseiniai"); one without any names works in its country."""
    wanted = area.partition(":")[0]
    if not coverage:
        return country == wanted
    if area == wanted:
        return any(each.partition(":")[0] == wanted for each in coverage)
    return area in coverage or wanted in coverage


def candidates(
    offers: Iterable[Offer],
    *,
    sender: uuid.UUID,
    area: str,
    kind: str | None,
    urgency: str,
    without: Iterable[uuid.UUID],
) -> list[uuid.UUID]:
    """The organisations that may take it: active, accepting, covering area and urgency, each once, in a fixed order.

    Raises Invalid where there is none.
    """
    shut = {sender, *without}
    found = {
        offer.org_id
        for offer in offers
        if offer.org_id not in shut
        and offer.status == ACTIVE
        and offer.takes
        and urgency in (offer.urgencies or ())
        and kind in {None, offer.kind}
        and covers(offer.coverage, offer.country, area)
    }
    if not found:
        message = f"Nobody in this area accepts such a referral ({urgency}) at the moment. In danger call 112."
        fault = FieldError("/area", "area.nobody", message)
        raise Invalid("area.nobody", message, fields=(fault,))
    return sorted(found)


def age_band(birth_year: int, today: dt.date) -> str:
    """The band in which somebody of this year of birth is, by the age that he reaches this year."""
    age = today.year - birth_year
    return next((band for below, band in AGES if age < below), OLDEST)


def card(content: dict[str, Any], *, area: str, today: dt.date) -> dict[str, Any]:
    """What a candidate reads: needs, area, age band and language; no name, contact, reason, risk or sender."""
    return {
        "needs": content["needs"],
        "area": area,
        "age_band": age_band(content["person"]["birth_year"], today),
        "language": content.get("language"),
    }
