"""Exchanges a token of a trusted issuer, an institution's own Keycloak for example, for one of ours (RFC 7523)."""

from __future__ import annotations

import time
from typing import Any

from chassis.db import Database
from chassis.errors import Invalid, OAuthRefused
from chassis.keyed_ids import id_of_key
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.access.rules import clients as client_rules
from services.access.rules import issuers as issuer_rules
from services.access.rules import tokens as rules
from services.access.store import issuers as store
from services.access.usecases import throttle
from services.access.usecases.issuer_keys import KEYS, IssuerKeys
from services.access.usecases.signatures import is_signed
from services.access.usecases.tokens import Grant, given, is_first_use, parts_of, printable, proof_of, refusal

KIND = "issuer"


def for_foreign_token(
    db: Database, settings: Settings, call: Call, form: dict[str, str], *, keys: IssuerKeys = KEYS
) -> Outcome:
    """The token for one who shows a trusted issuer's. Raises OAuthRefused and TooManyRequests.

    The subject is the row of the issuer, so that taking the row away revokes what was issued by it.
    """
    if "assertion" not in form:
        raise OAuthRefused("invalid_request", "assertion is missing.")
    header, claims = parts_of(form["assertion"])
    who = printable(claims.get("iss"))
    with db.work(call) as work:
        failed_before = throttle.check(work, who, call.client_address)
        rows = store.rows_of(work, who)
        found = next((row for row in rows if rules.names(claims, row.claim, row.value)), None)
    good = found is not None and _is_true(settings, found, form["assertion"], (header, claims), keys)
    with db.work(call) as work:
        answer = None
        if found is not None and good and is_first_use(work, proof_of(claims)):
            if failed_before:
                throttle.succeeded(work, who, call.client_address)
            org = (found.org_id, found.org_key, found.org_status)
            grant = Grant(subject=f"client:{found.id}", org=org, roles=frozenset(found.roles))
            bearer = id_of_key(f"{KIND}:{found.id}", printable(claims["sub"]))
            answer = given(work, settings, grant, form.get("scope"), object_id=bearer)
        else:
            throttle.failed(work, who, call.client_address)
            work.record(refusal(KIND, found.id if found else None))
    if answer is None:
        raise OAuthRefused("invalid_grant", "The assertion is not one that is trusted here, or was used before.")
    return answer


def _is_true(
    settings: Settings,
    row: store.Issuer,
    assertion: str,
    parts: tuple[dict[str, Any], dict[str, Any]],
    keys: IssuerKeys,
) -> bool:
    header, claims = parts
    try:  # a row that was made in development stays shut in production
        issuer_rules.check_address(row.jwks_uri, development=settings.profile == "development")
    except Invalid:
        return False
    fits = rules.foreign_fits(claims, issuer=row.issuer, audience=row.audience, now=int(time.time()))
    if not fits or not rules.header_fits(header, client_rules.SIGNING_ALGORITHMS) or header.get("kid") is None:
        return False
    key = keys.key_of(row.jwks_uri, header["kid"])
    if key is None or key.get("alg", header["alg"]) != header["alg"]:
        return False
    return is_signed(assertion, header["alg"], key)
