"""The clocks of referrals, as whole cases with the moment as an argument: over weekends, feasts and changed clocks."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Invalid
from chassis.working_time import COUNTRIES
from services.referrals.rules import clock_rights, clock_settings, clocks, crisis, tasks
from services.referrals.rules.clock_table import BY_CODE, CODES, TABLE
from services.referrals.rules.clocks import Clock, Facts, Step, after
from services.referrals.rules.feedback import SCOPES, VISIBLE
from services.referrals.rules.lifecycle import RECEIVER, SENDER, STATES

VILNIUS = ZoneInfo("Europe/Vilnius")
FACTS = Facts(
    kind="ordinary",
    urgency="urgent",
    ordered=False,
    scope="received_only",
    proposed="attendance_and_completion",
    countries={SENDER: "LT", RECEIVER: "LT"},
)
FIXED = replace(FACTS, scope="attendance_and_completion")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=VILNIUS)


def told(moment: dt.datetime | None) -> str | None:
    return moment and moment.astimezone(VILNIUS).strftime("%Y-%m-%d %H:%M")


def step(transition: str, state: str, when: str, *, view: str = RECEIVER, actor: str = RECEIVER, **more: Any) -> Step:
    return Step(transition=transition, state=state, at=at(when), view=view, actor=actor, **more)


def submitted(when: str, facts: Facts = FACTS, view: str = RECEIVER) -> dict[str, Clock]:
    return after({}, step("submit", "sent", when, view=view, actor=SENDER), facts)


# Figures of referrals.md section 5, from Monday 14 September 2026, 10:00 in Vilnius.
FIGURES = [
    ("C1", "sent", ["14 12:00", "15 18:00", "16 18:00", "21 18:00"]),
    ("C2", "received", ["14 14:00", "16 18:00", "21 18:00", "28 18:00"]),
    ("C3", "accepted", ["14 14:00", "15 18:00", "21 18:00", "21 18:00"]),
    ("C4", "accepted", ["16 18:00", "28 18:00", "10-14 18:00", "10-14 18:00"]),
    ("C5", "info_requested", ["14 14:00", "15 18:00", "21 18:00", "28 18:00"]),
    ("C6", "in_progress", ["15 10:00", "28 18:00", "10-14 18:00", "10-14 18:00"]),
    ("C8", "waitlisted", [None, "28 18:00", "10-12 18:00", "10-12 18:00"]),
]


@pytest.mark.parametrize(("code", "state", "dues"), FIGURES)
def test_each_figure_of_the_table(code: str, state: str, dues: list[str | None]) -> None:
    for urgency, due in zip(("crisis", "urgent", "standard", "planned"), dues, strict=True):
        facts = replace(FIXED, urgency=urgency)
        found = after({}, step("any", state, "2026-09-14 10:00"), facts).get(code)
        wanted = due if due is None or "-" in due else f"09-{due}"
        assert (told(found.due_at) if found else None) == (wanted and f"2026-{wanted}"), urgency


def test_planned_counts_from_the_day_before_which_he_can_not_come() -> None:
    facts = replace(FIXED, urgency="planned", not_before=dt.date(2026, 10, 3))  # a Saturday
    found = after({}, step("accept", "accepted", "2026-09-14 10:00"), facts)
    assert told(found["C3"].due_at) == "2026-10-05 18:00"
    assert told(found["C4"].due_at) == "2026-10-19 18:00"


def test_every_state_and_clock_has_a_row_and_the_ends_are_states() -> None:
    assert tuple(f"C{n}" for n in range(1, 10)) == CODES
    for row in TABLE:
        assert row.runs | row.pauses | (row.ends or frozenset()) <= set(STATES)
        assert not row.runs & row.pauses


def test_a_police_message_over_easter_and_a_changed_clock() -> None:
    """Friday evening before the clocks change; Good Friday is a working day in Lithuania, Easter Monday is not."""
    running = submitted("2026-03-27 19:30")
    assert told(running["C1"].due_at) == "2026-03-30 18:00"
    assert [told(each) for each in running["C7"].steps] == ["2026-03-30 18:00", "2026-03-31 18:00", "2026-04-01 18:00"]
    running = after(running, step("acknowledge", "received", "2026-03-30 09:00"), FACTS)
    assert set(running) == {"C2"}
    assert told(running["C2"].due_at) == "2026-04-01 18:00"
    running = after(
        running, step("start_assessment", "assessing", "2026-04-01 12:00", planned_on=dt.date(2026, 4, 4)), FACTS
    )
    assert told(running["C2"].due_at) == "2026-04-07 18:00"  # a Saturday, then Easter
    again = after(running, step("request_info", "info_requested", "2026-04-02 12:00"), FACTS)
    assert (told(again["C2"].paused_at), told(again["C5"].due_at)) == ("2026-04-02 12:00", "2026-04-03 18:00")
    back = after(
        again,
        step("provide_info", "assessing", "2026-04-03 12:00", actor=SENDER, planned_on=dt.date(2026, 6, 1)),
        FACTS,
    )
    assert told(back["C2"].due_at) == "2026-04-08 18:00"  # a day later, and extended once only
    done = after(back, step("accept", "accepted", "2026-04-08 11:00"), FIXED)
    assert {code: told(each.due_at) for code, each in done.items()} == {
        "C3": "2026-04-09 18:00",
        "C4": "2026-04-22 18:00",
        "C6": "2026-04-22 18:00",
    }


def test_a_crisis_counts_hours_over_night_and_over_the_changed_clock() -> None:
    facts = replace(FACTS, urgency="crisis")
    running = submitted("2026-10-25 02:30", facts)  # the hour from 3 to 4 comes twice
    assert running["C1"].due_at - running["C1"].started_at == dt.timedelta(hours=2)
    assert running["C1"].started_at == dt.datetime(2026, 10, 24, 23, 30, tzinfo=dt.UTC)
    assert told(running["C1"].due_at) == "2026-10-25 03:30"
    assert len(running["C7"].steps) == 2
    assert clocks.expires_at(running["C7"]) is None


@pytest.mark.parametrize("change", [{"urgency": "crisis"}, {"ordered": True}, {"kind": "child_concern"}])
def test_what_must_not_be_forgotten_never_expires_and_telephones_both_leads(change: dict[str, Any]) -> None:
    facts = replace(FACTS, **change)
    recall = submitted("2026-09-14 10:00", facts)["C7"]
    assert len(recall.steps) == 2
    for level in (1, 2):
        due = tasks.due_at_step(recall, level, facts, view=RECEIVER)
        assert not due.expires
        assert {(each.side, each.kind, each.role) for each in due.tasks} == {
            (SENDER, "telephone_now", "lead"), (RECEIVER, "telephone_now", "lead"),
        }  # fmt: skip


def test_the_others_are_reminded_once_twice_and_taken_back_the_third_time() -> None:
    recall = submitted("2026-09-14 10:00")["C7"]
    first, second, third = (tasks.due_at_step(recall, level, FACTS, view=RECEIVER) for level in (1, 2, 3))
    assert [(each.side, each.kind, each.role) for each in first.tasks] == [(RECEIVER, "answer_late", "unit")]
    assert {(each.side, each.role) for each in second.tasks} == {(SENDER, "lead"), (RECEIVER, "coordinator")}
    assert third.expires
    asked = after({}, step("request_info", "info_requested", "2026-09-14 10:00"), FACTS)["C7"]
    assert tasks.due_at_step(asked, 1, FACTS, view=RECEIVER).tasks[0].side == SENDER


def test_a_pause_is_added_and_what_was_late_stays_late() -> None:
    running = after({}, step("accept", "accepted", "2026-12-21 10:00"), FIXED)
    held = after(running, step("hold", "on_hold", "2026-12-23 10:00", review_on=dt.date(2027, 1, 4)), FIXED)
    assert told(held["C8"].due_at) == "2027-01-04 18:00"
    assert not held["C4"].ticks
    assert clocks.warning(held["C3"], at("2027-01-03 10:00")) == "passed"  # due on the 22nd, paused on the 23rd
    back = after(held, step("resume", "accepted", "2027-01-04 10:00"), FIXED)
    assert set(back) == {"C3", "C4", "C6"}
    assert clocks.is_overdue(back["C3"], at("2027-01-04 10:01"))
    was, now = running["C4"].due_at, back["C4"].due_at
    assert now - was >= dt.timedelta(days=12)
    assert told(now) == "2027-01-19 18:00"


def test_a_first_contact_stays_made_over_a_pause() -> None:
    running = after({}, step("accept", "accepted", "2026-09-14 10:00"), FIXED)
    running = clocks.stopped(running, "C3", at("2026-09-14 11:00"))
    assert not clocks.is_overdue(running["C3"], at("2026-12-01 10:00"))
    held = after(running, step("hold", "on_hold", "2026-09-15 10:00"), FIXED)
    back = after(held, step("resume", "accepted", "2026-09-16 10:00"), FIXED)
    assert back["C3"].stopped_at is not None
    earliest = clocks.earliest(back)
    assert earliest is not None
    assert earliest.code == "C4"
    assert clocks.stopped({}, "C3", at("2026-09-14 11:00")) == {}


def test_a_status_update_is_due_from_what_the_sender_was_told_last() -> None:
    running = after({}, step("accept", "accepted", "2026-09-14 10:00"), FIXED)
    assert told(running["C6"].due_at) == "2026-09-28 18:00"
    untold = after(running, step("start_assessment", "assessing", "2026-09-16 10:00", sender_told=False), FIXED)
    assert untold["C6"] == running["C6"]
    started = after(untold, step("start", "in_progress", "2026-09-21 10:00"), FIXED)
    assert told(started["C6"].due_at) == "2026-10-05 18:00"
    attended = clocks.restarted(started, "C6", step("attended", "in_progress", "2026-09-30 20:00"), FIXED)
    assert told(attended["C6"].due_at) == "2026-10-14 18:00"
    for scope in ("none", "received_only", "completion_and_goals"):
        assert "C6" not in after({}, step("accept", "accepted", "2026-09-14 10:00"), replace(FIXED, scope=scope))


def test_interest_is_asked_for_at_the_latest_after_the_time_of_the_table() -> None:
    soon = after({}, step("waitlist", "waitlisted", "2026-09-14 10:00", review_on=dt.date(2026, 9, 18)), FIXED)
    late = after({}, step("waitlist", "waitlisted", "2026-09-14 10:00", review_on=dt.date(2027, 9, 1)), FIXED)
    assert (told(soon["C8"].due_at), told(late["C8"].due_at)) == ("2026-09-18 18:00", "2026-09-28 18:00")
    assert soon["C8"].steps == (soon["C8"].due_at,)
    assert tasks.due_at_step(soon["C8"], 1, FIXED, view=RECEIVER).tasks[0].kind == "review_due"


def test_reviving_starts_anew_with_the_full_time() -> None:
    gone = after(submitted("2026-09-14 10:00"), step("expire", "expired", "2026-09-17 18:01", actor="system"), FACTS)
    assert gone == {}
    again = after(gone, step("revive", "sent", "2026-09-18 19:00", actor=SENDER), FACTS)
    assert told(again["C1"].due_at) == "2026-09-21 18:00"
    assert again["C7"].level == 0


def test_a_legal_basis_warns_at_half_at_four_fifths_and_when_it_is_over() -> None:
    facts = replace(FACTS, valid_until=dt.date(2026, 9, 28))  # fifteen days, as the order lasts
    legal = submitted("2026-09-14 10:00", facts)["C9"]
    assert [told(each) for each in legal.steps] == ["2026-09-21 17:00", "2026-09-26 02:00", "2026-09-29 00:00"]
    assert clocks.warning(legal, at("2026-09-20 00:00")) is None
    assert clocks.warning(legal, at("2026-09-22 00:00")) == "half"
    assert clocks.warning(legal, at("2026-09-27 00:00")) == "four_fifths"
    assert clocks.warning(legal, at("2026-09-29 00:01")) == "passed"
    kinds = [tasks.due_at_step(legal, level, facts, view=SENDER).tasks[0] for level in (1, 2, 3)]
    assert [each.kind for each in kinds] == ["legal_half", "legal_near", "legal_passed"]
    kept = after({"C9": replace(legal, level=2)}, step("acknowledge", "received", "2026-09-27 10:00"), facts)
    assert kept["C9"].level == 2
    longer = replace(facts, valid_until=dt.date(2026, 10, 28))
    renewed = after(kept, step("acknowledge", "received", "2026-09-27 10:00"), longer)
    assert (renewed["C9"].level, told(renewed["C9"].due_at)) == (0, "2026-10-29 00:00")
    assert "C9" not in after(kept, step("acknowledge", "received", "2026-09-27 10:00"), FACTS)


def test_deadlines_are_those_of_the_country_whose_turn_it_is() -> None:
    facts = replace(FACTS, countries={SENDER: "LT", RECEIVER: "FI"})
    running = submitted("2026-06-18 20:00", facts)
    assert told(running["C1"].due_at) == "2026-06-22 18:00"  # midsummer's eve in Finland
    asked = after(running, step("request_info", "info_requested", "2026-06-18 21:00"), facts)
    assert told(asked["C5"].due_at) == "2026-06-19 18:00"  # a working day for the Lithuanian sender


SENDER_SEES = {
    "none": set(),
    "received_only": {"C1", "C5", "C7", "C9"},
    "attendance": {"C1", "C2", "C4", "C5", "C6", "C7", "C9"},
    "attendance_and_completion": {"C1", "C2", "C4", "C5", "C6", "C7", "C9"},
    "completion_and_goals": {"C1", "C5", "C7", "C9"},
    "full_report": {"C1", "C2", "C4", "C5", "C6", "C7", "C9"},
}


@pytest.mark.parametrize("scope", SCOPES)
def test_the_sender_has_no_clock_whose_end_he_may_not_know(scope: str) -> None:
    facts = replace(FACTS, scope=scope, proposed=scope, valid_until=dt.date(2026, 12, 1))
    seen: set[str] = set()
    for state in STATES:
        if state in VISIBLE[scope]:
            seen |= set(after({}, step("any", state, "2026-09-14 10:00", view=SENDER), facts))
    assert seen - ({"C9"} if scope == "none" else set()) == SENDER_SEES[scope]


def test_a_sender_who_paused_it_himself_has_the_review() -> None:
    facts = replace(FIXED, proposed="full_report", scope="full_report")
    own = step("hold", "on_hold", "2026-09-14 10:00", view=SENDER, actor=SENDER, review_on=dt.date(2026, 10, 1))
    assert after({}, own, facts)["C8"].turn == SENDER
    assert after({}, own, facts)["C8"].act_at is not None
    theirs = after({}, replace(own, view=RECEIVER), facts)["C8"]
    assert (theirs.turn, theirs.act_at) == (SENDER, None)
    assert "C8" not in after({}, replace(own, actor=RECEIVER), facts)


def test_in_an_area_queue_the_sender_s_row_sees_to_the_recall() -> None:
    facts = replace(FACTS, has_receiver=False, proposed="none", scope="none")
    assert submitted("2026-09-14 10:00", facts, view=SENDER)["C7"].act_at is not None
    assert submitted("2026-09-14 10:00", FACTS, view=SENDER)["C7"].act_at is None


def test_warnings_come_at_half_and_four_fifths_of_any_clock() -> None:
    one = Clock(code="C1", turn=RECEIVER, started_at=at("2026-09-14 10:00"), due_at=at("2026-09-14 20:00"))
    found = [clocks.warning(one, at(f"2026-09-14 {hour}:00")) for hour in ("14", "15", "17", "18", "20", "21")]
    assert found == [None, "half", "half", "four_fifths", "four_fifths", "passed"]


def test_a_service_s_own_figure_counts_for_its_urgency_alone() -> None:
    facts = replace(FACTS, amounts={("C1", "standard"): 1})
    assert told(submitted("2026-09-14 10:00", replace(facts, urgency="standard"))["C1"].due_at) == "2026-09-15 18:00"
    recall = submitted("2026-09-14 10:00", replace(facts, urgency="standard"))["C7"]
    assert told(recall.due_at) == "2026-09-17 18:00"
    assert told(submitted("2026-09-14 10:00", replace(facts, urgency="planned"))["C1"].due_at) == "2026-09-21 18:00"


@pytest.mark.parametrize(
    ("code", "urgency", "amount", "day", "refused"),
    [
        ("C1", "standard", 4, "2026-09-14", None),
        ("C1", "standard", 1, "2027-09-14", None),
        ("C1", "standard", 5, "2026-09-14", "clock.beyond_limits"),
        ("C1", "standard", 0, "2026-09-14", "clock.beyond_limits"),
        ("C1", "urgent", 2, "2026-09-14", "clock.beyond_limits"),
        ("C2", "crisis", 5, "2026-09-14", "clock.beyond_limits"),
        ("C2", "crisis", 1, "2026-09-14", None),
        ("C5", "urgent", 1, "2026-09-14", "clock.not_settable"),
        ("C7", "urgent", 1, "2026-09-14", "clock.not_settable"),
        ("C3", "planned", 1, "2026-09-14", "clock.not_settable"),
        ("C4", "planned", 20, "2026-09-14", None),
        ("C1", "standard", 1, "2026-09-13", "clock.wrong_day"),
        ("C1", "standard", 1, "2027-09-16", "clock.wrong_day"),
    ],
)
def test_own_figures_have_limits(code: str, urgency: str, amount: int, day: str, refused: str | None) -> None:
    def ask() -> None:
        on = dt.date.fromisoformat(day)
        clock_settings.check(code, urgency, amount, effective_on=on, today=dt.date(2026, 9, 14))

    if refused is None:
        ask()
        return
    with pytest.raises(Invalid) as found:
        ask()
    assert found.value.code == refused


def test_a_step_makes_pointless_what_it_answers() -> None:
    assert set(tasks.moot("sent", "received")) == {"answer_late", "no_answer", "telephone_now"}
    assert set(tasks.moot("waitlisted", "ended")) == {"review_due", "legal_half", "legal_near", "legal_passed"}
    assert tasks.moot("expired", "sent") == ("taken_back",)
    assert tasks.moot("received", "assessing") == ()


def test_tasks_are_seen_by_whom_they_are_for_and_by_the_lead_of_that_side() -> None:
    every = frozenset({"sender_worker", "receiver_lead", "network_coordinator"})
    assert clock_rights.tasks_of(every) == {
        "sender.unit", "sender.coordinator", "receiver.unit", "receiver.lead", "receiver.coordinator",
    }  # fmt: skip
    assert clock_rights.tasks_of(frozenset({"intake_worker"})) == {"receiver.unit"}
    assert clock_rights.tasks_of(frozenset({"auditor"})) == frozenset()


def test_a_crisis_names_the_emergency_number_and_a_line_of_the_country() -> None:
    assert crisis.warnings("crisis", ["crisis", "urgent"], "LT") == ()
    assert crisis.warnings("urgent", [], "LT") == ()
    for country in COUNTRIES:
        text = crisis.warnings("crisis", [], country)[0].text
        assert "112" in text
        assert crisis.LINES[country] in text
    assert "112." in crisis.warnings("crisis", ["urgent"], None)[0].text


MOMENTS = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2028, 12, 31), timezones=st.just(dt.UTC))  # noqa: DTZ001 - the strategy adds the zone


PATHS = st.lists(st.tuples(st.sampled_from(STATES), st.integers(0, 60 * 24 * 20)), max_size=8)
URGENCIES = st.sampled_from(["crisis", "urgent", "standard", "planned"])


@given(MOMENTS, PATHS, URGENCIES, st.sampled_from([SENDER, RECEIVER]), st.sampled_from(SCOPES))
def test_whatever_comes_clocks_run_only_where_they_may_and_are_due_after_their_start(
    start: dt.datetime, path: list[tuple[str, int]], urgency: str, view: str, scope: str
) -> None:
    facts = replace(FIXED, urgency=urgency, scope=scope, proposed=scope)
    running: dict[str, Clock] = {}
    for state, minutes in path:
        start += dt.timedelta(minutes=minutes)
        running = after(running, Step(transition="any", state=state, at=start, view=view, actor=RECEIVER), facts)
        for code, each in running.items():
            row = BY_CODE[code]
            assert state in row.runs | row.pauses
            assert (each.paused_at is not None) == (state in row.pauses)
            assert each.due_at > each.started_at
            assert each.level == 0
