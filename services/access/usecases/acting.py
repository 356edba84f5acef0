"""In whose name something is done before there is a token: the organisation and the member that were found."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import replace

from chassis.errors import Unauthenticated
from chassis.identity import Caller
from chassis.requests import Call
from services.access.rules.members import subject_of
from services.access.store.partners import Organisation

NOBODY = uuid.UUID(int=0)
"""The id of no organisation and no member: what is looked up where there is none, so that the work is the same."""


def caller_of(call: Call) -> Caller:
    """The caller of a protected route. Raises Unauthenticated."""
    if call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    return call.caller


def as_person(call: Call, org: Organisation, member_id: uuid.UUID | None) -> Call:
    """The same call in the name of a member, or of somebody who failed to be one, for row security and the audit."""
    subject = subject_of(member_id) if member_id else "person:unproved"
    return replace(call, caller=Caller(subject, org.org_id, org.key, frozenset(), "-"))


def new_token() -> str:
    """256 random bits that can stand in a link and in a cookie."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is kept of a token; it has too many bits to be guessed from this."""
    return hashlib.sha256(token.encode()).digest()
