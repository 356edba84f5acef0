"""The rules of groups: the whole table of sign-up states, the queue's order, codes and delays."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Conflict, Invalid, NotFound
from services.groups.rules import codes, grouping, lifecycle, queue, words

START = dt.datetime(2026, 1, 12, 16, tzinfo=dt.UTC)
ALLOWED = {
    ("waiting", "intake"),
    ("waiting", "confirmed"),
    ("waiting", "offered"),
    ("offered", "intake"),
    ("offered", "confirmed"),
    ("offered", "declined"),
    ("offered", "lapsed"),
    ("waiting", "withdrawn"),
    ("offered", "withdrawn"),
    ("intake", "withdrawn"),
    ("confirmed", "withdrawn"),
    ("active", "withdrawn"),
    ("intake", "confirmed"),
    ("intake", "redirected"),
    ("waiting", "lapsed"),
    ("intake", "lapsed"),
    ("confirmed", "lapsed"),
    ("confirmed", "active"),
    ("active", "completed"),
    ("confirmed", "removed"),
    ("active", "removed"),
    ("waiting", "waiting"),
    ("waiting", "closed"),
    ("offered", "closed"),
    ("intake", "closed"),
    ("confirmed", "closed"),
    *(
        (state, "erased")
        for state in ("completed", "withdrawn", "declined", "lapsed", "redirected", "removed", "closed")
    ),
}
"""Written from groups.md section 3, not from the table in the code."""


@pytest.mark.parametrize(("source", "target"), list(itertools.product(lifecycle.STATES, repeat=2)))
def test_every_pair_of_states_is_as_the_design_says(source: str, target: str) -> None:
    if (source, target) in ALLOWED:
        lifecycle.check_step(source, target)
        assert (source, target) in {(edge.source, edge.target) for edge in lifecycle.LIFECYCLE}
    else:
        with pytest.raises(Conflict):
            lifecycle.check_step(source, target)


def test_there_are_thirteen_states_and_only_waiting_is_entered_from_nothing() -> None:
    assert len(set(lifecycle.STATES)) == 13
    assert [state for state in lifecycle.STATES if _enters(state)] == ["waiting"]


def _enters(state: str) -> bool:
    try:
        lifecycle.check_step(lifecycle.NEW, state)
    except Conflict:
        return False
    return True


@pytest.mark.parametrize("edge", lifecycle.LIFECYCLE)
def test_effects_keep_the_counts_of_seats_and_queue(edge: lifecycle.Edge) -> None:
    seats, waiting = lifecycle.effect(edge)
    assert seats == (edge.target in lifecycle.SEATED) - (edge.source in lifecycle.SEATED)
    assert waiting == (edge.target == "waiting") - (edge.source == "waiting")
    assert set(words.NEXT) == set(lifecycle.STATES)


@pytest.mark.parametrize("actor", ["man", "worker", "leader", "coordinator", "system"])
@pytest.mark.parametrize("action", sorted({edge.name for edge in lifecycle.LIFECYCLE}))
@pytest.mark.parametrize("state", lifecycle.STATES)
def test_an_action_leads_along_the_table_or_nowhere(action: str, state: str, actor: str) -> None:
    rows = [
        edge for edge in lifecycle.LIFECYCLE if (edge.name, edge.source) == (action, state) and actor in edge.actors
    ]
    if rows:
        assert lifecycle.decide(action, state=state, intake="none", actor=actor) in rows
    else:
        with pytest.raises(Conflict) as refused:
            lifecycle.decide(action, state=state, intake="none", actor=actor)
        assert action not in refused.value.allowed


GROUP_STEPS = {
    ("open", "draft", "open"),
    ("start", "open", "running"),
    ("finish", "running", "finished"),
    ("archive", "finished", "archived"),
    ("cancel", "draft", "cancelled"),
    ("cancel", "open", "cancelled"),
    ("cancel", "running", "cancelled"),
}
"""Written from groups.md section 5."""


@pytest.mark.parametrize("action", sorted({action for action, _, _ in GROUP_STEPS}))
@pytest.mark.parametrize("state", grouping.GROUP_STATES)
def test_a_group_goes_along_its_table_or_nowhere(action: str, state: str) -> None:
    target = {(name, source): target for name, source, target in GROUP_STEPS}.get((action, state))
    if target:
        assert grouping.decide_group(action, state).target == target
    else:
        with pytest.raises(Conflict):
            grouping.decide_group(action, state)


def test_a_taken_seat_is_confirmed_only_without_intake() -> None:
    targets = [lifecycle.decide("accept", state="offered", intake=intake).target for intake in grouping.INTAKES]
    assert targets == ["confirmed", "intake", "intake"]


def test_a_late_answer_hears_that_the_offer_has_passed() -> None:
    with pytest.raises(Conflict) as refused:
        lifecycle.decide("accept", state="lapsed", intake="none")
    assert refused.value.code == "offer.passed"


def test_what_a_man_may_do_is_named_once_and_nothing_that_the_system_does() -> None:
    assert lifecycle.allowed_actions("offered") == ("accept", "decline", "withdraw")
    assert lifecycle.allowed_actions("waiting") == ("withdraw",)
    assert lifecycle.allowed_actions("lapsed") == ()


@given(st.lists(st.integers(-3600, 3600), min_size=1, max_size=40))
def test_places_given_one_after_the_other_are_in_order_even_when_the_clock_goes_back(ticks: list[int]) -> None:
    last_seq, last_at, places = 0, START, []
    for tick in ticks:
        place = queue.next_place(last_seq=last_seq, last_at=last_at, now=START + dt.timedelta(seconds=tick))
        places.append(place)
        last_seq, last_at = place.queue_seq, place.waiting_since
    assert [place.key for place in places] == sorted(place.key for place in places)
    assert [place.queue_seq for place in places] == list(range(1, len(ticks) + 1))


@given(st.integers(1, 16), st.data())
def test_a_newcomer_never_passes_and_no_seat_is_offered_that_is_not_there(capacity: int, data: st.DataObject) -> None:
    held = data.draw(st.integers(0, capacity))
    waiting = data.draw(st.integers(0, 50))
    at_once = queue.seated_at_once(capacity=capacity, held=held, waiting=waiting)
    assert at_once == (waiting == 0 and held < capacity)
    offers = queue.to_offer(capacity=capacity, held=held, waiting=waiting)
    assert 0 <= offers <= waiting
    assert held + offers <= capacity
    assert offers == waiting or held + offers == capacity


@given(
    st.permutations(
        [queue.Place(track=n % 2, waiting_since=START + dt.timedelta(n // 4), queue_seq=n) for n in range(12)]
    )
)
def test_the_order_is_track_then_age_then_number(places: list[queue.Place]) -> None:
    ordered = sorted(places, key=lambda place: place.key)
    assert [place.queue_seq for place in ordered] == [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]


def test_who_can_be_reached_by_code_only_is_told_how_long_his_offers_stand() -> None:
    assert "144" in words.next_step("waiting", code_only=True)


@pytest.mark.parametrize(
    ("state", "admission", "waiting", "limit", "at_once", "code"),
    [
        ("open", "closed", 5, None, False, None),
        ("open", "closed", 5, 5, False, "group.queue_full"),
        ("open", "closed", 0, 0, True, None),
        ("open", "closed", 0, 0, False, "group.queue_full"),
        ("running", "closed", 0, None, True, "group.not_accepting"),
        ("running", "open", 0, None, True, None),
        ("running", "rolling", 5, 5, False, "group.queue_full"),
        ("finished", "open", 0, None, True, "group.not_accepting"),
    ],
)
def test_who_is_admitted(  # noqa: PLR0917 - the columns of the table above
    state: str,
    admission: str,
    waiting: int,
    limit: int | None,
    at_once: bool,  # noqa: FBT001 - a parameter of the table above
    code: str | None,
) -> None:
    expected = nullcontext() if code is None else pytest.raises(Conflict, match=re.escape(code))
    with expected:
        queue.admit(state=state, admission=admission, waiting=waiting, waitlist_limit=limit, at_once=at_once)


@given(st.binary(min_size=8, max_size=8))
def test_a_code_survives_being_read_aloud(entropy: bytes) -> None:
    code = codes.return_code(entropy)
    assert len(code) == 13
    plain = codes.normalised(code)
    assert len(plain) == codes.LENGTH
    assert codes.BITS >= 50
    assert codes.normalised(code.lower().replace("-", " ").replace("0", "o").replace("1", "l")) == plain


def test_the_delay_grows_and_never_locks_for_good() -> None:
    delays = [codes.delay(failures) for failures in range(60)]
    assert delays[: codes.FREE_TRIES + 1] == [dt.timedelta(0)] * 3
    assert delays[3:5] == [dt.timedelta(seconds=30), dt.timedelta(seconds=60)]
    assert delays == sorted(delays)
    assert max(delays) == codes.LONGEST_DELAY


def test_a_group_opens_only_when_all_is_there() -> None:
    ready: dict[str, Any] = {
        "kind": "peer",
        "leaders": 2,
        "scheduled": True,
        "placed": True,
        "texts": 1,
        "retention_days": 30,
    }
    grouping.check_ready(grouping.Readiness(**ready))
    for change in ({"leaders": 1}, {"scheduled": False}, {"placed": False}, {"texts": 0}, {"retention_days": 0}):
        with pytest.raises(Conflict, match=r"group\.not_ready"):
            grouping.check_ready(grouping.Readiness(**{**ready, **change}))
    grouping.check_ready(grouping.Readiness(**{**ready, "kind": "drop_in", "leaders": 1}))


@pytest.mark.parametrize("state", grouping.GROUP_STATES)
def test_only_a_draft_opens(state: str) -> None:
    if state == "draft":
        assert grouping.decide_group("open", state).target == "open"
    else:
        with pytest.raises(Conflict):
            grouping.decide_group("open", state)


def test_kinds_set_their_limits() -> None:
    grouping.check_capacity("peer", 16)
    for kind, capacity in (("peer", 17), ("peer", 1), ("support_pair", 3), ("course", 1001)):
        with pytest.raises(Invalid):
            grouping.check_capacity(kind, capacity)
    with pytest.raises(Invalid):
        grouping.check_mandate("peer", "yes")
    grouping.check_mandate("behaviour_change", "only")


def test_the_roster_is_for_coordinators_and_for_the_groups_own_leaders() -> None:
    grouping.check("group.roster", frozenset({"group_coordinator"}), "other_group")
    grouping.check("group.roster", frozenset({"group_leader"}), "own_group")
    with pytest.raises(NotFound):
        grouping.check("group.roster", frozenset({"group_leader"}), "other_group")


def test_a_long_organisation_key_never_cuts_off_what_tells_programmes_apart() -> None:
    for org_key in ("k", "k" * 64, "k" * 46 + "-" + "k" * 17):
        keys = [grouping.programme_key(org_key, kind, "0a1b2c") for kind in grouping.KINDS]
        assert len(set(keys)) == len(keys)
        for key in keys:
            assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,63}", key)
            assert key.endswith("-0a1b2c")
    assert grouping.programme_key("lt-kavkc", "behaviour_change") == "lt-kavkc-behaviour-change"
