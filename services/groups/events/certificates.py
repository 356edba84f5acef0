"""The event of a certificate: that there is one; it is read by its own route."""

from __future__ import annotations

import datetime as dt
import uuid

from chassis import clock
from chassis.envelope import Event, EventType, event
from chassis.kinds import Kind


def _type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"certificate.{verb}",
        source="groups",
        data={"signup_id": Kind.ID, "report_id": Kind.ID},
        summary=summary,
        audience="The organisation that owns the group.",
    )


CERTIFICATE = _type("issued", "A man has a certificate.")
CERTIFICATE_BASELINE = _type("baseline", "The certificate of a man, for whoever missed steps.")


def certificate_told(sign_up_id: uuid.UUID, certificate_id: uuid.UUID, *, org_id: uuid.UUID, at: dt.datetime) -> Event:
    """The event of a certificate, for the owner of the group."""
    return event(
        CERTIFICATE,
        aggregate=("certificate", certificate_id),
        audience=f"org:{org_id}",
        data={"signup_id": sign_up_id, "report_id": certificate_id},
        at=at,
        id=clock.new_id(),
    )
