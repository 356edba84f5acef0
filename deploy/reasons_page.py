"""The page docs/reasons.md, made from the reason codes."""

from __future__ import annotations

from deploy.catalogue import HEAD
from services.referrals.rules.reasons import LANGUAGES, LISTS, REASONS, Reason

INTRODUCTION = """\
The same as `GET /referrals/reason-codes?list=&lang=&on=` answers, without a token. A code counts from its first to its
last day; one that was retired is refused in new steps (422 `reason.not_in_force`, with those in force) and keeps its
label in old records. *Attributed to*: whose doing it is. *What helps*: a hint for the sender. *Told outside*: what the
sender, events and reports read in its place.
"""
WHERE = {
    "decline": "`POST /referrals/{id}/decline`, `reason`",
    "forward": "`POST /referrals/{id}/forward`, `reason`",
    "withdraw": "`POST /referrals/{id}/withdraw`, `reason`",
    "end": "`POST /referrals/{id}/end`, `reason`",
    "hold": "`POST /referrals/{id}/hold`, `reason`",
    "drop_out": "`POST /referrals/{id}/drop-out`, `reason`",
    "outcome": "`POST /referrals/{id}/complete`, `outcome`",
    "goal_level": "`POST /referrals/{id}/complete`, `goals[].level`",
    "concern_outcome": "`POST /referrals/{id}/close_concern`, `outcome`",
    "attempt": "`POST /referrals/{id}/contact-attempts`, `outcome`",
    "attendance": "`POST /referrals/{id}/sessions`, `attended`",
    "outward": "Never given, only told: the outside form of the codes that are nobody else's business.",
}


def reasons_page() -> bytes:
    """docs/reasons.md: every code of every list, with its labels."""
    parts = [HEAD, "# Reason codes\n", INTRODUCTION]
    for name in LISTS:
        rows = [reason for reason in REASONS if reason.list == name]
        parts += [f"## {name}\n", f"{WHERE[name]}\n", *_facts(rows), *_labels(rows)]
    return "\n".join(parts).encode("utf-8")


def _facts(rows: list[Reason]) -> list[str]:
    head = ("code", "attributed to", "what helps", "told outside", "from", "to")
    return _table(head, [_fact(reason) for reason in rows])


def _fact(reason: Reason) -> tuple[str, ...]:
    outward = "the code" if reason.outward == reason.code else f"`{reason.outward}`"
    until = reason.effective_to.isoformat() if reason.effective_to else ""
    return (
        f"`{reason.code}`",
        reason.attribution or "",
        reason.redirect or "",
        outward,
        reason.effective_from.isoformat(),
        until,
    )


def _labels(rows: list[Reason]) -> list[str]:
    head = ("code", *LANGUAGES)
    return _table(head, [(f"`{reason.code}`", *(reason.labels[language] for language in LANGUAGES)) for reason in rows])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]
