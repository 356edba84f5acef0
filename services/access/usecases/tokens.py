"""Gives a token to a client that proves itself by a secret or a signed assertion (RFC 6749 section 4.4, RFC 7523).

Two transactions with the proof between them: cryptography holds no connection. An unknown client is given the same
questions and the same work as a known one, and the same answer as one with wrong credentials.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import time
from dataclasses import dataclass, replace
from typing import Any

from chassis.audit import Entry
from chassis.compact import read_parts
from chassis.db import Database, Work
from chassis.errors import InvalidClient, OAuthRefused
from chassis.identity import ISSUER, LONGEST_LIFE, Caller, issue_token
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.access.rules import clients as client_rules
from services.access.rules import tokens as rules
from services.access.store import clients as store
from services.access.usecases import throttle
from services.access.usecases.signatures import is_signed, nobodys_key

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What may be used once only: the hash of an assertion's issuer and id, and when it ends by itself."""

    digest: bytes
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Who gets a token: subject, organisation and the roles that he may have."""

    subject: str
    org: tuple[Any, str, str]
    roles: frozenset[str]


def for_client(db: Database, settings: Settings, call: Call, form: dict[str, str]) -> Outcome:
    """The token of a client. Raises InvalidClient, OAuthRefused and TooManyRequests."""
    presented = rules.presented(form, call.credentials)
    parts = parts_of(presented.assertion)
    who = printable(parts[1].get("iss") if presented.client_id is None else presented.client_id)
    with db.work(call) as work:
        failed_before = throttle.check(work, who, call.client_address)
        found = store.candidate(work, who)
    good, proof = _proven(settings, found, presented, parts, who)
    with db.work(call) as work:
        answer = None
        if good and found is not None and is_first_use(work, proof):
            if failed_before:
                throttle.succeeded(work, who, call.client_address)
            org = (found.org_id, found.org_key, found.org_status)
            grant = Grant(subject=f"client:{found.id}", org=org, roles=found.roles)
            answer = given(work, settings, grant, form.get("scope"), object_id=found.id)
        else:
            throttle.failed(work, who, call.client_address)
            work.record(refusal("client", found.id if found else None))
    if answer is None:
        raise InvalidClient
    return answer


def given(work: Work, settings: Settings, grant: Grant, scope: str | None, *, object_id: Any) -> Outcome:
    """A new token for one who has proved himself, on record for his organisation. Raises OAuthRefused."""
    org_id, org_key, status = grant.org
    if status != client_rules.ACTIVE:
        raise OAuthRefused("unauthorized_client", "The organisation is not active in the network.")
    roles = rules.narrowed(scope, grant.roles)
    token = issue_token(settings, subject=grant.subject, org_id=org_id, org_key=org_key, roles=roles)
    if work.call is not None:  # nobody called so far; the row belongs to the one who has just proved himself
        work.call = replace(work.call, caller=Caller(grant.subject, org_id, org_key, roles, "-"))
    work.record(Entry(operation="token.issue", object_type="client", object_id=object_id, purpose="authentication"))
    value = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": LONGEST_LIFE,
        "scope": " ".join(sorted(roles)),
    }
    return Outcome(value=value, headers=dict(NO_STORE))


def refusal(kind: str, object_id: Any) -> Entry:
    """The audit row of one who did not prove himself; for a client that does not exist it names none."""
    return Entry(
        operation="token.refuse", object_type=kind, object_id=object_id, purpose="authentication", outcome="refused"
    )


def is_first_use(work: Work, proof: Proof | None) -> bool:
    """Whether this proof may count: a secret always, an assertion once."""
    return proof is None or store.use_assertion(work, proof.digest, proof.expires_at)


def parts_of(assertion: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of an assertion, not verified; empty ones for what is none."""
    try:
        return read_parts(assertion or "", longest=rules.LONGEST_ASSERTION)
    except (ValueError, TypeError):
        return {}, {}


def proof_of(claims: dict[str, Any]) -> Proof:
    """What to remember of an assertion whose claims were found fit."""
    named = f"{claims['iss']}\0{claims['jti']}".encode("utf-8", "surrogatepass")
    return Proof(digest=hashlib.sha256(named).digest(), expires_at=dt.datetime.fromtimestamp(claims["exp"], dt.UTC))


def printable(name: object) -> str:
    """A name that somebody gave himself, if it is one; the database and the hash take no broken characters."""
    return name if isinstance(name, str) and len(name) <= LONGEST_NAME and name.isprintable() else ""


def _proven(
    settings: Settings,
    found: store.Candidate | None,
    presented: rules.Presented,
    parts: tuple[dict[str, Any], dict[str, Any]],
    who: str,
) -> tuple[bool, Proof | None]:
    if presented.assertion is None:
        return _knows_secret(found, presented.secret or ""), None
    return _has_key(settings, found, presented.assertion, parts, who)


def _knows_secret(found: store.Candidate | None, secret: str) -> bool:
    shown = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
    hashes = found.hashes if found else ()
    # two are compared whoever it is: as many as there may be
    padded = (*hashes, *([bytes(len(shown))] * 2))[:2]
    same = [hmac.compare_digest(shown, each) for each in padded]
    return any(same) and found is not None and _may(found, client_rules.CLIENT_SECRET)


def _has_key(
    settings: Settings,
    found: store.Candidate | None,
    assertion: str,
    parts: tuple[dict[str, Any], dict[str, Any]],
    who: str,
) -> tuple[bool, Proof | None]:
    header, claims = parts
    ours = frozenset({ISSUER, f"{settings.public_url}/oauth/token"})
    fits = rules.header_fits(header, client_rules.SIGNING_ALGORITHMS) and rules.assertion_fits(
        claims, client_id=who, audiences=ours, now=int(time.time())
    )
    if not fits:
        return False, None
    algorithm, kid = header["alg"], header.get("kid")
    keys = [key for key in (found.keys if found else ()) if algorithm in client_rules.algorithms_of(key)]
    named = [key for key in keys if kid is None or key.get("kid") in {None, kid}] or [nobodys_key(algorithm)]
    signed = [is_signed(assertion, algorithm, key) for key in named]
    good = any(signed) and found is not None and _may(found, client_rules.PRIVATE_KEY_JWT)
    return good, proof_of(claims)


def _may(found: store.Candidate, method: str) -> bool:
    return found.status == client_rules.ACTIVE and found.method == method
