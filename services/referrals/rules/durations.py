"""How long a case stood where each entry of its history led it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

from services.referrals.rules.lifecycle import CLOSED, FINAL


def lasted(times: Sequence[dt.datetime], *, state: str, now: dt.datetime) -> list[int | None]:
    """Whole seconds from each entry to the next; the last one counts to now, and is None where nothing runs any more.

    `state` is the one that the reader's own row is in; an entry that changes no state splits the time of its state.
    """
    if not times:
        return []
    spans: list[int | None] = [max(0, int((after - before).total_seconds())) for before, after in pairwise(times)]
    over = state in FINAL or state == CLOSED
    return [*spans, None if over else max(0, int((now - times[-1]).total_seconds()))]
