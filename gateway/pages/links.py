"""The page behind an institution's one-time link: whoever only looks, a mail scanner above all, changes nothing.

The token stands in the path of the first request alone, which is logged as a template; a form carries it in its body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chassis.errors import Refused
from chassis.http import Request, Response
from gateway.pages import forms, languages, rendering
from gateway.pages.asking import Asking, Said
from gateway.pages.languages import LANGUAGES, N_

RESOLVE = "/referrals/internal/links/resolve"
ANSWER = "/referrals/internal/links/answer"
FIELDS = ("token", "action", "responsible", "next_step_on", "reason", "text")
Page = Callable[[Request, dict[str, Any], str], Response]

URGENCIES = {
    "crisis": N_("Crisis"),
    "urgent": N_("Urgent"),
    "standard": N_("Standard"),
    "planned": N_("Planned"),
}
REASONS = {
    "no_capacity": N_("No capacity now"),
    "service_suspended": N_("The service is suspended"),
    "out_of_area": N_("Outside our area"),
    "wrong_recipient": N_("Wrong recipient"),
    "other": N_("Other reason"),
}
FAULTS = {
    "responsible": N_("Type the name of the worker who takes it on."),
    "next_step_on": N_("Give the day of the next step."),
    "reason": N_("Choose a reason."),
    "text": N_("Explain the other reason."),
}
NOTICES = {
    404: (
        N_("This link does not work"),
        N_("It is too old, or was not copied completely. Ask for a new one, or sign in."),
    ),
    409: (
        N_("This was answered already"),
        N_(
            "Somebody has answered, or it has changed since the link was made. "
            "Nothing was done now. To see how it stands, sign in."
        ),
    ),
    503: (N_("Please try again in a moment"), N_("Nothing was done now.")),
}
REFUSED = (N_("This could not be done"), N_("Open the link again and use the buttons on the page."))
DONE = (N_("Thank you. Your answer was recorded."), N_("You can close this page."))
LATER = frozenset({429, 500, 502, 503, 504})


class View:
    """One page in one language, or in the language that the browser wishes; refusals are pages too."""

    def __init__(self, route: str, page: Page, language: str | None = None) -> None:
        """`route` is what logs call it."""
        self._route = route
        self._page = page
        self._language = language

    def answer(self, request: Request, values: dict[str, Any]) -> Response:
        """Return the page."""
        request.route = self._route
        language = self._language or languages.wished(
            request.head.query, request.head.headers.get("accept-language")
        )  # fmt: skip
        if _only_looks_ahead(request):
            return Response(204, list(rendering.HEADERS[1:]))
        try:
            return self._page(request, values, language)
        except Refused as refused:
            response = notice(refused.status, language)
            wait = getattr(refused, "retry_after", None)
            response.headers.extend([("Retry-After", str(wait))] if wait else [])
            return response


def notice(status: int, language: str) -> Response:
    """A plain page that says what is the matter, and nothing about any case."""
    heading, text = NOTICES.get(503 if status in LATER else status, REFUSED)
    return rendering.page("notice.html", language, status=status, heading=heading, text=text)


class LinkPages:
    """The page of a link, the form on it, and the thanks."""

    def __init__(self, asking: Asking, public_url: str) -> None:
        """`asking` reaches the service of referrals."""
        self._asking = asking
        self._public_url = public_url

    def views(self) -> Iterator[tuple[str, str, View]]:
        """Method, template and view of each."""
        yield "GET", "/l/<string:token>", View("GET /l/<token>", self.show)
        for language in LANGUAGES:
            at = f"/{language}/l"
            yield "GET", f"{at}/<string:token>", View(f"GET {at}/<token>", self.show, language)
            yield "POST", at, View(f"POST {at}", self.press, language)
            yield "GET", f"{at}/done", View(f"GET {at}/done", self.thank, language)

    def show(self, request: Request, values: dict[str, Any], language: str) -> Response:
        """What the link leads to; nothing is done by looking."""
        return self._shown(request, {"token": values["token"]}, language, faults=[])

    def press(self, request: Request, _values: dict[str, Any], language: str) -> Response:
        """Act, because somebody pressed a button; what is missing is said on the same page."""
        form = forms.sent(request, self._public_url)
        body = {name: form[name] for name in FIELDS if name in form}
        said = self._asked(request, ANSWER, body)
        if said.fine:
            return rendering.elsewhere(f"/{language}/l/done")
        faults = _faults(said)
        if not faults:
            return notice(said.status, language)
        return self._shown(request, body, language, faults=faults)

    def thank(self, _request: Request, _values: dict[str, Any], language: str) -> Response:
        """It was done."""
        return rendering.page("notice.html", language, heading=DONE[0], text=DONE[1])

    def _shown(self, request: Request, form: dict[str, str], language: str, *, faults: list[str]) -> Response:
        token = form.get("token", "")
        said = self._asked(request, RESOLVE, {"token": token})
        if not said.fine:
            return notice(404 if said.status == 422 else said.status, language)  # noqa: PLR2004 - no token of ours
        return rendering.page(
            "link.html",
            language,
            status=422 if faults else 200,
            link=said.value,
            form=form,
            faults={name: FAULTS[name] for name in FAULTS if name in faults},
            urgencies=URGENCIES,
            reasons=REASONS,
            address=lambda other: f"/{other}/l/{token}",
        )

    def _asked(self, request: Request, path: str, body: dict[str, str]) -> Said:
        asker = self._asking.admit(request)
        said = self._asking.ask(request, path, body)
        self._asking.note(asker, said.status)
        return said


def _faults(said: Said) -> list[str]:
    """The fields of the form that are missing or wrong."""
    names = [fault["pointer"].strip("/").partition("/")[0] for fault in said.value.get("errors", ())]
    return [name for name in names if name in FAULTS]


def _only_looks_ahead(request: Request) -> bool:
    """HEAD and prefetch get nothing, and nobody is asked."""
    headers = request.head.headers
    purpose = headers.get("sec-purpose", "") + headers.get("purpose", "") + headers.get("x-moz", "")
    return request.method == "HEAD" or "prefetch" in purpose.lower()
