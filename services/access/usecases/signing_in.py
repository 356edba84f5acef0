"""Signing in: one uniform refusal, the same work for whoever asks, and a session for whoever proves himself."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from chassis import clock, hashing
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.requests import Call, Outcome
from services.access.rules import members as member_rules
from services.access.rules import passwords, roles
from services.access.rules import sessions as rules
from services.access.rules.members import Member
from services.access.rules.sessions import Device, Session
from services.access.store import members, partners, sessions
from services.access.store.partners import Organisation
from services.access.usecases import proofs, throttling
from services.access.usecases.acting import NOBODY, as_person, new_token, token_hash
from services.access.usecases.throttling import Tries
from services.access.views import members as views

OPERATION = "session.sign_in"
UNKNOWN = Organisation(org_id=NOBODY, key="-", status="-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try, counted already: what was found of what it names."""

    org: Organisation
    member: Member | None
    device: Device | None
    tries: Tries


def sign_in(db: Database, call: Call) -> Outcome:
    """Open a session. Raises SignInRefused with the same words for every fault, and TooManyRequests.

    The hash is compared between two transactions, so that no connection waits for it.
    """
    attempt = _begun(db, call)
    password = passwords.comparable(call.body["password"])
    kept = attempt.member.password_hash if attempt.member else None
    right = hashing.fits(password, kept)
    anew = hashing.hashed(password) if right and kept and hashing.is_outdated(kept) else None
    return _ended(db, call, attempt, right=right, anew=anew)


def _begun(db: Database, call: Call) -> Attempt:
    body = call.body
    with db.work(call) as work:
        org = partners.organisation(work, body["organisation"]) or UNKNOWN
        login = member_rules.normalised_login(body["login"])
        member = members.by_login(work, org.org_id, proofs.login_mac(work, login))
        cookie = token_hash(call.cookies.get(rules.DEVICE_COOKIE, ""))
        device = sessions.device(work, org.org_id, member.id if member else NOBODY, cookie)
        account = f"{org.org_id} {login}"
        tries = (
            throttling.of_one(work, "device", device.id)
            if device
            else throttling.from_network(work, account, call.client_address)
        )
        throttling.begin(work, tries)
        return Attempt(org=org, member=member, device=device, tries=tries)


def _ended(db: Database, call: Call, attempt: Attempt, *, right: bool, anew: str | None) -> Outcome:
    org, found = attempt.org, attempt.member
    named = call if org is UNKNOWN else as_person(call, org, found.id if found and right else None)
    with db.work(named) as work:
        member = members.lock(work, org.org_id, found.id if found else NOBODY)
        proved_at = _proved(work, call, attempt, member, right=right)
        outcome = None
        if member is not None and proved_at is not None:
            outcome = _opened(work, attempt, member, proved_at)
            throttling.was_right(work, attempt.tries)
            if anew:
                members.set_password(work, member, anew)
        entry = Entry(operation=OPERATION, object_type="member", object_id=found.id if found else None,
                      purpose="sign_in", outcome="done" if outcome else "sign_in.refused")  # fmt: skip
        work.record(entry)
    if outcome is None:
        raise rules.SignInRefused
    return outcome


def _proved(work: Work, call: Call, attempt: Attempt, member: Member | None, *, right: bool) -> dt.datetime | None:
    """When this person gave both factors: now, or earlier on this device; None when the try fails."""
    secret = proofs.secret_of(work, member, member.totp if member else None)
    if member is None or not right or not _may_enter(attempt, member):
        return None
    code, device = call.body["code"], attempt.device
    if code is None:
        alone = device is not None and rules.password_is_enough(device.proved_at, work.now)
        return device.proved_at if device is not None and alone else None
    return work.now if proofs.take_code(work, member, secret, code) else None


def _may_enter(attempt: Attempt, member: Member) -> bool:
    """The member is as he was when his password was compared, and both he and his organisation are active."""
    same = attempt.member is not None and attempt.member.password_hash == member.password_hash
    return same and member.status == member_rules.ACTIVE and attempt.org.status == roles.ACTIVE


def _opened(work: Work, attempt: Attempt, member: Member, proved_at: dt.datetime) -> Outcome:
    token, device = new_token(), attempt.device
    idle = rules.idle_of(on_device=device is not None)
    session = Session(
        id=clock.new_id(), org_id=member.org_id, member_id=member.id, device_id=device.id if device else None,
        proved_at=proved_at, started_at=work.now, seen_at=work.now, idle_until=work.now + idle,
        ends_at=work.now + rules.LONGEST,
    )  # fmt: skip
    sessions.add(work, session, token_hash(token))
    if proved_at == work.now:
        sessions.proved(work, session)
    value = views.session_shown(session, csrf=csrf_token(work, token), member=shown(work, member, attempt.org))
    return Outcome(value=value, headers={"Set-Cookie": cookie(rules.SESSION_COOKIE, token)})


def shown(work: Work, member: Member, org: Organisation) -> dict[str, object]:
    """A member as he and his administrators see him."""
    return views.member_shown(member, org_key=org.key, personal=proofs.personal_of(work, member))


def csrf_token(work: Work, token: str) -> str:
    """The token that belongs to a session and proves that a page of ours made the request; kept nowhere."""
    return work.digest("csrf", token).hex()


def cookie(name: str, value: str, *, seconds: int | None = None) -> str:
    """A Set-Cookie for this host alone, which no script reads and no other site sends."""
    life = "" if seconds is None else f"; Max-Age={seconds}"
    return f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{life}"
