"""Who will receive a referral, decided from the local copy of the directory (referrals.md, T02)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.errors import FieldError, Invalid, NotAllowed

CLOSED = frozenset({"closed", "unknown"})
ACTIVE = "active"
PUBLISHED = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A copied service of a copied organisation; the service's fields are None where an organisation offers none."""

    org_id: uuid.UUID
    key: str
    type: str
    status: str
    service_id: uuid.UUID | None
    service_key: str | None
    service_status: str | None
    accepting: str | None
    urgencies: tuple[str, ...] | None
    country: str = ""
    kind: str | None = None
    coverage: tuple[str, ...] = ()

    @property
    def takes(self) -> bool:
        """Whether referrals can be sent to this service now."""
        return self.service_status == PUBLISHED and self.accepting not in CLOSED and self.accepting is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Where the referral goes; `service_*` is None when the receiver is to decide by which service."""

    org_id: uuid.UUID
    key: str
    service_id: uuid.UUID | None
    service_key: str | None


def named(reference: str | None, *, key: str | None, row_id: uuid.UUID | None) -> bool:
    """Whether a reference (key or UUID, as the caller wrote it) means this row."""
    return reference is not None and (reference == key or reference.lower() == str(row_id))


def choose(
    offers: Sequence[Offer], *, sender: uuid.UUID, receiver: str | None, service: str | None, urgency: str
) -> Chosen:
    """The receiver of a new referral.

    Raises NotAllowed when the sender is suspended and Invalid, with the field and the services that accept instead,
    when the receiver or service is unknown, closed, suspended, the sender itself or does not cover the urgency.
    """
    if any(offer.org_id == sender and offer.status != ACTIVE for offer in offers):
        raise NotAllowed("organisation.suspended", "Your organisation takes no part in the network at the moment.")
    found, pointer = _found(offers, receiver=receiver, service=service)
    if found[0].org_id == sender:
        raise _wrong(pointer, "receiver.self", "A referral goes to another organisation than your own.")
    if found[0].status != ACTIVE:
        raise _wrong(pointer, "receiver.suspended", "This organisation takes no part in the network at the moment.")
    taking = [offer for offer in found if offer.takes]
    if not taking:
        others = [o.service_key for o in offers if o.takes and o.org_id == found[0].org_id and o.service_key]
        instead = f" Services there that accept now: {', '.join(others)}." if others else ""
        raise _wrong(pointer, "service.closed", f"No referrals are accepted there at the moment.{instead}")
    _check_urgency(taking, urgency)
    by = taking[0] if service is not None else None
    return Chosen(
        org_id=found[0].org_id,
        key=found[0].key,
        service_id=by.service_id if by else None,
        service_key=by.service_key if by else None,
    )


def _found(offers: Sequence[Offer], *, receiver: str | None, service: str | None) -> tuple[list[Offer], str]:
    found = [offer for offer in offers if receiver is None or named(receiver, key=offer.key, row_id=offer.org_id)]
    if not found:
        raise _wrong("/receiver", "receiver.unknown", "No organisation of this key or id is in the directory.")
    if service is None:
        return found, "/receiver"
    with_service = [o for o in found if named(service, key=o.service_key, row_id=o.service_id)]
    if not with_service:
        where = "that organisation" if receiver else "the directory"
        raise _wrong("/service", "service.unknown", f"No service of this key or id is in {where}.")
    return with_service, "/service"


def _check_urgency(taking: list[Offer], urgency: str) -> None:
    covered = {level for offer in taking for level in offer.urgencies or ()}
    if covered and urgency not in covered:
        message = f"Covered there: {', '.join(sorted(covered))}; not {urgency}. In danger call 112."
        raise _wrong("/urgency", "service.urgency_not_covered", message)


def _wrong(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(code, detail, fields=(FieldError(pointer, code, detail),))
