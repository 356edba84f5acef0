"""The person's copy: every language says everything, and nothing of anybody else stands in it."""

from __future__ import annotations

import datetime as dt
import html
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from services.referrals.rules import copying
from services.referrals.rules.feedback import SCOPES
from services.referrals.rules.reasons import LANGUAGES

SENT = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
SHOWN: dict[str, Any] = {
    "person": {"name": "Demo <Pavyzdys> & Co", "birth_year": 1985},
    "contact": {"channel": "phone", "value": "+37060000000", "safe": "yes"},
    "contact_via": None,
    "role": "used_violence",
    "needs": ["violence_own_use"],
    "reason": "Kanarėlė: his wife Ona Pavyzdė called.",
    "ordered": False,
    "order_reference": None,
    "desired_outcomes": [],
    "feedback_scope": "attendance",
    "sent_at": SENT,
}


def facts(language: str = "en", *, demo: bool = True, **changes: Any) -> copying.Facts:
    shown = {**SHOWN, **changes}
    return copying.Facts(shown=shown, sender="Police", receiver="Centre", language=language, demo=demo, now=SENT)


def lines(made: dict[str, Any]) -> list[str]:
    return [line for part in made["parts"] for line in part["lines"]]


def test_no_text_lacks_a_language_and_no_scope_a_text() -> None:
    assert copying.missing() == []
    for key, said in copying.TEXTS.items():
        for language, text in said.items():
            assert text == text.strip(), key
            assert bool(re.search("[\u0400-\u04ff]", text)) == (language == "ru"), (key, language)
    for language in LANGUAGES:
        scopes = {copying.TEXTS[f"scope_{scope}"][language] for scope in SCOPES}
        assert len(scopes) == len(SCOPES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scope", SCOPES)
def test_the_sheet_says_what_the_sender_hears_in_the_persons_language(language: str, scope: str) -> None:
    made = copying.sheet(facts(language, feedback_scope=scope))
    said = copying.TEXTS
    assert said[f"scope_{scope}"][language] in lines(made)
    assert said["never"][language] in lines(made)
    assert (said["until"][language] in lines(made)) == (scope not in {"none", "received_only"})
    assert made["demo"] == said["demo"][language]
    assert said["right_complain"][language] in lines(made)


def test_neither_free_text_nor_a_contact_is_printed() -> None:
    text = str(copying.sheet(facts(desired_outcomes=["Leaves quarrels"], order_reference="N-77")))
    for never in ("Ona", "Kanar", "+370", "quarrels", "N-77", "violence"):
        assert never not in text
    assert "The reason, in the worker's words" in text


def test_what_is_shared_is_what_is_there() -> None:
    bare = copying.sheet(facts(contact=None, contact_via=None, needs=[], reason=None))
    shared = next(part["lines"] for part in bare["parts"] if part["heading"] == "What the receiver is given")
    assert shared[:-1] == ["Your name and year of birth", "Your part in what happened"]
    via = copying.sheet(facts(contact=None, contact_via="referrer"))
    assert "How you can be reached" in lines(via)


@pytest.mark.parametrize("kind", [*copying.BASES, "never_heard_of", None])
def test_the_kind_of_the_legal_basis_is_named_and_consent_can_be_withdrawn(kind: str | None) -> None:
    made = lines(copying.sheet(facts(legal_basis={"kind": kind})))
    known = kind if kind in copying.BASES else "unstated"
    assert copying.TEXTS[f"basis_{known}"]["en"] in made
    assert (copying.TEXTS["right_withdraw"]["en"] in made) == (kind == "consent")


def test_ordered_and_voluntary_are_told_apart() -> None:
    assert "Taking part is voluntary." in lines(copying.sheet(facts()))
    assert "An authority ordered you to take part." in lines(copying.sheet(facts(ordered=True)))


class Tags(HTMLParser):
    """What a browser makes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag; none may lead anywhere."""
        assert not {name for name, _ in attrs} & {"src", "href", "action", "onload", "style"}
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Keep what is read."""
        self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_holds_the_same_without_script_and_fetches_nothing(language: str) -> None:
    made = copying.sheet(facts(language))
    page = copying.page(made).decode("utf-8")
    read = Tags()
    read.feed(page)
    assert set(read.tags) <= {"html", "head", "meta", "title", "style", "body", "h1", "h2", "ul", "li", "p"}
    for line in lines(made):
        assert line in read.text
    assert "<Pavyzdys>" not in page
    assert html.escape("<Pavyzdys>") in page
    assert f'lang="{language}"' in page


def test_only_a_demo_is_marked_as_one() -> None:
    assert copying.sheet(facts(demo=False))["demo"] is None
    assert "DEMO" not in copying.page(copying.sheet(facts(demo=False))).decode()
    assert "DEMO" in copying.page(copying.sheet(facts())).decode()


def test_an_organisation_is_called_in_the_language_or_in_english_or_by_its_key() -> None:
    names = {"lt": "Policija", "en": "Police"}
    assert copying.name_of(names, "lt-police", "lt") == "Policija"
    assert copying.name_of(names, "lt-police", "fi") == "Police"
    assert copying.name_of({"lt": "Policija"}, "lt-police", "fi") == "Policija"
    assert copying.name_of({}, "lt-police", "fi") == "lt-police"
    assert copying.name_of(None, None, "fi") == "-"
