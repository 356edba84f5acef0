"""Pages: complete in eight languages, escaped, readable in light and dark, and deaf to foreign forms."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from chassis.errors import Malformed, NotAllowed
from chassis.http import Request
from chassis.http.messages import Head
from gateway.pages import forms, languages, links, rendering, views
from services.referrals.rules import codes
from services.referrals.rules import links as rules

PAGES = rendering.HERE
PUBLIC = "https://example.test"
LINK = {
    "reference": "1A2B3C4D",
    "urgency": "urgent",
    "respond_by": "2027-01-04T12:00:00+02:00",
    "actions": ["acknowledge", "accept", "decline"],
    "reasons": list(links.REASONS),
    "next_step_on": "2027-01-11",
    "expires_at": "2027-01-03T12:00:00+00:00",
}


def texts() -> set[str]:
    """Every text that a page says, as the tools for translation find it."""
    kinds = [("**.py", "python"), ("templates/**.html", "jinja2")]
    words = {"_": None, "gettext": None, "N_": None}
    return {str(found[2]) for found in extract_from_dir(str(PAGES), kinds, {}, keywords=words)}


def html(language: str, **changes: Any) -> str:
    values: dict[str, Any] = {"link": LINK, "form": {"token": "T"}, "faults": {}, **changes}
    shown = {"urgencies": links.URGENCIES, "reasons": links.REASONS, "address": lambda other: f"/{other}/l/T"}
    response = rendering.page("link.html", language, **values, **shown)
    assert isinstance(response.body, bytes)
    return response.body.decode()


def request(body: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named = {"content-type": forms.KIND, "content-length": str(len(body) or 1), **named}
    return Request(Head("POST", "/en/l", "", modern=True, headers=named), lambda _: body.encode(), time.monotonic())


@pytest.mark.parametrize("language", [each for each in languages.LANGUAGES if each != languages.SOURCE])
def test_nothing_is_missing_left_over_or_guessed(language: str) -> None:
    with (languages.FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as source:
        catalogue = read_po(source, locale=language)
    known = {message.id: message for message in catalogue if message.id}
    assert len(texts()) > 40
    assert set(known) == texts()
    for text, message in known.items():
        assert message.string.strip(), text
        assert not message.fuzzy, text
        assert message.string != text or text == "Standard", text
        assert text[-1] not in ".:" or message.string[-1] == text[-1], text
    assert not catalogue.obsolete


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_every_language_has_the_whole_page(language: str) -> None:
    page = html(language)
    assert f'<html lang="{language}">' in page
    assert page.count("<form") == 3
    assert page.count(" hreflang=") == len(languages.LANGUAGES)
    assert "<script" not in page
    assert "style=" not in page
    assert "http" not in page.replace('method="post"', "")
    for name in ("responsible", "next_step_on", "reason", "text"):
        assert f'<label for="{name}">' in page
        assert page.count(f' id="{name}"') == 1


def test_faults_are_told_at_the_top_and_at_the_field() -> None:
    page = html("en", faults={"responsible": links.FAULTS["responsible"]})
    assert page.index('role="alert"') < page.index("<h1>")
    assert '<a href="#responsible">' in page
    assert 'aria-describedby=" responsible-fault" aria-invalid="true"' in page
    assert "<title>Error: " in page


def test_what_somebody_typed_is_shown_as_text() -> None:
    page = html("en", form={"token": "T", "responsible": '"><script>alert(1)</script>'})
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_page_and_the_service_know_the_same_codes() -> None:
    assert tuple(links.REASONS) == rules.REASONS
    assert set(links.URGENCIES) == set(codes.URGENCIES)
    assert set(rules.REASONS) <= set(codes.DECLINE_REASONS)


def test_the_headers_let_a_browser_do_nothing_else() -> None:
    headers = dict(views.notice(404, "en", links.NOTICES).headers)
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "script" not in headers["Content-Security-Policy"]
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", None, "en"),
        ("lang=lt", "fi", "lt"),
        ("lang=xx", "fi-FI,fi;q=0.9,en;q=0.5", "fi"),
        ("", "de, no;q=0.8, lv;q=0.9", "lv"),
        ("", "no", "nb"),
        ("", "en;q=0.1, ru;q=oops, et;q=0.5", "et"),
        ("lang=" + "x" * 5000, "sv", "sv"),
        ("", "lt;q=0", "en"),
    ],
)
def test_the_language_that_somebody_wishes(query: str, accepted: str | None, language: str) -> None:
    assert languages.wished(query, accepted) == language


def test_a_form_of_ours_is_read() -> None:
    found = forms.sent(
        request("token=abc&text=++a%0D%0Ab+&empty=", origin=PUBLIC, sec_fetch_site="same-origin"), PUBLIC
    )
    assert found == {"token": "abc", "text": "a\nb"}
    assert forms.sent(request("token=abc", origin="null"), PUBLIC) == {"token": "abc"}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.test"},
        {"origin": PUBLIC + ".elsewhere.test"},
        {"origin": "null", "sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
    ],
)
def test_a_foreign_form_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(NotAllowed):
        forms.sent(request("token=abc", **headers), PUBLIC)


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data; boundary=x", ""])
def test_only_the_one_kind_of_form(kind: str) -> None:
    with pytest.raises(Malformed):
        forms.sent(request("token=abc", content_type=kind), PUBLIC)


@pytest.mark.parametrize("body", ["a=%ff", "&".join(f"a{number}=1" for number in range(50))])
def test_what_no_form_of_ours_sends_is_refused(body: str) -> None:
    with pytest.raises(Malformed):
        forms.sent(request(body), PUBLIC)


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_contrast_is_enough(*, dark: bool) -> None:
    """WCAG 2.2: 4.5 for text, 3 for the borders of fields and for the focus."""
    plain, _, rest = rendering.STYLE.decode().partition("@media (prefers-color-scheme: dark)")
    found = colours(rest if dark else plain)
    for ground in ("ground", "surface"):
        for ink in ("ink", "ink-soft", "accent", "accent-deep", "wrong"):
            assert contrast(found[ink], found[ground]) >= 4.5, (ink, ground)
        for edge in ("line", "focus"):
            assert contrast(found[edge], found[ground]) >= 3, (edge, ground)
    assert contrast(found["on-accent"], found["accent"]) >= 4.5
