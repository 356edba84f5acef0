"""Reason codes: every code in every language, dated, with one outward form; retired ones are refused and still told."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import pytest

from chassis.errors import Invalid
from services.referrals.rules import codes, reasons
from services.referrals.rules.reasons import LANGUAGES, REASONS, Reason

TODAY = dt.date(2026, 11, 26)
EVERY = [pytest.param(reason, id=f"{reason.list}-{reason.code}") for reason in REASONS]


@pytest.mark.parametrize("reason", EVERY)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_short_label_in_every_language(reason: Reason, language: str) -> None:
    assert tuple(reason.labels) == LANGUAGES
    label = reason.labels[language]
    assert 1 < len(label) <= 60
    assert label == label.strip()
    assert label.isprintable()
    assert not label.endswith(".")
    assert bool(re.search("[\u0400-\u04ff]", label)) == (language == "ru")
    assert reasons.label(reason.code, language, prefer=reason.list) == label


@pytest.mark.parametrize("reason", EVERY)
def test_every_code_is_of_the_declared_kind(reason: Reason) -> None:
    assert re.fullmatch(r"[a-z][a-z_]{1,40}", reason.code)
    assert reason.attribution in {"provider", "person", "sender", None}
    assert isinstance(reason.effective_from, dt.date)
    assert reason.effective_to is None or reason.effective_to >= reason.effective_from
    assert reason.redirect is None or re.fullmatch("[a-z_]+", reason.redirect)
    assert reasons.outward(reason.code) == reason.outward
    assert reason.outward in {reason.code, *reasons.known("outward")}


def test_decline_codes_all_have_an_attribution() -> None:
    for name in ("decline", "forward", "end", "withdraw", "hold"):
        assert all(reason.attribution for reason in REASONS if reason.list == name), name


def test_no_code_stands_twice_in_a_list_on_the_same_day() -> None:
    keys = [(reason.list, reason.code) for reason in REASONS if reason.in_force(TODAY)]
    assert len(keys) == len(set(keys))


def test_the_lists_are_those_of_the_design(shared: Path) -> None:
    text = (shared / "design" / "referrals.md").read_text(encoding="utf-8").partition("## 8. Reason codes")[2]
    text = text.partition("## 9.")[0]
    decline = text.partition("**Decline**")[2].partition(": ")[2].partition(".\n")[0]
    for name, stated in (
        ("decline", decline.replace("conflict_of_interest (e.g. serves the victim)", "conflict_of_interest")),
        ("end", text.partition("**End**: ")[2].partition(".\n")[0]),
        ("withdraw", text.partition("**Withdraw (sender)**: ")[2].partition(".\n")[0]),
        ("hold", text.partition("**Hold**: ")[2].partition(".\n")[0]),
    ):
        wanted = {re.sub(r"\(.*\)", "", part).strip(" ;,") for part in re.split("[;,]", stated)}
        assert set(reasons.known(name)) == wanted, name
    outward = text.partition("**Outward form**: ")[2].partition(" are told outside")[0]
    hidden = {part.strip() for part in re.split(r",|\band\b", outward) if part.strip()}
    assert {reason.code for reason in REASONS if reason.outward != reason.code} == hidden


def test_forwarding_has_no_code_that_declining_has_not() -> None:
    assert set(codes.FORWARD_REASONS) <= set(codes.DECLINE_REASONS)


def test_a_code_counts_from_its_first_to_its_last_day() -> None:
    first = next(reason for reason in REASONS if reason.code == "moved" and reason.list == "end")
    dated = replace(first, effective_from=dt.date(2026, 2, 1), effective_to=dt.date(2026, 3, 1))
    in_force = {
        day: reasons.codes_in_force("end", day, (dated,))
        for day in (dt.date(2026, 1, 31), dt.date(2026, 2, 1), dt.date(2026, 3, 1), dt.date(2026, 3, 2))
    }
    assert list(in_force.values()) == [(), ("moved",), ("moved",), ()]


def test_a_retired_code_is_refused_with_those_in_force_and_keeps_its_label(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = dt.date(2026, 11, 25)
    table = tuple(
        replace(reason, effective_to=gone) if (reason.list, reason.code) == ("hold", "safety") else reason
        for reason in REASONS
    )
    monkeypatch.setattr(reasons, "REASONS", table)
    reasons.check("hold", "safety", gone, pointer="/reason")
    with pytest.raises(Invalid) as refused:
        reasons.check_body("hold", {"reason": "safety"}, TODAY)
    assert refused.value.code == "reason.not_in_force"
    (fault,) = refused.value.fields
    assert fault.pointer == "/reason"
    assert "health, custody" in fault.detail
    assert "safety" not in fault.detail.partition("In force")[2]
    assert reasons.label("safety", "lt", prefer="hold") == "Saugumas"
    assert "safety" in reasons.known("hold")


def test_levels_of_goals_are_checked_each_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    table = tuple(reason for reason in REASONS if (reason.list, reason.code) != ("goal_level", "partly"))
    monkeypatch.setattr(reasons, "REASONS", table)
    goals = [{"goal": "a", "level": "achieved"}, {"goal": "b", "level": "partly"}]
    with pytest.raises(Invalid) as refused:
        reasons.check_body("complete", {"outcome": "completed", "goals": goals}, TODAY)
    assert refused.value.fields[0].pointer == "/goals/1/level"


def test_no_code_has_no_label_and_no_outward_form() -> None:
    assert reasons.label(None, "en") is None
    assert reasons.label("never_was", "en") is None
    assert reasons.outward(None) is None
    assert reasons.outward("never_was") == "never_was"
