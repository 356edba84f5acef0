"""The person's copy: who is told what and for what, in plain words of his language; never anybody's free text."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.referrals.rules.feedback import NONE, RECEIVED_ONLY, SCOPES
from services.referrals.rules.reasons import LANGUAGES

TEXTS: Mapping[str, Mapping[str, str]] = json.loads(
    Path(__file__).with_name("copy_texts.json").read_text(encoding="utf-8")
)
SHARED = ("person", "contact", "role", "needs", "reason", "order_reference", "desired_outcomes")
"""What a receiver may hold about the person, in the order of the sheet; the words themselves are not printed."""

BASES = tuple(key.removeprefix("basis_") for key in TEXTS if key.startswith("basis_"))

STYLE = (
    "body{font:12pt/1.45 sans-serif;max-width:38em;margin:2em auto;padding:0 1em;color:#111;background:#fff}"
    "h1{font-size:1.5em}h2{font-size:1.1em;margin:1.2em 0 .2em}ul{margin:.2em 0;padding-left:1.2em}p{margin:.2em 0}"
    ".demo{border:2px solid;padding:.4em;font-weight:bold}@media print{body{margin:0 auto}}"
)
POLICY = f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""Nothing is fetched, and nothing runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the sheet is made of: the referral as its reader sees it, the names of both parties, and where it stands."""

    shown: Mapping[str, Any]
    sender: str
    receiver: str
    language: str
    demo: bool
    now: dt.datetime


def sheet(facts: Facts) -> dict[str, Any]:
    """The copy as parts of heading and lines."""
    parts = [{"heading": heading, "lines": lines} for heading, lines in _parts(facts)]
    demo = TEXTS["demo"][facts.language] if facts.demo else None
    return {"lang": facts.language, "title": TEXTS["title"][facts.language], "demo": demo, "parts": parts}


def page(copy: Mapping[str, Any]) -> bytes:
    """The same as one page to be printed: no script, nothing from elsewhere."""
    title = html.escape(copy["title"])
    demo = f'<p class="demo">{html.escape(copy["demo"])}</p>' if copy["demo"] else ""
    body = "".join(_section(part) for part in copy["parts"])
    return (
        f'<!doctype html><html lang="{copy["lang"]}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="robots" content="noindex"><style>{STYLE}</style></head>'
        f"<body>{demo}<h1>{title}</h1>{body}</body></html>\n"
    ).encode()


def name_of(names: Mapping[str, str] | None, key: str | None, language: str) -> str:
    """What an organisation is called: in this language, in English, in any, or by its key."""
    known = names or {}
    return known.get(language) or known.get("en") or next(iter(known.values()), None) or key or "-"


def _parts(facts: Facts) -> Iterator[tuple[str | None, list[str]]]:
    shown = facts.shown

    def said(key: str) -> str:
        return TEXTS[key][facts.language]

    yield said("person"), [_person(shown["person"])]
    yield said("sender"), [facts.sender]
    yield said("receiver"), [facts.receiver]
    yield said("sent_on"), [shown["sent_at"].date().isoformat()] if shown["sent_at"] else ["-"]
    yield said("shared"), [*(said(f"shared_{name}") for name in _shared(shown)), said("nobody_else")]
    yield said("purpose"), [said("purpose_text"), said("ordered" if shown.get("ordered") else "voluntary")]
    yield said("basis"), [said(f"basis_{_basis(shown)}")]
    yield said("feedback"), [said(key) for key in _feedback(shown["feedback_scope"])]
    yield said("rights"), [said(key) for key in _rights(shown)]
    yield None, [said("keep"), f"{said('printed_on')}: {facts.now.date().isoformat()}"]


def _person(person: Mapping[str, Any]) -> str:
    """Name and year of birth; a police message says no year."""
    return ", ".join(str(person[name]) for name in ("name", "birth_year") if person.get(name) is not None)


def _shared(shown: Mapping[str, Any]) -> list[str]:
    there = {name for name in SHARED if shown.get(name)} | ({"contact"} if shown.get("contact_via") else set())
    return [name for name in SHARED if name in there]


def _basis(shown: Mapping[str, Any]) -> str:
    kind = (shown.get("legal_basis") or {}).get("kind")
    return kind if kind in BASES else "unstated"


def _feedback(scope: str) -> list[str]:
    until = [] if scope in {NONE, RECEIVED_ONLY} else ["until"]
    return [f"scope_{scope}", *until, "never"]


def _rights(shown: Mapping[str, Any]) -> list[str]:
    withdraw = ["right_withdraw"] if _basis(shown) == "consent" else []
    return ["right_see", "right_correct", "right_object", *withdraw, "right_complain", "whom"]


def _section(part: Mapping[str, Any]) -> str:
    lines = [html.escape(line) for line in part["lines"]]
    if part["heading"] is None:
        return "".join(f"<p>{line}</p>" for line in lines)
    return f"<h2>{html.escape(part['heading'])}</h2><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def missing() -> list[str]:
    """Texts that lack a language or a scope that lacks its text; none, as a test holds."""
    wanted = {f"scope_{scope}" for scope in SCOPES} | {f"shared_{name}" for name in SHARED}
    return [*sorted(wanted - set(TEXTS)), *(key for key, said in TEXTS.items() if tuple(said) != LANGUAGES)]
