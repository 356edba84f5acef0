"""The page behind an institution's one-time link: whoever only looks, a mail scanner above all, changes nothing.

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

RESOLVE = "/referrals/internal/links/resolve"
ANSWER = "/referrals/internal/links/answer"
FIELDS = ("token", "action", "responsible", "next_step_on", "reason", "text")

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
}


class LinkPages:
    """The page of a link, the form on it, and the thanks."""

    def __init__(self, asking: Asking, public_url: str) -> None:
        """`asking` reaches the service of referrals."""
        self._asking = asking
        self._public_url = public_url

    def views(self) -> Iterator[tuple[str, str, View]]:
        """Method, template and view of each."""
        yield "GET", "/l/<string:token>", View("GET /l/<token>", self.show, NOTICES)
        for language in LANGUAGES:
            at = f"/{language}/l"
            yield "GET", f"{at}/<string:token>", View(f"GET {at}/<token>", self.show, NOTICES, language)
            yield "POST", at, View(f"POST {at}", self.press, NOTICES, language)
            yield "GET", f"{at}/done", View(f"GET {at}/done", self.thank, NOTICES, language)

    def show(self, request: Request, values: dict[str, Any], language: str) -> Response:
        """What the link leads to; nothing is done by looking."""
        return self._shown(request, {"token": values["token"]}, language, faults=[])

    def press(self, request: Request, _values: dict[str, Any], language: str) -> Response:
        """Act, because somebody pressed a button; what is missing is said on the same page."""
        form = forms.sent(request, self._public_url)
        body = {name: form[name] for name in FIELDS if name in form}
        said = views.asked(self._asking, request, ANSWER, body)
        if said.fine:
            return rendering.elsewhere(f"/{language}/l/done")
        faults = views.faults_of(said, FAULTS)
        if not faults:
            return views.notice(said.status, language, NOTICES)
        return self._shown(request, body, language, faults=faults)

    def thank(self, _request: Request, _values: dict[str, Any], language: str) -> Response:
        """It was done."""
        return views.thanks(language)

    def _shown(self, request: Request, form: dict[str, str], language: str, *, faults: list[str]) -> Response:
        token = form.get("token", "")
        said = views.asked(self._asking, request, RESOLVE, {"token": token})
        if not said.fine:
            status = 404 if said.status == 422 else said.status  # noqa: PLR2004 - no token of ours
            return views.notice(status, language, NOTICES)
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
