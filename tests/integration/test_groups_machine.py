"""Random seasons of two groups on a real database: capacity, order and separation hold after every step.

At least 2,000 steps each time; `TUKIVERKKO_QUEUE_STEPS=100000` walks as far as a release has to.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound
from chassis.settings import Settings
from services.groups import usecases
from services.groups.usecases import apart
from tests.support.databases import root_url
from tests.support.group_season import season_step, transferred
from tests.support.group_staff import COORDINATOR, INTAKE, programme, step
from tests.support.groups import call, opened, own, sign_up

STEPS = int(os.environ.get("TUKIVERKKO_QUEUE_STEPS", "2000"))
A_WALK = 50
TURNS = 10  # a walk tries more or less, as chance has it
SEATED = ("offered", "intake", "confirmed", "active")
PERSONS = [{"name": f"Demo {name}", "birth_year": 1980} for name in ("A", "B", "C", "D")]
SOME = strategies.integers(min_value=0, max_value=10_000)
WHICH = strategies.sampled_from((0, 1))


class Seasons(RuleBasedStateMachine):
    """Two groups of one programme; each rule is a thing that somebody does, allowed or not."""

    db: ClassVar[Database]
    rows: ClassVar[psycopg.Connection[Any]]
    tried: ClassVar[int] = 0
    went: ClassVar[set[str]] = set()

    @initialize(capacity=strategies.integers(min_value=2, max_value=4))
    def begin(self, capacity: int) -> None:
        key = programme(self.db, intake="none")["key"]
        self.groups = [opened(self.db, kind="guided", programme=key, capacity=capacity) for _ in range(2)]
        self.men: list[dict[str, Any]] = []

    def attempt(self, name: str, act: Callable[[], Any]) -> Any:
        """Try something; a refusal changes nothing that a seat or a place depends on."""
        Seasons.tried += 1
        before = self.standing()
        try:
            done = act()
        except (Conflict, Invalid, NotFound):
            assert self.standing() == before, name
            return None
        Seasons.went.add(name)
        return done

    @rule(group=WHICH, men=strategies.integers(min_value=1, max_value=3))
    def come(self, group: int, men: int) -> None:
        for _ in range(men):
            made = self.attempt("come", lambda: sign_up(self.db, self.groups[group]))
            if made is not None:
                self.men.append(made)

    @rule(man=SOME, action=strategies.sampled_from(("withdraw", "accept_offer", "decline_offer")))
    def answer(self, man: int, action: str) -> None:
        if self.men:
            self.attempt(action, lambda: own(self.db, action, self.men[man % len(self.men)]))

    @rule(man=SOME, action=strategies.sampled_from(("accept_offer", "decline_offer")))
    def answer_an_offer(self, man: int, action: str) -> None:
        who = self.pick(man, "state = 'offered'")
        if who is not None:
            self.attempt(action, lambda: own(self.db, action, who))

    @rule()
    def offers_pass(self) -> None:
        late = "UPDATE sign_up SET offer_until = now() - interval '1 second' WHERE state = 'offered'"
        self.rows.execute(late)
        usecases.sweep(self.db)
        Seasons.tried += 1

    @rule(man=SOME)
    def go_over(self, man: int) -> None:
        who = self.pick(man, "state = 'waiting'")
        if who is not None:
            here = self.where(who)
            there = self.groups[1 - self.groups.index(here)]
            self.attempt("transfer", lambda: transferred(self.db, here, who, there))

    @rule(source=WHICH)
    def merge(self, source: int) -> None:
        body = {"group_id": self.groups[1 - source]}
        self.attempt("merge", lambda: season_step(self.db, "merge", self.groups[source], body))

    @rule(group=WHICH, capacity=strategies.integers(min_value=2, max_value=6))
    def resize(self, group: int, capacity: int) -> None:
        which = self.groups[group]
        version = self.ask("SELECT version FROM peer_group WHERE id = %s", which)[0][0]
        body = {"capacity": capacity}
        self.attempt("resize", lambda: season_step(self.db, "change", which, body, expected_version=version))

    @rule(man=SOME, person=strategies.sampled_from(PERSONS))
    def link(self, man: int, person: dict[str, Any]) -> None:
        if self.men:
            who = self.men[man % len(self.men)]
            path = {"group_id": self.where(who), "signup_id": who["signup_id"]}
            asked = call("link", INTAKE, person, path=path, operation="signup.link_person")
            self.attempt("link", lambda: apart.link_person(self.db, asked))

    @rule(man=SOME, person=strategies.sampled_from(PERSONS))
    def keep_apart(self, man: int, person: dict[str, Any]) -> None:
        who = self.pick(man, "person_mac IS NOT NULL")
        if who is not None:
            body = {"signup_id": who["signup_id"], "other_signup_id": None, "other": person, "reason": "relatives"}
            self.attempt("apart", lambda: apart.keep_apart(self.db, call("pair", INTAKE, body, operation="apart.add")))

    @rule(man=SOME)
    def remove(self, man: int) -> None:
        who, body = self.pick(man, "state = 'confirmed'"), {"reason": "conduct"}
        if who is not None:
            group = self.where(who)
            self.attempt("propose", lambda: step(self.db, "propose_removal", group, who, INTAKE, body))
            self.attempt("remove", lambda: step(self.db, "remove", group, who, COORDINATOR, body))

    @invariant()
    def never_over_capacity_and_never_a_free_seat_beside_a_queue(self) -> None:
        for group in getattr(self, "groups", ()):
            capacity, held, waiting = self.ask("SELECT capacity, held, waiting FROM peer_group WHERE id = %s", group)[0]
            states = [row[0] for row in self.ask("SELECT state FROM sign_up WHERE group_id = %s", group)]
            assert held == sum(state in SEATED for state in states)
            assert waiting == states.count("waiting")
            assert held <= capacity
            assert not waiting or held == capacity

    @invariant()
    def each_offer_went_to_the_head(self) -> None:
        """By the history: whoever got an offer had, at that moment, nobody before him who waited."""
        for group in getattr(self, "groups", ()):
            waiting: dict[Any, Any] = {}
            for sign_up_id, where, transition, to_state, since in self.ask(STEPS_OF, group):
                if transition == "offer" and where == group:
                    assert since == min(waiting.values()), (sign_up_id, waiting)
                waiting.pop(sign_up_id, None)
                if to_state == "waiting" and where == group:  # who went over waits elsewhere, until he comes back
                    waiting[sign_up_id] = since

    @invariant()
    def nobody_meets_whom_he_is_kept_apart_from(self) -> None:
        assert self.rows.execute(TOGETHER).fetchall() == []
        assert self.rows.execute(TWICE).fetchall() == []

    @invariant()
    def what_a_man_is_told_is_what_stands(self) -> None:
        for man in getattr(self, "men", ())[-3:]:
            shown = own(self.db, "status", man)
            state, group = self.ask("SELECT state, group_id FROM sign_up WHERE id = %s", man["signup_id"])[0]
            assert (shown["state"], shown["group_id"]) == (state, group)

    def pick(self, number: int, condition: str) -> dict[str, Any] | None:
        """Somebody of whom something is true; anybody's turn comes."""
        text = f"SELECT id FROM sign_up WHERE group_id = ANY(%s) AND {condition}"
        found = {row[0] for row in self.ask(text, self.groups)}
        men = [man for man in self.men if man["signup_id"] in found]
        return men[number % len(men)] if men else None

    def where(self, man: dict[str, Any]) -> uuid.UUID:
        group: uuid.UUID = self.ask("SELECT group_id FROM sign_up WHERE id = %s", man["signup_id"])[0][0]
        return group

    def standing(self) -> list[tuple[Any, ...]]:
        """All that a seat, a place or a separation depends on."""
        return self.rows.execute(
            "SELECT id, group_id, state, queue_seq, person_mac FROM sign_up ORDER BY id"
        ).fetchall()

    def ask(self, text: str, key: object) -> list[tuple[Any, ...]]:
        return self.rows.execute(text.encode(), (key,)).fetchall()


STEPS_OF = """
SELECT h.sign_up_id, h.group_id, h.transition, h.to_state, s.waiting_since FROM history AS h
  JOIN sign_up AS s ON s.id = h.sign_up_id
 WHERE s.id IN (SELECT sign_up_id FROM history WHERE group_id = %s)
 ORDER BY h.at, s.waiting_since, h.no
"""
TOGETHER = """
SELECT k.id FROM keep_apart AS k JOIN sign_up AS a ON a.person_mac = k.low_mac
  JOIN sign_up AS b ON b.person_mac = k.high_mac AND b.group_id = a.group_id
 WHERE a.state IN ('waiting', 'offered', 'intake', 'confirmed', 'active')
   AND b.state IN ('waiting', 'offered', 'intake', 'confirmed', 'active')
"""
TWICE = """
SELECT g.programme_id, s.person_mac FROM sign_up AS s JOIN peer_group AS g ON g.id = s.group_id
 WHERE s.person_mac IS NOT NULL AND s.state IN ('waiting', 'offered', 'intake', 'confirmed', 'active')
 GROUP BY 1, 2 HAVING count(*) > 1
"""


def test_random_seasons_hold_capacity_order_and_separation(service_database: Callable[..., Settings]) -> None:
    at = service_database("groups")
    wanted = {"come", "withdraw", "accept_offer", "decline_offer", "transfer", "merge", "resize", "link", "apart"}
    wanted |= {"propose", "remove"}
    Seasons.db, Seasons.tried, Seasons.went = Database(at, "groups"), 0, set()
    walks = settings(
        max_examples=max(1, STEPS // A_WALK),
        stateful_step_count=A_WALK,
        deadline=None,
        derandomize=False,  # another turn walks other ways
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        with psycopg.connect(root_url(at, "groups"), autocommit=True) as connection:
            Seasons.rows = connection
            for _ in range(TURNS):
                run_state_machine_as_test(Seasons, settings=walks)
                if Seasons.tried >= STEPS and wanted <= Seasons.went:
                    break
    finally:
        Seasons.db.close()
    assert Seasons.tried >= STEPS
    assert wanted <= Seasons.went, wanted - Seasons.went


@pytest.mark.parametrize("text", [TOGETHER, TWICE])
def test_the_questions_are_well_put(service_database: Callable[..., Settings], text: str) -> None:
    with psycopg.connect(root_url(service_database("groups"), "groups")) as connection:
        assert connection.execute(text.encode()).fetchall() == []
