"""What the commands about events refuse, and which figures need a person."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from chassis import clock, reasons
from deploy.local.cli import main
from deploy.local.commands import lag
from deploy.local.commands.times import MOMENT

ROOT = Path(__file__).parents[2]
WELL: dict[str, Any] = {
    "outbox": 0, "oldest_seconds": 0, "refused": {}, "inbox_waiting": 0, "gaps": 0, "blocked": 0, "gap_seconds": 0,
    "blocked_seconds": 0, "blocked_first": None, "queue": 3, "retry": 1, "parked": 0, "connected": 1.0,
    "idle_seconds": 0.2,
}  # fmt: skip

LOST: dict[str, Any] = {"blocked": 1, "blocked_seconds": 181, "retry": 0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("parked", "replay", "--service", "groups"), "give an event id"),
        (("parked", "replay", "an-id", "--since", "2h", "--service", "groups"), "give an event id"),
        (("parked", "replay", "--all", "--since", "2h", "--service", "groups"), "give an event id"),
        (("parked", "drop", "an-id", "--service", "groups"), "--reason"),
        (("parked", "list", "--service", "nobody"), "nobody"),
        (("parked", "forget", "no-id", "--reason", "a.b", "--service", "groups"), "no-id"),
        (("parked", "forget", str(UUID(int=1)), "--reason", "A name", "--service", "groups"), "small letters"),
        (("republish",), "one of --since"),
        (("republish", "--since", "1h", "--everything", "referral"), "one of --since"),
        (("republish", "--everything", "referral"), "--service"),
        (("republish", "--aggregate", "no-id", "--service", "groups"), "no-id"),
        (("events", "tail", "--since", "yesterday"), "15m, 2h, 1d"),
        (("events", "count", "--since", "2026-11-23T08:00:00"), "with its offset"),
    ],
)
def test_what_is_unclear_is_refused_before_anything_is_asked(words: tuple[str, ...], said: str) -> None:
    ran = CliRunner().invoke(main, words)
    assert ran.exit_code == 2
    assert said in ran.output


def test_a_moment_is_a_time_with_its_offset_or_how_long_ago() -> None:
    given = "2026-11-23T08:00:00+02:00"
    assert MOMENT.convert(given, None, None) == dt.datetime.fromisoformat(given)
    for text, span in (("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86_400), ("999999d", 3660 * 86_400)):
        ago = clock.now() - MOMENT.convert(text, None, None)
        assert abs(ago.total_seconds() - span) < 60


def test_nothing_needs_a_person_while_all_is_well() -> None:
    assert lag.needs_of("groups", WELL) == []
    assert lag.partner_needs("partner.lt-kavkc.main", {"waiting": 79, "limit": 100}) == []
    assert lag.partner_needs("partner.lt-kavkc.main", {"waiting": None, "limit": None}) == []


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"outbox": 7, "oldest_seconds": 61}, "7 events wait in the outbox"),
        ({"outbox": 1, "refused": {"unroutable": 1}}, "1 unroutable"),
        ({"gaps": 2, "gap_seconds": 301}, "2 events wait for one that is missing"),
        ({"parked": 1, "blocked": 4}, "1 parked, 4 wait behind"),
        ({"connected": 0.0}, "does not read events"),
        ({"idle_seconds": 61.0}, "stands still for 61 s"),
        ({"connected": None, "idle_seconds": None}, "does not say"),
        (dict.fromkeys(WELL), "its database does not answer"),
        ({**LOST, "blocked_first": {"source": "access", "subject": "an-id"}}, "--service access --aggregate an-id"),
        ({**LOST, "blocked_first": {"source": "Jonas", "subject": "an-id"}}, "republish --service PUBLISHER"),
        ({**LOST, "blocked": 9}, "9 events wait for 181 s behind one that failed"),
    ],
)
def test_each_trouble_has_one_sentence(figures: dict[str, Any], words: str) -> None:
    (sentence,) = lag.needs_of("groups", {**WELL, **figures})
    assert sentence.startswith("groups: ")
    assert words in sentence


@pytest.mark.parametrize("held", [{"retry": 1}, {"retry": None, "parked": None}, {"blocked_seconds": 179}])
def test_what_is_blocked_by_what_is_still_held_is_no_lost_block(held: dict[str, Any]) -> None:
    assert lag.needs_of("groups", {**WELL, **LOST, **held}) == []


def test_what_waits_for_a_short_while_is_no_trouble() -> None:
    short = {"outbox": 900, "oldest_seconds": 59, "gaps": 5, "gap_seconds": 299, "idle_seconds": 44.0}
    assert lag.needs_of("groups", {**WELL, **short}) == []


@pytest.mark.parametrize(("waiting", "words"), [(80, "will soon be full"), (100, "its oldest events are cut")])
def test_a_partner_that_does_not_read_is_told(waiting: int, words: str) -> None:
    (sentence,) = lag.partner_needs("partner.lt-kavkc.main", {"waiting": waiting, "limit": 100})
    assert words in sentence


def codes_of_the_program() -> set[str]:
    """Every code by which an event is parked, as the chassis writes it."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "chassis").glob("*.py")))
    said = re.findall(r'(?:Unreadable|Unfit)\("([a-z_.]+)"[,)]', text) + re.findall(
        r'park\([^)]*"([a-z_]+\.[a-z_]+)"', text
    )
    return {*said, *re.findall(r'^[A-Z_]+ = "((?:event|tries)\.[a-z_]+)"$', text, re.MULTILINE), "delivery.limit"}


def test_every_reason_is_explained_in_the_program_and_on_the_page() -> None:
    codes = codes_of_the_program()
    assert {"tries.used_up", "event.no_json", "event.wrong_data", "event.sequence_repeated"} <= codes
    assert codes == set(reasons.EXPLANATIONS)
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    for code in codes:
        assert f"`{code}`" in page
        assert reasons.explained(code).meaning.endswith(".")
    assert reasons.explained("a.newer_one") == reasons.UNKNOWN
