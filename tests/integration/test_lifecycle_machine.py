"""Random walks through the lifecycle on a real database, beside a plain model made from the design's own table.

At least 2,000 steps each time; `TUKIVERKKO_LIFECYCLE_STEPS=50000` walks as far as a release has to.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chassis.db import Database
from chassis.errors import Conflict, NotAllowed, Refused
from chassis.identity import Caller
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.events import BESIDES
from services.referrals.schemas.transitions import EXAMPLES
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, POLICE, expire, go, look, new, seed

STEPS = int(os.environ.get("TUKIVERKKO_LIFECYCLE_STEPS", "2000"))
A_WALK = 50
SCOPES = (
    "none",
    "received_only",
    "attendance",
    "attendance_and_completion",
    "completion_and_goals",
    "full_report",
)
TOLD = {  # referrals.md section 6, in the words of the page
    "none": set(),
    "received_only": {"received", "info_requested", "declined", "forwarded", "expired"},
    "attendance": {"accepted", "waitlisted", "in_progress"},
    "attendance_and_completion": {"accepted", "waitlisted", "in_progress", "completed", "ended"},
    "completion_and_goals": {"accepted", "completed", "ended"},
    "full_report": {"accepted", "waitlisted", "in_progress", "completed", "ended", "assessing", "on_hold"},
}
STAFF = {each: replace(each, roles=each.roles - {"dpo"}) for each in (POLICE, CENTRE)}
PARTIES = {"sender": STAFF[POLICE], "receiver": STAFF[CENTRE]}
FIXING = {"accepted", "waitlisted", "in_progress"}
ENDS = {"declined", "withdrawn", "entered_in_error"}
Table = dict[tuple[str, str], list[dict[str, Any]]]


class Walk(RuleBasedStateMachine):
    """One referral between two organisations; every step is tried on the service and on the model."""

    db: ClassVar[Database]
    rows: ClassVar[psycopg.Connection[Any]]
    table: ClassVar[Table]
    tried: ClassVar[int] = 0
    taken: ClassVar[set[tuple[str, str]]] = set()

    @initialize(scope=strategies.sampled_from(SCOPES))
    def submit(self, scope: str) -> None:
        made = usecases.create(self.db, new(feedback_scope=scope))
        self.referral: uuid.UUID = made.value["id"]
        self.scope, self.fixed = scope, False
        self.state, self.held_from, self.held_by, self.last = "sent", "", "", "submit"
        self.own_acts = {"sent"}

    @rule(
        action=strategies.sampled_from(sorted(set(EXAMPLES) - {"submit", "discard", "forward"})),
        side=strategies.sampled_from(sorted(PARTIES)),
    )
    def any_step(self, action: str, side: str) -> None:
        self.step(action, side)

    def step(self, action: str, side: str) -> None:
        """Try one; it is taken where the model says so, and nowhere else."""
        expected = self.edge(action, side)
        before = self.everything()
        try:
            go(self.db, PARTIES[side], self.referral, action, **EXAMPLES[action])
            went = True
        except (Conflict, NotAllowed):
            went = False
        assert went == (expected is not None), (action, side, self.state)
        if expected is None:
            assert self.everything() == before
        else:
            self.move(action, side, expected)
        Walk.tried += 1

    @rule(data=strategies.data())
    def go_on(self, data: strategies.DataObject) -> None:
        """A step that is possible, so that a walk gets anywhere; ends come last, so that it does not end at once."""
        walked = set(EXAMPLES) - {"submit", "discard", "forward"}
        possible = sorted(
            (action, side) for action in walked for side in PARTIES if self.edge(action, side) is not None
        )
        if possible:
            possible.sort(key=lambda step: str(self.edge(*step)) in ENDS)
            self.step(*data.draw(strategies.sampled_from(possible)))

    @rule()
    def time_passes(self) -> None:
        if self.edge("expire", "system") is None:
            with pytest.raises(Refused):
                expire(self.db, self.referral)
            return
        expire(self.db, self.referral)
        self.move("expire", "system", "expired")
        Walk.tried += 1

    @invariant()
    def each_party_knows_what_it_may(self) -> None:
        if not hasattr(self, "referral"):
            return
        (leg,) = self.ask("SELECT state FROM leg WHERE id = %s")
        (case,) = self.ask("SELECT state, version FROM receiver_case WHERE id = %s")
        (record,) = self.ask("SELECT state, version FROM sender_record WHERE id = %s")
        assert leg[0] == case[0] == self.state
        in_force = self.scope if self.fixed or self.scope == "none" else "received_only"
        may = {"sent", "withdrawn", "entered_in_error", "closed"} | self.own_acts | self.known | TOLD[in_force]
        assert record[0] in may | (TOLD["received_only"] if in_force != "none" else set())
        for party, version in ((POLICE, record[1]), (CENTRE, case[1])):
            self.streams_agree(party, version)

    def streams_agree(self, party: Caller, version: int) -> None:
        """Versions, history and events of a party are one unbroken count, and tell the same states."""
        history = self.ask("SELECT no, to_state FROM history WHERE referral_id = %s AND org_id = %s ORDER BY no", party)
        events = self.rows.execute(
            "SELECT (data->>'version')::int, data->>'state' FROM outbox WHERE aggregate_id = %s AND audience = %s"
            " AND split_part(type, '.', 2) <> ALL (%s) ORDER BY sequence",
            (self.referral, f"org:{party.org_id}", list(BESIDES)),
        ).fetchall()
        assert [no for no, _ in history] == [no for no, _ in events] == list(range(1, version + 1))
        assert [state for _, state in history] == [state for _, state in events]

    @invariant()
    def what_is_offered_is_what_the_table_has(self) -> None:
        if not hasattr(self, "referral"):
            return
        offered = set(usecases.read(self.db, look(PARTIES["receiver"], self.referral)).value["allowed_actions"])
        possible = {name for name, _ in self.table if self.edge(name, "receiver") is not None}
        assert offered == possible | ({"forward"} if self.forwardable() else set())

    def forwardable(self) -> bool:
        return any(edge["name"] == "forward" for edge in self.table.get(("forward", self.state), []))

    def edge(self, action: str, side: str) -> str | None:
        """Where the model goes by this step; None where it refuses."""
        found = [
            edge["to"]
            for edge in self.table.get((action, self.state), [])
            if side in edge["actors"] and "ordinary" in edge["kinds"] and self.leads(edge)
        ]
        if not found or self.guarded(action, side) or (side == "sender" and not self.seen_by_sender(action)):
            return None
        target: str = found[0]
        return target

    def seen_by_sender(self, action: str) -> bool:
        """Whether the sender's own record offers it: what he does not see he can not take."""
        ((seen, held_by),) = self.ask("SELECT state, held_by FROM sender_record WHERE id = %s")
        edges = self.table.get((action, seen), [])
        if not any("sender" in edge["actors"] and "ordinary" in edge["kinds"] for edge in edges):
            return False
        if action == "resume":
            return bool(held_by == "sender")
        return action != "mark_error" or bool(seen == "sent")

    def leads(self, edge: dict[str, Any]) -> bool:
        return edge.get("to_rule") != "held_from" or edge["to"] == self.held_from

    def guarded(self, action: str, side: str) -> bool:
        if action == "resume" and side == "sender":
            return self.held_by != "sender"
        if action == "undo_decision":
            return self.last not in {"accept", "decline"}
        return action == "mark_error" and side == "sender" and self.state != "sent"

    def move(self, action: str, side: str, target: str) -> None:
        Walk.taken.add((action, self.state))
        if target in {"on_hold", "info_requested"}:
            self.held_from, self.held_by = self.state, side
        self.fixed = (self.fixed or target in FIXING) and not (action == "undo_decision" and self.state == "accepted")
        if side == "sender":
            self.own_acts |= {target, *self.known}
        self.state, self.last = target, action

    @property
    def known(self) -> set[str]:
        """What the sender's own record has shown before: he may always go back to it."""
        shown = self.ask("SELECT to_state FROM history WHERE referral_id = %s AND org_id = %s", POLICE)
        return {state for (state,) in shown[:-1]} if len(shown) > 1 else set()

    def ask(self, query: str, party: Caller | None = None) -> list[tuple[Any, ...]]:
        values = (self.referral,) if party is None else (self.referral, party.org_id)
        return self.rows.execute(query.encode(), values).fetchall()

    def everything(self) -> list[list[tuple[Any, ...]]]:
        names = ("leg", "sender_record", "receiver_case")
        found = [self.ask(f"SELECT to_jsonb(t)::text FROM {name} AS t WHERE id = %s") for name in names]
        counts = [
            self.rows.execute(f"SELECT count(*) FROM {name}".encode()).fetchall() for name in ("outbox", "history")
        ]
        return [*found, *counts]


@pytest.fixture
def walking(service_database: Callable[..., Settings], shared: Path) -> Iterator[type[Walk]]:
    at = service_database("referrals")
    design = json.loads((shared / "design" / "referral_lifecycle.json").read_text())
    Walk.table = {}
    for edge in design["transitions"]:
        Walk.table.setdefault((edge["name"], edge["from"]), []).append(edge)
    Walk.db = Database(at, "referrals")
    seed(Walk.db)
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as Walk.rows:
        yield Walk
    Walk.db.close()


@pytest.mark.timeout(7200)
def test_no_walk_leaves_the_table_and_no_walk_tells_too_much(
    walking: type[Walk], record_property: Callable[[str, object], None]
) -> None:
    run_state_machine_as_test(
        walking,
        settings=settings(
            max_examples=STEPS // 10,
            stateful_step_count=A_WALK,
            deadline=None,
            database=None,
            phases=(Phase.generate,) if STEPS > 2000 else (Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    record_property("steps", str(walking.tried))
    record_property("edges", str(len(walking.taken)))
    assert walking.tried >= STEPS
    assert len(walking.taken) >= (25 if STEPS < 50_000 else 60), "the walks got about"
