"""Guessing is slowed down, and no perpetrator can lock a leader out by it."""

from __future__ import annotations

import pytest

from chassis.db import Database
from chassis.errors import TooManyRequests
from chassis.settings import Settings
from services.access.rules import throttling as rules
from services.access.rules.sessions import SignInRefused
from services.access.usecases import sessions, upkeep
from tests.integration.people_rig import Clock, access, database, moved, person
from tests.integration.test_signing_in import at_once, rows
from tests.support.people import ELSEWHERE, HOME, LOGIN, Person

__all__ = ["access", "database", "moved", "person"]


def guess(person: Person, address: str) -> int | None:
    """One wrong try; the seconds to wait when it was not even looked at."""
    stranger = Person(person.database, person.settings, person.login)
    try:
        stranger.sign_in("123456", password="a wild guess", address=address)
    except TooManyRequests as refused:
        return refused.retry_after
    except SignInRefused:
        return None
    raise AssertionError


def hammer(person: Person, address: str) -> int:
    """Guess until it is delayed."""
    for _ in range(rules.ACCOUNT_FREE + 5):
        waiting = guess(person, address)
        if waiting is not None:
            return waiting
    raise AssertionError


def test_guesses_at_an_account_are_delayed_more_and_more(person: Person, moved: Clock) -> None:
    waits = []
    for _ in range(4):
        waits.append(hammer(person, HOME))
        moved.move(seconds=waits[-1] + 1)
    assert waits == sorted(set(waits))
    hammer(person, HOME)
    with pytest.raises(TooManyRequests):  # the delay holds for the right words as well, else it would delay nothing
        person.sign_in(person.code())


def test_a_perpetrator_locks_nobody_out(person: Person, moved: Clock) -> None:
    person.sign_in(person.code())
    person.keep(sessions.register_device(person.database, person.ask()))
    hammer(person, HOME)
    moved.move(seconds=31)
    hammer(person, HOME)
    person.sign_in(person.code())  # her own device, in the perpetrator's very network
    moved.move(seconds=31)
    hammer(person, HOME)
    person.without_device().sign_in(person.code(), address=ELSEWHERE)  # and any browser in another one


def test_hammering_from_many_networks_locks_nobody_out_either(person: Person) -> None:
    for number in range(12):
        hammer(person, f"203.0.{number}.1")
    person.sign_in(person.code(), address=ELSEWHERE)


def test_a_flood_from_one_network_is_delayed_whatever_it_guesses(
    person: Person, database: Database, access: Settings
) -> None:
    answers = [
        guess(Person(database, access, f"{number}@example.org"), f"203.0.113.{number}")
        for number in range(rules.NETWORK_FREE + 2)
    ]
    assert answers[: rules.NETWORK_FREE] == [None] * rules.NETWORK_FREE
    assert answers[-1] is not None
    person.sign_in(person.code(), address=ELSEWHERE)


def test_guesses_in_parallel_see_each_other(person: Person) -> None:
    found = at_once([lambda: guess(person, HOME)] * 12)
    assert found.count(None) <= rules.ACCOUNT_FREE + 1


def test_right_words_take_the_count_back(person: Person, access: Settings) -> None:
    for _ in range(3):
        guess(person, HOME)
    person.sign_in(person.code())
    assert [failures for (failures,) in rows(access, "SELECT failures FROM throttle")] == [3]  # the network's own


def test_what_nobody_tried_for_a_day_is_forgotten(person: Person, access: Settings, moved: Clock) -> None:
    hammer(person, HOME)
    moved.move(hours=25)
    assert guess(person, HOME) is None
    moved.move(hours=25)
    upkeep.sweep(person.database)
    assert rows(access, "SELECT count(*) FROM throttle") == [(0,)]
    assert LOGIN not in str(rows(access, "SELECT * FROM audit"))
