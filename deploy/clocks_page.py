"""The page docs/clocks.md, made from the tables of clocks, tasks and working days."""

from __future__ import annotations

from collections.abc import Iterable

from chassis import working_time
from deploy.catalogue import HEAD
from services.referrals.rules import clock_settings, feedback, tasks
from services.referrals.rules.clock_table import LEGAL, RECALL, TABLE, Row, Span
from services.referrals.rules.codes import URGENCIES
from services.referrals.rules.crisis import LINES

_SPECIAL = {
    RECALL: "1x, 2x, 3x C1 or C5",
    LEGAL: "the last day",
}
_SHORT = {"hours": "h", "working_days": "wd", "days": "d"}


def clocks_page() -> bytes:
    """What each clock waits for, how long, who sees it, what follows."""
    return "\n".join(
        [
            HEAD,
            "# Clocks of a referral\n",
            "A clock is no state. It says what is waited for, whose turn it is and until when; `overdue` and `warning`",
            "(`half`, `four_fifths`, `passed`) are worked out when somebody asks: no process has to run for them.\n",
            "## Figures\n",
            "h: hours, round the clock. wd: working days. d: calendar days; all days end at 18:00 of a working day.\n",
            *_table(("clock", "waits for", "turn", "runs in", "pauses in", *URGENCIES), map(_figures, TABLE)),
            "A service may set figures of its own (`PUT /referrals/clock-settings`, by the receiving lead), from a day",
            "on: clocks that run already keep theirs.\n",
            *_table(("clock", "urgency", "house", "least", "most"), _settable()),
            "## Working days\n",
            *_quoted(working_time.__doc__ or ""),
            *_table(("country", "zone", "crisis line"), ((c, z, LINES[c]) for c, z in working_time.COUNTRIES.items())),
            "## What a sender sees\n",
            "The receiver sees all clocks. A sender has those of whose end he will be told, counted from the steps",
            "that he was told of; a pause that he may not know of does not stop his.\n",
            *_table(("feedback scope", "clocks"), ((s, _seen(s)) for s in feedback.SCOPES)),
            "C8 is his for a pause that he set himself.\n",
            "## What follows\n",
            *_table(
                ("when", "what"),
                (
                    (
                        "C7 once (C1 while it is sent, C5 while a question waits)",
                        "`answer_late` for the unit that is waited for",
                    ),
                    ("C7 twice", "`no_answer` for the sender's lead and the receiver's coordinator"),
                    ("C7 three times", "taken back: `referral.expired` to both, `taken_back` for the sender's unit"),
                    (
                        "C7 once and twice; crisis, ordered, child concern",
                        "`telephone_now` for both leads; never taken back",
                    ),
                    ("C8", "`review_due` for the unit whose turn it is"),
                    ("C9 half, four fifths, end", "`legal_half`, `legal_near`, `legal_passed` for both units"),
                ),
            ),
            "A sweeper does this every minute. It is a safety net: a step or a look after the third time finds the",
            "referral expired all the same. What became pointless, because the answer came, is done by `system`.\n",
            "## Tasks\n",
            *_table(("kind", "what it asks"), ((f"`{kind}`", text) for kind, text in tasks.KINDS.items())),
        ]
    ).encode("utf-8")


def _figures(row: Row) -> tuple[str, ...]:
    ends = [_span(row, row.spans[urgency]) for urgency in URGENCIES]
    states = (", ".join(sorted(row.runs)) if row.code != LEGAL else "every open state", ", ".join(sorted(row.pauses)))
    turn = "either" if row.code in _SPECIAL or row.code == "C8" else row.turn
    return (row.code, row.name, turn, *(each or "-" for each in states), *ends)


def _span(row: Row, span: Span | None) -> str:
    if row.code in _SPECIAL:
        return _SPECIAL[row.code]
    if span is None:
        return "the day given" if row.code == "C8" else "-"
    if not span.from_not_before:
        return f"{span.amount} {_SHORT[span.unit]}"
    return f"not_before + {span.amount} {_SHORT[span.unit]}" if span.amount else "by not_before"


def _settable() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for (code, urgency), span in clock_settings.settable().items():
        least, most = clock_settings.limits(code, urgency)
        found.append((code, urgency, f"{span.amount} {_SHORT[span.unit]}", str(least), str(most)))
    return found


def _seen(scope: str) -> str:
    shown = feedback.VISIBLE[scope]
    rows = [row for row in TABLE if row.ends is not None and row.ends <= shown and _updates(row.code, scope)]
    return ", ".join(row.code for row in rows) or "none"


def _updates(code: str, scope: str) -> bool:
    return code != "C6" or scope != "completion_and_goals"


def _quoted(text: str) -> list[str]:
    return [*text.strip().splitlines(), ""]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]
