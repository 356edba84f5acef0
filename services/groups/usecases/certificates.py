"""Certificates: signed by the organisation's own key, so that anybody can verify one without asking (groups.md 5)."""

from __future__ import annotations

from typing import Any, Final

import orjson
from joserfc import jws
from joserfc.jwk import OKPKey

from chassis import clock
from chassis.apart import apart
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotFound
from chassis.requests import Call, Outcome
from services.groups import events
from services.groups.rules import certificate_pdf
from services.groups.rules import certificates as rules
from services.groups.store import certificates
from services.groups.usecases.entering import EnteredSignUp, enter
from services.groups.usecases.signing_up import OBJECT

ALGORITHM = "Ed25519"
CURVE: Final = "Ed25519"
TYPE = "tukiverkko-certificate"
PRIVATE = "certificate_key|private"


def issue(db: Database, call: Call) -> Outcome:
    """Issue a man's certificate; a second time gives the first one. Raises NotFound and Conflict."""
    with db.work(call) as work:
        done = work.claimed()
        entered = enter(work, call, done=done)
        rules.check_completed(entered.sign_up.state)
        if certificates.one(work, entered.sign_up.id) is None:
            _issue(work, entered)
        object_id = None if done else entered.sign_up.id
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=object_id))
        return Outcome(value=_found(work, entered), relation=entered.relation)


def read(db: Database, call: Call) -> Outcome:
    """A man's certificate. Raises NotFound."""
    with db.work(call) as work:
        entered = enter(work, call)
        value = _found(work, entered)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=entered.sign_up.id))
        return Outcome(value=value, relation=entered.relation)


def printed(db: Database, call: Call) -> bytes:
    """The same as a page to print, in one of eight languages. Raises NotFound."""
    with db.work(call) as work:
        entered = enter(work, call)
        value = _found(work, entered)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=entered.sign_up.id))
    return apart(certificate_pdf.page, value["content"], call.query["language"])


def keys(db: Database) -> Outcome:
    """The public keys by which certificates are verified, for everybody."""
    with db.view() as work:
        items = [{"organisation": row["org_key"], "key": row["public"]} for row in certificates.keys(work)]
    return Outcome(value={"items": items, "next": None})


def _issue(work: Work, entered: EnteredSignUp) -> None:
    basis = certificates.basis(work, entered.sign_up.id)
    if basis is None or basis["first_day"] is None:
        raise NotFound
    content = rules.content(
        organisation={"key": basis["org_key"], "names": basis["org_names"]},
        programme=basis["programme"],
        dates=(basis["first_day"], basis["last_day"]),
        completion=basis,
        ref=rules.reference(clock.now().year),
    )
    key = _key(work, entered)
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}
    signed = jws.serialize_compact(header, orjson.dumps(content), key, algorithms=[ALGORITHM])
    subject = entered.caller.subject
    made = certificates.add(work, entered.sign_up.id, content, signed, subject=subject)
    work.tell(events.certificate_told(entered.sign_up.id, made, org_id=entered.group.org_id, at=work.now))


def _key(work: Work, entered: EnteredSignUp) -> OKPKey:
    org = entered.group.org_id
    found = certificates.key(work, org)
    if found is None:
        key = OKPKey.generate_key(CURVE, auto_kid=True)
        data_key = work.keys.take()
        sealed, public = data_key.seal(PRIVATE, org, key.as_dict(private=True)), key.as_dict(private=False)
        if certificates.add_key(work, org, kid=str(key.kid), key_id=data_key.id, private=sealed, public=public):
            return key
        found = certificates.key(work, org)
    if found is None:
        raise NotFound
    return OKPKey.import_key(work.keys.open(found["key_id"], PRIVATE, org, found["private"]))


def _found(work: Work, entered: EnteredSignUp) -> dict[str, Any]:
    found = certificates.one(work, entered.sign_up.id)
    if found is None:
        raise NotFound
    return found
