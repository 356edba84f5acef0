"""The page behind the mail that asks an organisation whether its entries are right; looking confirms nothing.

The token stands in the path of the first request alone, which is logged as a template; a form carries it in its body.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chassis.http import Request, Response
from gateway.pages import forms, rendering, views
from gateway.pages.asking import Asking
from gateway.pages.languages import LANGUAGES, N_
from gateway.pages.views import View

RESOLVE = "/directory/internal/confirmations/resolve"
ANSWER = "/directory/internal/confirmations/answer"
FIELDS = ("token", "seen", "answer", "text")

KINDS = {
    "organisation": N_("Your organisation"),
    "service": N_("Service"),
}
FAULTS = {
    "seen": N_("Something has changed meanwhile. Please look again."),
    "text": N_("Write in at most 500 characters what is wrong."),
}
NOTICES = {
    404: (
        N_("This link does not work"),
        N_("It is too old, or was not copied completely. To look at your entries, sign in."),
    ),
    409: (
        N_("This was answered already"),
        N_("Somebody has answered. Nothing was done now. To look at your entries, sign in."),
    ),
}


class ConfirmationPages:
    """The page of a link, its two forms, and the thanks."""

    def __init__(self, asking: Asking, public_url: str) -> None:
        """`asking` reaches the directory."""
        self._asking = asking
        self._public_url = public_url

    def views(self) -> Iterator[tuple[str, str, View]]:
        """Method, template and view of each."""
        yield "GET", "/v/<string:token>", View("GET /v/<token>", self.show, NOTICES)
        for language in LANGUAGES:
            at = f"/{language}/v"
            yield "GET", f"{at}/<string:token>", View(f"GET {at}/<token>", self.show, NOTICES, language)
            yield "POST", at, View(f"POST {at}", self.press, NOTICES, language)
            yield "GET", f"{at}/done", View(f"GET {at}/done", self.thank, NOTICES, language)

    def show(self, request: Request, values: dict[str, Any], language: str) -> Response:
        """What the directory says; nothing is confirmed by looking."""
        return self._shown(request, {"token": values["token"]}, language, faults=[])

    def press(self, request: Request, _values: dict[str, Any], language: str) -> Response:
        """Answer, because somebody pressed a button; what is missing is said on the same page."""
        form = forms.sent(request, self._public_url)
        body = {name: form[name] for name in FIELDS if name in form}
        said = views.asked(self._asking, request, ANSWER, body)
        if said.fine:
            return rendering.elsewhere(f"/{language}/v/done")
        faults = views.faults_of(said, FAULTS)
        if not faults:
            return views.notice(said.status, language, NOTICES)
        return self._shown(request, body, language, faults=faults)

    def thank(self, _request: Request, _values: dict[str, Any], language: str) -> Response:
        """It was done."""
        return views.thanks(language)

    def _shown(self, request: Request, form: dict[str, str], language: str, *, faults: list[str]) -> Response:
        token = form.get("token", "")
        said = views.asked(self._asking, request, RESOLVE, {"token": token, "language": language})
        if not said.fine:
            status = 404 if said.status == 422 else said.status  # noqa: PLR2004 - no token of ours
            return views.notice(status, language, NOTICES)
        return rendering.page(
            "confirm.html",
            language,
            status=422 if faults else 200,
            asked=said.value,
            form=form,
            faults={name: FAULTS[name] for name in FAULTS if name in faults},
            kinds=KINDS,
            address=lambda other: f"/{other}/v/{token}",
        )
