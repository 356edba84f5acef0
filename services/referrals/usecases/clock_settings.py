"""A service's own figures for its clocks, set by the lead of the receiving side."""

from __future__ import annotations

from typing import Any

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import FieldError, Invalid
from chassis.requests import Call, Outcome
from services.referrals.rules import clock_settings
from services.referrals.store import clocks as store
from services.referrals.usecases.entering import caller_of
from services.referrals.views import clocks as views

OBJECT = "clock_setting"


def settings(db: Database, call: Call) -> Outcome:
    """The house's figures with their limits, and those that the caller's organisation has set."""
    with db.work(call) as work:
        value = _value(work)
        work.record(Entry(operation="referral.clock_settings", object_type=OBJECT, object_id=None))
        return Outcome(value=value)


def set_one(db: Database, call: Call) -> Outcome:
    """Set a figure from a day on. Raises Invalid for another's service, a wrong clock, amount or day."""
    with db.work(call) as work:
        repeated = work.claimed()
        if repeated is None:
            repeated = _set(work, call.body)
        work.record(Entry(operation="referral.set_clock", object_type=OBJECT, object_id=repeated))
        return Outcome(value=_value(work))


def _set(work: Work, body: dict[str, Any]) -> Any:
    service = store.own_service(work, body["service"])
    if service is None:
        message = "Your organisation has no service of this key or id."
        fault = FieldError("/service", "service.unknown", message)
        raise Invalid("service.unknown", message, fields=(fault,))
    today = work.now.date()
    on = body["effective_on"] or today
    clock_settings.check(body["clock"], body["urgency"], body["amount"], effective_on=on, today=today)
    setting = {name: body[name] for name in ("urgency", "amount")}
    values = {**setting, "code": body["clock"], "service_id": service["service_id"], "effective_on": on}
    store.set_amount(work, values, by=caller_of(work).subject)
    return service["service_id"]


def _value(work: Work) -> dict[str, Any]:
    figures = []
    for (code, urgency), span in clock_settings.settable().items():
        least, most = clock_settings.limits(code, urgency)
        line = {"clock": code, "urgency": urgency, "amount": span.amount, "unit": span.unit}
        figures.append({**line, "least": least, "most": most})
    return {"figures": figures, "settings": views.settings(work)}
