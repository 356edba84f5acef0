"""The page that asks an organisation about its entries, before a stub of the directory: only a press is an answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from chassis.errors import Unavailable
from chassis.http import Request, Response
from chassis.http.messages import Head
from chassis.http.table import Table
from gateway.pages import confirmations, forms, languages
from gateway.pages.asking import Said
from gateway.pages.confirmations import ANSWER, RESOLVE, ConfirmationPages
from gateway.pages.views import View

PUBLIC = "https://example.test"
TOKEN = "T" * 43
MISSING = Said(422, {"code": "request.invalid", "errors": [{"pointer": "/text", "code": "required"}]})
ASKED = {
    "organisation": "Demo centras „Aušra“",
    "entries": [
        {"kind": "organisation", "name": "Demo centras „Aušra“", "lines": ["+370 5 000 0000", "ausra@example.test"]},
        {"kind": "service", "name": "Pokalbiai <b>vyrams</b>", "lines": ["I-V 9:00-17:00", "Pavyzdžio g. 1, Vilnius"]},
        {"kind": "service", "name": "Linija", "lines": []},
    ],
    "seen": "5ee",
    "asked_on": "2026-11-27",
    "expires_at": "2026-12-27T10:00:00+02:00",
}


@dataclass
class Directory:
    """Answers as the directory does, and remembers what it was asked."""

    resolved: Said = field(default_factory=lambda: Said(200, ASKED))
    answered: Said = field(default_factory=lambda: Said(200, {"answer": "correct"}))
    away: bool = False
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    noted: list[int] = field(default_factory=list)

    def admit(self, _request: Request) -> tuple[str, ...]:
        return ("network", "198.51.100.0/24")

    def note(self, _asker: tuple[str, ...], status: int) -> None:
        self.noted.append(status)

    def ask(self, _request: Request, path: str, body: dict[str, Any]) -> Said:
        if self.away:
            raise Unavailable("service.unavailable", "Away.", retry_after=2)
        self.asked.append((path, body))
        return self.resolved if path == RESOLVE else self.answered

    @property
    def changed(self) -> list[dict[str, Any]]:
        return [body for path, body in self.asked if path == ANSWER]


def go(directory: Directory, method: str, path: str, /, *, headers: dict[str, str] | None = None, **form: str) -> Any:
    """A request as the gateway's door finds its page."""
    table: Table[View] = Table()
    for known, template, view in ConfirmationPages(directory, PUBLIC).views():  # type: ignore[arg-type]  # a stub
        table.add(known, template, view)
    target, values = table.find(method, path)
    body = urlencode(form).encode()
    sent = {"content-type": forms.KIND, "content-length": str(len(body)), **(headers or {})}
    request = Request(Head(method, path, "", modern=True, headers=sent), lambda _: body, time.monotonic())
    response = target.answer(request, values)
    assert TOKEN not in request.route
    return response


def html(response: Response) -> str:
    assert isinstance(response.body, bytes)
    return response.body.decode()


def press(directory: Directory, language: str = "en", **form: str) -> Any:
    return go(directory, "POST", f"/{language}/v", token=TOKEN, **form)


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_every_language_has_the_whole_page(language: str) -> None:
    directory = Directory()
    response = go(directory, "GET", f"/{language}/v/{TOKEN}")
    page = html(response)
    assert response.status == 200
    assert f'<html lang="{language}">' in page
    assert page.count("<form") == page.count(f' method="post" action="/{language}/v"') == 2
    assert page.count(f'<input type="hidden" name="token" value="{TOKEN}">') == 2
    assert page.count('<input type="hidden" name="seen" value="5ee">') == 2
    assert page.count(" hreflang=") == len(languages.LANGUAGES)
    assert page.count("<h1>") == 1
    assert page.count('<label for="text">') == page.count(' id="text"') == page.count(' id="text-hint"') == 1
    assert 'aria-describedby="text-hint"' in page
    assert 'maxlength="500"' in page
    for shown in ("Demo centras „Aušra“", "+370 5 000 0000", "I-V 9:00-17:00", "Pavyzdžio g. 1, Vilnius", "Linija"):
        assert shown in page
    assert "Pokalbiai &lt;b&gt;vyrams&lt;/b&gt;" in page
    for never in ("<script", "style=", "http:", "https:"):
        assert never not in page
    headers = dict(response.headers)
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "script" not in headers["Content-Security-Policy"]


def test_the_first_page_is_in_the_language_that_the_browser_wishes() -> None:
    page = html(go(Directory(), "GET", f"/v/{TOKEN}", headers={"accept-language": "lt, en;q=0.5"}))
    assert '<html lang="lt">' in page
    assert "2026 m. lapkričio 27 d." in page
    assert 'action="/lt/v"' in page


def test_looking_changes_nothing() -> None:
    directory = Directory()
    for language in languages.LANGUAGES:
        go(directory, "GET", f"/{language}/v/{TOKEN}")
        go(directory, "GET", f"/{language}/v/done")
    assert {path for path, _ in directory.asked} == {RESOLVE}
    assert directory.noted == [200] * len(languages.LANGUAGES)


@pytest.mark.parametrize(
    ("method", "headers"), [("HEAD", {}), ("GET", {"sec-purpose": "prefetch"}), ("GET", {"purpose": "prefetch"})]
)
def test_looking_ahead_does_not_even_ask(method: str, headers: dict[str, str]) -> None:
    directory = Directory()
    assert go(directory, method, f"/v/{TOKEN}", headers=headers).status == 204
    assert not directory.asked


@pytest.mark.parametrize("language", languages.LANGUAGES)
@pytest.mark.parametrize("form", [{"answer": "correct"}, {"answer": "wrong", "text": "Telefonas\nkitas"}])
def test_a_press_answers_and_the_token_stays_behind(form: dict[str, str], language: str) -> None:
    directory = Directory()
    response = press(directory, language, **form, further="never sent on")
    assert response.status == 303
    assert dict(response.headers)["Location"] == f"/{language}/v/done"
    assert directory.changed == [{"token": TOKEN, **form}]
    done = go(directory, "GET", f"/{language}/v/done")
    assert done.status == 200
    assert f'<html lang="{language}">' in html(done)
    assert TOKEN not in html(done)


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_wrong_without_a_word_is_told_at_the_top_and_at_the_field(language: str) -> None:
    directory = Directory(answered=MISSING)
    response = press(directory, language, answer="wrong", text=" \r\n ")
    page = html(response)
    assert response.status == 422
    assert directory.changed == [{"token": TOKEN, "answer": "wrong"}]
    assert page.index('role="alert"') < page.index("<h1>")
    assert '<a href="#text">' in page
    assert 'aria-describedby="text-hint text-fault" aria-invalid="true"' in page
    assert page.count(languages.words(language).gettext(confirmations.FAULTS["text"])) == 2


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_what_has_changed_meanwhile_is_shown_again(language: str) -> None:
    changed = Said(422, {"code": "confirmation.not_fit", "errors": [{"pointer": "/seen", "code": "changed"}]})
    response = press(Directory(answered=changed), language, answer="correct", seen="01d")
    assert response.status == 422
    assert 'href="#seen"' in html(response)
    assert 'name="seen" value="5ee"' in html(response)


def test_what_somebody_typed_is_kept_and_shown_as_text() -> None:
    page = html(press(Directory(answered=MISSING), answer="wrong", text="</textarea><script>alert(1)</script>"))
    assert "<script" not in page
    assert "&lt;/textarea&gt;&lt;script&gt;" in page


@pytest.mark.parametrize("language", languages.LANGUAGES)
@pytest.mark.parametrize(("status", "shown"), [(404, 404), (409, 409), (422, 404)])
def test_a_link_that_leads_nowhere_says_so(status: int, shown: int, language: str) -> None:
    directory = Directory(resolved=Said(status, {}))
    response = go(directory, "GET", f"/{language}/v/{TOKEN}")
    assert response.status == shown
    for words in confirmations.NOTICES[shown]:
        assert languages.words(language).gettext(words) in html(response)
    assert TOKEN not in html(response)
    assert directory.noted == [status]


@pytest.mark.parametrize(
    ("status", "heading"), [(404, "does not work"), (409, "answered already"), (422, "not be done")]
)
def test_a_press_that_comes_too_late_says_so(status: int, heading: str) -> None:
    response = press(Directory(answered=Said(status, {})), answer="correct")
    assert response.status == status
    assert heading in html(response)


def test_a_directory_that_is_away_is_asked_again_later() -> None:
    for response in (go(Directory(away=True), "GET", f"/v/{TOKEN}"), press(Directory(away=True), answer="correct")):
        assert response.status == 503
        assert dict(response.headers)["Retry-After"] == "2"
        assert "Nothing was done now." in html(response)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.test"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"content-type": "text/plain"},
    ],
)
def test_a_foreign_form_is_refused(headers: dict[str, str]) -> None:
    directory = Directory()
    response = go(directory, "POST", "/en/v", headers=headers, token=TOKEN, answer="correct")
    assert response.status in {400, 403}
    assert not directory.asked
