"""Changing one's password: the old one, a code, a new one; every other session ends."""

from __future__ import annotations

from chassis import hashing
from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import NotAllowed
from chassis.requests import Call, Outcome
from services.access.rules import passwords
from services.access.store import members, sessions
from services.access.usecases import proofs, throttling
from services.access.usecases.acting import caller_of
from services.access.usecases.sessions import OBJECT, own


def change_password(db: Database, call: Call) -> Outcome:
    """Change the caller's password. Raises Invalid for an unfit one, NotAllowed for a wrong proof, TooManyRequests."""
    body = call.body
    with db.work(call) as work:
        session, before = own(work, call)
        tries = throttling.of_one(work, OBJECT, session.id)
        throttling.begin(work, tries)
        names = (proofs.personal_of(work, before)["login"], caller_of(call).org_key)
    passwords.check_password(body["new_password"], common=proofs.common_passwords(), names=names)
    right = hashing.fits(passwords.comparable(body["password"]), before.password_hash)
    new = hashing.hashed(passwords.comparable(body["new_password"])) if right else None
    with db.work(call) as work:
        session, _ = own(work, call)
        member = members.lock(work, session.org_id, session.member_id)
        same = member is not None and member.password_hash == before.password_hash
        done = False
        if member is not None and same and new is not None:
            done = proofs.take_code(work, member, proofs.secret_of(work, member, member.totp), body["code"])
        if member is not None and done and new is not None:
            members.set_password(work, member, new)
            sessions.end_all(work, member.org_id, member.id, but=session)
            throttling.was_right(work, tries)
        outcome = "done" if done else "proof.refused"
        entry = Entry(operation=call.operation, object_type=OBJECT, object_id=session.id, purpose="sign_in",
                      outcome=outcome)  # fmt: skip
        work.record(entry)
    if not done:
        raise NotAllowed("proof.refused", "The old password or the code is wrong.")
    return Outcome()
