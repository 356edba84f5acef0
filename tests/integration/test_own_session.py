"""One's own session on a real database: when it ends, what it must prove, what it may do."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import Invalid, NotAllowed, NotFound, TooManyRequests
from chassis.settings import Settings
from chassis.step_up import require_step_up
from services.access.rules import throttling
from services.access.rules.sessions import DEVICE_COOKIE, SESSION_COOKIE, SignInRefused
from services.access.usecases import changing, members, sessions, upkeep
from tests.integration.people_rig import Clock, access, database, moved, person
from tests.integration.test_signing_in import at_once, meeting, rows
from tests.support.people import ELSEWHERE, KEY, PASSWORD, Person, admin, ask, come_in

__all__ = ["access", "database", "moved", "person"]

NEW = "a boat that comes home late"


def assert_over(person: Person) -> None:
    with pytest.raises(NotFound):
        person.token()


def test_a_session_that_was_stolen_is_nothing_after_sign_out(person: Person) -> None:
    person.sign_in(person.code())
    thief = person.without_device()
    thief.cookies = dict(person.cookies)
    last = thief.ask()
    out = sessions.end(person.database, person.ask())
    assert "Max-Age=0" in out.headers["Set-Cookie"]
    assert_over(thief)
    for act in (sessions.read, sessions.own_sessions, sessions.end):
        with pytest.raises(NotAllowed, match=r"session\.needed"):
            act(person.database, last)  # with the token that the gateway got a moment before


def test_a_session_ends_when_it_is_not_used(person: Person, moved: Clock) -> None:
    person.sign_in(person.code())
    for _ in range(3):
        moved.move(minutes=14)
        person.token()
    moved.move(minutes=15)
    assert_over(person)


def test_a_session_ends_after_ten_hours_however_busy_it_is(person: Person, moved: Clock) -> None:
    person.sign_in(person.code())
    for _ in range(42):
        moved.move(minutes=14)
        person.token()
    moved.move(minutes=12)
    assert_over(person)


def test_what_ended_is_swept_and_nothing_else(person: Person, access: Settings, moved: Clock) -> None:
    person.sign_in(person.code())
    moved.move(minutes=10)
    person.without_device().sign_in(person.code())
    moved.move(minutes=6)
    upkeep.sweep(person.database)
    assert rows(access, "SELECT count(*) FROM member_session") == [(1,)]
    moved.move(hours=1)
    upkeep.sweep(person.database)
    assert rows(access, "SELECT count(*) FROM member_session") == [(0,)]
    assert rows(access, "SELECT count(*) FROM member") == [(1,)]


def test_a_registered_device_opens_by_the_password_alone_for_ten_hours(person: Person, moved: Clock) -> None:
    person.sign_in(person.code())
    registered = sessions.register_device(person.database, person.ask())
    assert all(part in registered.headers["Set-Cookie"] for part in ("HttpOnly", "Secure", "SameSite=Strict"))
    person.keep(registered)
    assert DEVICE_COOKIE in person.cookies
    moved.move(minutes=59)
    person.token()
    proved = person.caller().proved_at
    moved.move(hours=8)
    person.sign_in(None)
    assert person.caller().proved_at == proved  # the password alone proves nothing anew
    with pytest.raises(SignInRefused):
        person.sign_in(None, password="not her sentence")
    with pytest.raises(SignInRefused):
        person.without_device().sign_in(None, address=ELSEWHERE)
    moved.move(hours=1, minutes=2)
    with pytest.raises(SignInRefused):
        person.sign_in(None)
    person.sign_in(person.code())
    person.sign_in(None)


def test_a_device_helps_nobody_but_its_member(person: Person, database: Database, access: Settings) -> None:
    person.sign_in(person.code())
    person.keep(sessions.register_device(database, person.ask()))
    other = come_in(database, access, "other@example.org")
    other.cookies = {DEVICE_COOKIE: person.cookies[DEVICE_COOKIE]}
    with pytest.raises(SignInRefused):
        other.sign_in(None)


def test_the_most_delicate_needs_a_code_given_a_moment_ago(person: Person, moved: Clock) -> None:
    person.sign_in(person.code())
    sessions.new_recovery_codes(person.database, person.ask())
    moved.move(minutes=5, seconds=2)
    for act in (sessions.new_recovery_codes, sessions.register_device):
        with pytest.raises(NotAllowed, match=r"step_up\.required"):
            act(person.database, person.ask())
    sessions.step_up(person.database, person.ask({"code": person.code()}))
    fresh = sessions.new_recovery_codes(person.database, person.ask()).value["recovery_codes"]
    with pytest.raises(SignInRefused):
        person.sign_in(person.recovery[0])
    person.sign_in(fresh[0])


def test_step_up_takes_no_code_twice_and_not_many_guesses(person: Person, moved: Clock) -> None:
    code = person.code()
    person.sign_in(code)
    with pytest.raises(NotAllowed, match=r"code\.refused"):
        sessions.step_up(person.database, person.ask({"code": code}))
    for _ in range(throttling.ACCOUNT_FREE):
        with pytest.raises(NotAllowed, match=r"code\.refused"):
            sessions.step_up(person.database, person.ask({"code": "abcdef"}))
    with pytest.raises(TooManyRequests):
        sessions.step_up(person.database, person.ask({"code": person.code(1)}))
    person.without_device().sign_in(person.code(1))  # whoever holds a stolen session delays that session only


def test_a_code_cannot_serve_a_sign_in_and_a_step_up_at_the_same_moment(person: Person, moved: Clock) -> None:
    person.sign_in(person.code())
    moved.move(seconds=31)
    code, call = person.code(), person.ask()
    call.body = {"code": code}
    acts: list[Callable[[], object]] = [
        lambda: sessions.step_up(person.database, call),
        lambda: person.without_device().sign_in(code),
    ]
    with meeting():
        found = at_once(acts)
    assert [type(each).__name__ for each in found].count("Outcome") == 1


def test_a_new_password_ends_what_was_open_elsewhere(person: Person, moved: Clock) -> None:
    person.sign_in(person.code())
    stolen = person.without_device()
    moved.move(seconds=31)
    stolen.sign_in(person.code())
    moved.move(seconds=31)
    body = {"password": PASSWORD, "new_password": NEW, "code": person.code()}
    for fault in ({"password": "not her sentence"}, {"code": "abcdef"}):
        with pytest.raises(NotAllowed, match=r"proof\.refused"):
            changing.change_password(person.database, person.ask({**body, **fault}))
    with pytest.raises(Invalid):
        changing.change_password(person.database, person.ask({**body, "new_password": "password1234"}))
    changing.change_password(person.database, person.ask(body))
    assert_over(stolen)
    person.token()
    moved.move(seconds=31)
    with pytest.raises(SignInRefused):
        person.sign_in(person.code())
    person.sign_in(person.code(), password=NEW)


def test_one_sees_and_ends_ones_own_sessions_only(person: Person, database: Database, access: Settings) -> None:
    person.sign_in(person.code())
    second, other = person.without_device(), come_in(database, access, "other@example.org")
    second.sign_in(person.recovery[0])
    other.sign_in(other.code())
    listed = sessions.own_sessions(database, person.ask()).value["items"]
    assert [each["current"] for each in listed] == [False, True] or [each["current"] for each in listed] == [
        True,
        False,
    ]
    foreign = sessions.read(database, other.ask()).value["id"]
    for wrong in (foreign, uuid.uuid4()):
        with pytest.raises(NotFound):
            sessions.revoke(database, person.ask(path={"session_id": wrong}))
    (mine,) = (each["id"] for each in listed if not each["current"])
    sessions.revoke(database, person.ask(path={"session_id": mine}))
    assert_over(second)
    other.token()


def test_a_token_without_its_own_cookie_opens_no_session(person: Person, database: Database, access: Settings) -> None:
    person.sign_in(person.code())
    other = come_in(database, access, "other@example.org")
    other.sign_in(other.code())
    crossed = ask(caller=other.caller(), cookies=person.cookies)
    for call in (ask(caller=person.caller()), ask(caller=admin(KEY), cookies=person.cookies), crossed):
        with pytest.raises(NotAllowed, match=r"session\.needed"):
            sessions.read(database, call)


def test_a_disabled_member_is_out_at_once(person: Person, database: Database, access: Settings) -> None:
    person.sign_in(person.code())
    call = person.ask()
    members.disable_on_machine(database, org_key=KEY, login=person.login)
    assert_over(person)
    with pytest.raises(NotAllowed, match=r"session\.needed"):
        sessions.read(database, call)
    for table in ("member_session", "member_device", "invitation"):
        assert rows(access, f"SELECT count(*) FROM {table}") == [(0,)]
    assert call.caller is not None
    assert rows(access, "SELECT subject FROM revocation") == [(call.caller.subject,)]  # no process takes his tokens now


def test_a_session_gets_a_token_of_a_minute_and_no_unknown_cookie_gets_one(person: Person) -> None:
    person.sign_in(person.code())
    caller = person.caller()
    assert caller.expires is not None
    require_step_up(caller, clock.now())
    for unknown in ("", "x", person.cookies[SESSION_COOKIE][:-1], person.cookies[SESSION_COOKIE] + "A"):
        with pytest.raises(NotFound):
            sessions.exchange(person.database, person.settings, ask({"session": unknown}))
