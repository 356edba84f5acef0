"""What the pages behind one-time links share: a view in one language, notices instead of refusals, and the asking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chassis.errors import Refused
from chassis.http import Request, Response
from gateway.pages import languages, rendering
from gateway.pages.asking import Asking, Said
from gateway.pages.languages import N_

Page = Callable[[Request, dict[str, Any], str], Response]
Words = tuple[str, str]
"""The heading and the text of a notice."""

LATER = frozenset({429, 500, 502, 503, 504})
BUSY = (N_("Please try again in a moment"), N_("Nothing was done now."))
REFUSED = (N_("This could not be done"), N_("Open the link again and use the buttons on the page."))
DONE = (N_("Thank you. Your answer was recorded."), N_("You can close this page."))


class View:
    """One page in one language, or in the language that the browser wishes; refusals are pages too."""

    def __init__(self, route: str, page: Page, notices: Mapping[int, Words], language: str | None = None) -> None:
        """`route` is what logs call it; `notices` are its words for refusals."""
        self._route = route
        self._page = page
        self._notices = notices
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
            response = notice(refused.status, language, self._notices)
            wait = getattr(refused, "retry_after", None)
            response.headers.extend([("Retry-After", str(wait))] if wait else [])
            return response


def notice(status: int, language: str, notices: Mapping[int, Words]) -> Response:
    """A plain page that says what is the matter, and nothing about any case."""
    heading, text = BUSY if status in LATER else notices.get(status, REFUSED)
    return rendering.page("notice.html", language, status=status, heading=heading, text=text)


def thanks(language: str) -> Response:
    """The page after something was done."""
    return rendering.page("notice.html", language, heading=DONE[0], text=DONE[1])


def asked(asking: Asking, request: Request, path: str, body: dict[str, Any]) -> Said:
    """What a service says, counted as a request of the network that asked. Raises TooManyRequests, Unavailable."""
    asker = asking.admit(request)
    said = asking.ask(request, path, body)
    asking.note(asker, said.status)
    return said


def faults_of(said: Said, known: Mapping[str, str]) -> list[str]:
    """The fields of a form that are missing or wrong, of those that have words for it."""
    names = [fault["pointer"].strip("/").partition("/")[0] for fault in said.value.get("errors", ())]
    return [name for name in names if name in known]


def _only_looks_ahead(request: Request) -> bool:
    """HEAD and prefetch get nothing, and nobody is asked."""
    headers = request.head.headers
    purpose = headers.get("sec-purpose", "") + headers.get("purpose", "") + headers.get("x-moz", "")
    return request.method == "HEAD" or "prefetch" in purpose.lower()
