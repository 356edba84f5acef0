"""How a moment is given to a command: a time with its offset, or how long ago."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import click

from chassis import clock

_AGO = re.compile(r"(\d{1,6})([smhd])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST_DAYS = 3660


class Moment(click.ParamType[dt.datetime]):
    """`2026-11-23T08:00:00+02:00`, or `15m`, `2h`, `1d` ago."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.datetime:
        """The moment that is meant."""
        if isinstance(value, dt.datetime):
            return value
        ago = _AGO.match(value)
        if ago:
            span = dt.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            return clock.now() - min(span, dt.timedelta(days=LONGEST_DAYS))
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail("give a time with its offset, such as 2026-11-23T08:00:00+02:00, or 15m, 2h, 1d", param, ctx)
        return moment


MOMENT = Moment()
