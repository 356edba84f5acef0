"""The words of messages: every kind in every language, and in none of them who it is about, or what."""

from __future__ import annotations

import string
import unicodedata

import pytest

from chassis.messages import kinds
from chassis.messages.kinds import KINDS, WRITTEN
from chassis.messages.wording import LANGUAGES, language_of, texts, written

PARAMETERS = {
    "gateway": "https://tukiverkko.example.org", "code": "ABCDEFGHJK", "path": "/l/ABCDEFGHJK", "until": "2026-12-04",
}  # fmt: skip

# Beginnings of words, without marks above or below the letters; in whatever language they stand.
FORBIDDEN = (
    # violence, abuse, crime, and who deals with it
    "violen", "abus", "crim", "offen", "polic", "court", "prison", "probation", "restrain",
    "smurt", "teism", "kalej", "nusikal", "probac", "vardarb", "ties", "ciet", "nozieg",
    "vagival", "politsei", "kohus", "kohtu", "vangla", "kuriteg", "kriminaal", "vakival", "polii", "karaj", "vanki",
    "rikos", "rikol", "vald", "vold", "polis", "politi", "domstol", "fangels", "fengsel", "brott", "forbryt", "straff",
    "насил", "полиц", "суд", "тюрьм", "преступ", "пробац",
    # crisis, illness, help, and what a service is called
    "crisis", "crise", "help", "support", "therap", "treat", "counsel", "program", "group", "centre", "center",
    "service",
    "kriz", "pagalb", "gydym", "konsultac", "grup", "centr", "paslaug", "palidz", "arste", "pakalpoj",
    "kriis", "abi", "ravi", "noustam", "ruhm", "keskus", "teenus", "kriisi", "apu", "hoito", "terapi", "ryhma",
    "palvelu",
    "hjalp", "hjelp", "vard", "behandl", "radgiv", "grupp", "gruppe", "tjanst", "tjeneste",
    "кризис", "помощ", "лечен", "консульт", "групп", "центр", "услуг", "терап",
    # who: man, father, child, partner, client; and what: referral, case
    "man ", "men ", "father", "child", "partner", "wife", "client", "patient", "referr", "case", "suicid",
    "vyr", "tev", "vaik", "sutuokt", "klient", "siuntim", "byl", "viriet", "bern", "nosutij", "lieta",
    "mees", "isa", "laps", "lapse", "suunami", "juhtum", "mies", "miehe", "lahet", "tapaus", "asiaka",
    "mann", "pappa", "far ", "barn", "remiss", "arende", "sak ", "henvis",
    "мужчин", "отец", "ребен", "дет", "клиент", "направлен", "дело",
)  # fmt: skip


def bare(text: str) -> str:
    """Small letters without marks, with a space at both ends."""
    apart = unicodedata.normalize("NFD", text.lower())
    letters = "".join(each for each in apart if not unicodedata.combining(each)).replace("й", "и")
    return " " + "".join(each if each.isalpha() else " " for each in letters) + " "


def named(text: str) -> list[str]:
    """Forbidden words that begin somewhere in a text; those with a space at their end only as whole words."""
    words = bare(text)
    return [word for word in FORBIDDEN if f" {bare(word).strip()}{' ' if word.endswith(' ') else ''}" in words]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", WRITTEN)
def test_every_kind_has_its_words_in_every_language_and_they_say_nothing(code: str, language: str) -> None:
    kind = KINDS[code]
    subject, body = written(kind, language, PARAMETERS)
    assert subject.strip()
    assert body.strip()
    assert "\n" not in subject
    assert len(subject) < 80
    assert not named(f"{subject} {body.replace(PARAMETERS['gateway'], '').replace(PARAMETERS['path'], '')}")
    if kind.audience == kinds.PERSON:
        assert "Tukiverkko" not in subject + body, "a message to a person does not say who we are"
        assert PARAMETERS["gateway"] not in body


def test_all_languages_have_the_same_texts_and_ask_for_the_same_parameters() -> None:
    assert tuple(texts()) == LANGUAGES
    asked = {
        language: {name: {field for _, field, _, _ in string.Formatter().parse(text["body"]) if field}
                   for name, text in found.items()}
        for language, found in texts().items()
    }  # fmt: skip
    for language in LANGUAGES:
        assert asked[language] == asked["en"], language
        assert all("{" not in text["subject"] for text in texts()[language].values())
    assert set(asked["en"]) == {KINDS[code].text for code in WRITTEN}
    assert asked["en"]["confirm"] == {"code"}
    assert {name for name, fields in asked["en"].items() if "gateway" in fields} == {
        "news", "changed", "asked", "reminder", "escalation", "link",
        "directory_confirm", "directory_changing", "directory_changed", "directory_reported",
    }  # fmt: skip
    assert {name for name, fields in asked["en"].items() if "path" in fields} == {
        "link", "directory_confirm", "directory_changed",
    }  # fmt: skip
    assert [name for name, fields in asked["en"].items() if "until" in fields] == ["directory_changing"]


def test_languages_differ() -> None:
    for code in WRITTEN:
        assert len({written(KINDS[code], language, PARAMETERS)[1] for language in LANGUAGES}) == len(LANGUAGES)


def test_the_list_of_forbidden_words_can_fail() -> None:
    for text in ("Your referral was accepted", "Smurtas", "Vägivald", "From the crisis centre", "Poliisi", "Насилие",
                 "Ein Mann, a man came", "Pagalba"):  # fmt: skip
        assert named(text), text


@pytest.mark.parametrize(
    ("tag", "language"),
    [("lt", "lt"), ("lt-LT", "lt"), ("NB", "nb"), ("nn-NO", "nb"), ("no", "nb"), ("de", "en"), ("", "en"), (None, "en"),
     ("ru-Latn", "ru"), ("x", "en")],
)  # fmt: skip
def test_a_language_that_we_lack_is_english(tag: str | None, language: str) -> None:
    assert language_of(tag) == language
