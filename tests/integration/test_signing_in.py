"""Signing in on a real database: what opens, what does not, and that nobody learns why not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pyotp
import pytest
from argon2 import PasswordHasher

from chassis import hashing
from chassis.db import Database
from chassis.errors import NotFound, Refused
from chassis.problems import problem_of
from chassis.settings import Settings
from services.access.rules.sessions import SignInRefused
from services.access.usecases import invitations, members, proofs
from tests.integration.people_rig import TABLES, Clock, access, database, moved, person
from tests.support.databases import root_url
from tests.support.people import KEY, LOGIN, ORG, PASSWORD, Person, ask, come_in, invited, keep, secret_of

__all__ = ["access", "database", "moved", "person"]


def rows(settings: Settings, query: str) -> list[Any]:
    with psycopg.connect(root_url(settings, "access"), autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def at_once(acts: list[Callable[[], object]]) -> list[object]:
    """What each of several threads got that began together: a value or a refusal."""
    found: list[object] = []
    barrier = threading.Barrier(len(acts))

    def one(act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            found.append(act())
        except Refused as refused:
            found.append(refused)

    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@contextmanager
def meeting() -> Iterator[None]:
    """Whoever has found what is to be proved waits for a second one there: without a lock on the row both go on."""
    barrier, plain = threading.Barrier(2), proofs.secret_of

    def met(*given: Any) -> str | None:
        with suppress(threading.BrokenBarrierError):
            barrier.wait(2.5)  # shorter than the database lets anybody wait for a lock
        return plain(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proofs, "secret_of", met)
        yield


def test_whoever_was_invited_chooses_a_password_proves_a_code_and_signs_in(person: Person) -> None:
    outcome = person.sign_in(person.code())
    cookie = outcome.headers["Set-Cookie"]
    assert cookie.startswith("__Host-tukiverkko=")
    assert all(part in cookie for part in ("; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"))
    assert "Domain" not in cookie
    assert outcome.value["member"]["login"] == LOGIN
    caller = person.caller()
    assert (caller.org_id, caller.org_key, caller.roles, caller.units) == (ORG, KEY, {"org_admin"}, {"evening"})
    assert caller.subject == f"member:{outcome.value['member']['id']}"
    assert caller.proved_at == int(outcome.value["proved_at"].timestamp())
    assert person.token()["csrf_token"] == outcome.value["csrf_token"]


def test_neither_names_nor_secrets_lie_in_the_database(person: Person, access: Settings) -> None:
    person.sign_in(person.code())
    stored = "".join(str(rows(access, f"SELECT t::text FROM {table} AS t")) for table in (*TABLES, "audit", "throttle"))
    secrets = (PASSWORD, person.secret, *person.recovery, *person.cookies.values())
    for secret in (*secrets, *(code.replace("-", "") for code in person.recovery), "leader", "example.org"):
        assert secret not in stored
        assert secret.encode().hex() not in stored


def test_a_code_works_once(person: Person, moved: Clock) -> None:
    code = person.code()
    person.sign_in(code)
    with pytest.raises(SignInRefused):
        person.sign_in(code)
    with pytest.raises(SignInRefused):
        person.sign_in(person.code(-1))  # that of the invitation, still inside the window
    moved.move(seconds=60)
    person.sign_in(person.code())


def test_a_code_works_once_also_for_many_at_the_same_moment(person: Person) -> None:
    code = person.code()
    with meeting():
        found = at_once([lambda: person.without_device().sign_in(code)] * 4)
    assert sorted(type(each).__name__ for each in found) == ["Outcome", *["SignInRefused"] * 3]


def test_a_recovery_code_works_once_and_does_not_mind_how_it_is_written(person: Person) -> None:
    assert len(set(person.recovery)) == 10
    person.sign_in(person.recovery[0].lower().replace("-", " "))
    with pytest.raises(SignInRefused):
        person.sign_in(person.recovery[0])
    found = at_once([lambda: person.without_device().sign_in(person.recovery[1])] * 3)
    assert [type(each).__name__ for each in found].count("Outcome") == 1


def test_every_fault_of_a_sign_in_gets_the_same_answer_after_the_same_work(
    person: Person, database: Database, access: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = come_in(database, access, "leaver@example.org")
    members.disable_on_machine(database, org_key=KEY, login=gone.login)
    invited(database, "new@example.org")
    work: list[str] = []
    plain = hashing._verified
    monkeypatch.setattr(hashing, "_verified", lambda given, kept: work.append(kept) or plain(given, kept))
    tries: list[Callable[[], object]] = [
        lambda: person.sign_in(person.code(), org="lt-nobody"),
        lambda: Person(database, access, "stranger@example.org").sign_in("123456"),
        lambda: Person(database, access, "new@example.org").sign_in("123456"),
        lambda: person.sign_in(person.code(), password="not her sentence"),
        lambda: person.sign_in("000000" if person.code() != "000000" else "000001"),
        lambda: person.sign_in(None),
        lambda: gone.sign_in(gone.code()),
    ]
    bodies = set()
    for number, act in enumerate(tries, start=1):
        with pytest.raises(SignInRefused) as refused:
            act()
        problem = problem_of(refused.value, "one")
        bodies.add((problem.status, problem.headers, problem.body))
        assert len(work) == number
    assert len(bodies) == 1
    assert hashing.NOBODYS in work


def test_a_suspended_organisation_lets_nobody_in_and_ends_what_is_open(person: Person, database: Database) -> None:
    person.sign_in(person.code())
    keep(database, KEY, status="suspended", version=2)
    with pytest.raises(NotFound):
        person.token()
    with pytest.raises(SignInRefused):
        person.sign_in(person.code(1))


def test_an_invitation_works_once_and_not_for_ever(database: Database, access: Settings, moved: Clock) -> None:
    used = invited(database)
    accepted = invitations.accept(database, ask({"token": used, "password": PASSWORD}))
    code = pyotp.TOTP(secret_of(accepted.value["otpauth_uri"])).at(moved.now())
    invitations.confirm(database, ask({"token": used, "code": code}))
    old, newer = invited(database, "b@example.org"), invited(database, "b@example.org")
    late = invited(database, "c@example.org")
    for token in (used, old, "unknown"):
        assert_gone(database, token)
    invitations.accept(database, ask({"token": newer, "password": PASSWORD}))
    invitations.accept(database, ask({"token": late, "password": PASSWORD}))
    moved.move(days=7, seconds=1)
    assert_gone(database, late)


def assert_gone(database: Database, token: str) -> None:
    for act, body in ((invitations.accept, {"password": PASSWORD}), (invitations.confirm, {"code": "123456"})):
        with pytest.raises(NotFound, match=r"invitation\.not_found"):
            act(database, ask({"token": token, **body}))


def test_an_invitation_is_used_once_also_by_many_at_the_same_moment(database: Database) -> None:
    token = invited(database)
    uri = invitations.accept(database, ask({"token": token, "password": PASSWORD})).value["otpauth_uri"]
    code = pyotp.TOTP(secret_of(uri)).now()
    with meeting():
        found = at_once([lambda: invitations.confirm(database, ask({"token": token, "code": code}))] * 4)
    assert sorted(type(each).__name__ for each in found) == ["NotFound"] * 3 + ["Outcome"]


def test_a_hash_of_old_parameters_is_renewed_at_the_next_sign_in(person: Person, access: Settings) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with psycopg.connect(root_url(access, "access"), autocommit=True) as connection:
        connection.execute("UPDATE member SET password_hash = %s", (old,))
    person.sign_in(person.code())
    ((kept,),) = rows(access, "SELECT password_hash FROM member")
    assert kept != old
    assert not hashing.is_outdated(kept)


def test_every_try_is_on_record_with_its_outcome(person: Person, access: Settings) -> None:
    person.sign_in(person.code())
    with pytest.raises(SignInRefused):
        person.sign_in("000000", password="not her sentence")
    with pytest.raises(SignInRefused):
        person.sign_in("000000", org="lt-nobody")
    found = rows(access, "SELECT operation, outcome, org_id, subject FROM audit WHERE operation LIKE 'session.%'")
    ((member_id,),) = rows(access, "SELECT id FROM member")
    assert found == [
        ("session.sign_in", "done", ORG, f"member:{member_id}"),
        ("session.sign_in", "sign_in.refused", ORG, "person:unproved"),
        ("session.sign_in", "sign_in.refused", None, "access"),
    ]
