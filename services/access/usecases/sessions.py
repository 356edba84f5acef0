"""A person's own session: shown, proved anew, ended; the token that the gateway gets for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotAllowed, NotFound
from chassis.identity import issue_token
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from chassis.step_up import require_step_up
from services.access.rules import members as member_rules
from services.access.rules import roles
from services.access.rules import sessions as rules
from services.access.rules.members import Member
from services.access.rules.sessions import Device, Session
from services.access.store import members, partners, sessions
from services.access.store.partners import Organisation
from services.access.usecases import proofs, throttling
from services.access.usecases.acting import caller_of, new_token, token_hash
from services.access.usecases.signing_in import cookie, csrf_token, shown
from services.access.views import members as views

OBJECT = "session"


def exchange(db: Database, settings: Settings, call: Call) -> Outcome:
    """A user token of one minute and the CSRF token for a session; its idle time begins anew. Raises NotFound."""
    with db.work(call) as work:
        token = call.body["session"]
        session = sessions.by_token(work, token_hash(token))
        if session is None or rules.is_over(work.now, idle_until=session.idle_until, ends_at=session.ends_at):
            raise NotFound
        member = members.by_id(work, session.org_id, session.member_id)
        org = partners.organisation(work, str(session.org_id))
        if member is None or member.status != member_rules.ACTIVE or org is None or org.status != roles.ACTIVE:
            raise NotFound
        sessions.seen(work, session, rules.idle_of(on_device=session.device_id is not None))
        csrf = csrf_token(work, token)
    issued = issue_token(
        settings, subject=member_rules.subject_of(member.id), org_id=org.org_id, org_key=org.key,
        roles=frozenset(member.roles), units=frozenset(member.units), seconds=rules.TOKEN_SECONDS,
        proved_at=int(session.proved_at.timestamp()),
    )  # fmt: skip
    return Outcome(value={"token": issued, "csrf_token": csrf})


def read(db: Database, call: Call) -> Outcome:
    """Who I am, the CSRF token, and when the session ends. Raises NotAllowed without a session."""
    with db.work(call) as work:
        session, member = own(work, call)
        work.record(_entry(call, session.id))
        return _shown(work, call, session, member)


def own_sessions(db: Database, call: Call) -> Outcome:
    """All open sessions of the caller, newest first."""
    with db.work(call) as work:
        session, _ = own(work, call)
        items = views.sessions(work, session.member_id, current=session.id)
        work.record(_entry(call, session.id))
        return Outcome(value={"items": items})


def end(db: Database, call: Call) -> Outcome:
    """Sign out: the session is gone when this is answered."""
    with db.work(call) as work:
        session, _ = own(work, call)
        sessions.end(work, session.org_id, session.id, of=session.member_id)
        work.record(_entry(call, session.id))
        return Outcome(headers={"Set-Cookie": cookie(rules.SESSION_COOKIE, "", seconds=0)})


def revoke(db: Database, call: Call) -> Outcome:
    """End another session of one's own. Raises NotFound."""
    with db.work(call) as work:
        session, _ = own(work, call)
        wanted: uuid.UUID = call.path["session_id"]
        if not sessions.end(work, session.org_id, wanted, of=session.member_id):
            raise NotFound
        work.record(_entry(call, wanted))
        return Outcome()


def step_up(db: Database, call: Call) -> Outcome:
    """Prove oneself again by a code. Raises NotAllowed for a wrong one, TooManyRequests after several."""
    outcome: Outcome | None = None
    with db.work(call) as work:
        session, _ = own(work, call)
        tries = throttling.of_one(work, OBJECT, session.id)
        throttling.begin(work, tries)
        member = _locked(work, session)
        if proofs.take_code(work, member, proofs.secret_of(work, member, member.totp), call.body["code"]):
            throttling.was_right(work, tries)
            sessions.proved(work, session)
            outcome = _shown(work, call, replace(session, proved_at=work.now), member)
        work.record(_entry(call, session.id, outcome="done" if outcome else "code.refused"))
    if outcome is None:
        raise NotAllowed("code.refused", "The code is wrong, old or used.")
    return outcome


def new_recovery_codes(db: Database, call: Call) -> Outcome:
    """Ten new recovery codes, shown this once; the old ones are void. Needs step-up."""
    return _after_step_up(db, call, lambda work, session: Outcome(
        value={"recovery_codes": proofs.new_recovery_codes(work, _locked(work, session))}
    ))  # fmt: skip


def register_device(db: Database, call: Call) -> Outcome:
    """Register the device that asks: longer idle time, and for ten hours the password alone. Needs step-up."""
    return _after_step_up(db, call, _registered)


def _registered(work: Work, session: Session) -> Outcome:
    token, until = new_token(), work.now + rules.DEVICE_LIFE
    device = Device(id=clock.new_id(), proved_at=session.proved_at)
    sessions.register(work, session, device, token_hash=token_hash(token), until=until)
    sessions.put_on(work, session, device.id, rules.IDLE_ON_DEVICE)
    made = cookie(rules.DEVICE_COOKIE, token, seconds=int(rules.DEVICE_LIFE.total_seconds()))
    return Outcome(value={"ends_at": until}, headers={"Set-Cookie": made})


def _after_step_up(db: Database, call: Call, act: Callable[[Work, Session], Outcome]) -> Outcome:
    with db.work(call) as work:
        require_step_up(caller_of(call), work.now)
        session, _ = own(work, call)
        outcome = act(work, session)
        work.record(_entry(call, session.id))
        return outcome


def own(work: Work, call: Call) -> tuple[Session, Member]:
    """The session behind the cookie and its member, who must be the caller. Raises NotAllowed."""
    caller, token = caller_of(call), call.cookies.get(rules.SESSION_COOKIE)
    session = sessions.by_token(work, token_hash(token)) if token else None
    if session is None or rules.is_over(work.now, idle_until=session.idle_until, ends_at=session.ends_at):
        raise rules.no_session()
    member = members.by_id(work, session.org_id, session.member_id)
    if member is None or caller.subject != member_rules.subject_of(member.id) or caller.org_id != member.org_id:
        raise rules.no_session()
    return session, member


def _locked(work: Work, session: Session) -> Member:
    member = members.lock(work, session.org_id, session.member_id)
    if member is None:
        raise rules.no_session()
    return member


def _shown(work: Work, call: Call, session: Session, member: Member) -> Outcome:
    caller = caller_of(call)
    org = Organisation(org_id=caller.org_id, key=caller.org_key, status=roles.ACTIVE)
    csrf = csrf_token(work, call.cookies[rules.SESSION_COOKIE])
    return Outcome(value=views.session_shown(session, csrf=csrf, member=shown(work, member, org)))


def _entry(call: Call, session_id: uuid.UUID, *, outcome: str = "done") -> Entry:
    return Entry(operation=call.operation, object_type=OBJECT, object_id=session_id, purpose="sign_in", outcome=outcome)
