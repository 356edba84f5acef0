"""Child concerns: which receiver is an authority that can act on one (referrals.md section 10)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from chassis.errors import FieldError, Invalid, NotAllowed
from services.referrals.rules.receiving import ACTIVE, Chosen, Offer, named

AUTHORITIES = frozenset({"child_rights_authority", "police", "prosecutor", "court", "municipality"})
"""Types of the directory that can act on a concern; in the Nordic countries the municipality's child welfare."""


def choose_authority(
    offers: Sequence[Offer], *, sender: uuid.UUID, receiver: str | None, service: str | None
) -> Chosen:
    """The authority that a concern goes to: it need not offer a service, nor accept, nor cover an urgency.

    Raises NotAllowed when the sender is suspended and Invalid for whoever is unknown, suspended, or no authority.
    """
    if any(offer.org_id == sender and offer.status != ACTIVE for offer in offers):
        raise NotAllowed("organisation.suspended", "Your organisation takes no part in the network at the moment.")
    if receiver is None and service is None:
        raise _wrong("/receiver", "required", "Name the authority; a concern for a child goes to no queue.")
    found = next((each for each in offers if _meant(each, receiver, service)), None)
    pointer = "/receiver" if receiver is not None else "/service"
    if found is None:
        raise _wrong(pointer, "receiver.unknown", "No organisation of this key or id is in the directory.")
    _check_authority(found, pointer, sender)
    by = found if service is not None else None
    return Chosen(
        org_id=found.org_id,
        key=found.key,
        service_id=by.service_id if by else None,
        service_key=by.service_key if by else None,
    )


def _check_authority(found: Offer, pointer: str, sender: uuid.UUID) -> None:
    if found.org_id == sender:
        raise _wrong(pointer, "receiver.self", "A concern goes to another organisation than your own.")
    if found.status != ACTIVE:
        raise _wrong(pointer, "receiver.suspended", "This organisation takes no part in the network; telephone 112.")
    if found.type not in AUTHORITIES:
        told = f"A concern for a child goes to an authority ({', '.join(sorted(AUTHORITIES))}); this is {found.type}."
        raise _wrong(pointer, "receiver.no_authority", told)


def _meant(offer: Offer, receiver: str | None, service: str | None) -> bool:
    if receiver is not None and not named(receiver, key=offer.key, row_id=offer.org_id):
        return False
    return service is None or named(service, key=offer.service_key, row_id=offer.service_id)


def _wrong(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(code, detail, fields=(FieldError(pointer, code, detail),))
