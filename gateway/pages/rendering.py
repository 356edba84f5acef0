"""Makes pages of templates: every value escaped, every page with the headers that let a browser do nothing else."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chassis.errors import NotFound
from chassis.http import Request, Response
from gateway.pages import languages

HERE = Path(__file__).parent
STYLE = (HERE / "static" / "style.css").read_bytes()
STYLE_PATH = "/static/style.css"
STYLE_ADDRESS = f"{STYLE_PATH}?v={hashlib.sha256(STYLE).hexdigest()[:12]}"
POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)  # fmt: skip
HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex, nofollow, noarchive"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Vary", "Accept-Language"),
)


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(languages.words(language), newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    environment.filters["day"] = lambda text: languages.day(text, language)
    environment.filters["moment"] = lambda text: languages.moment(text, language)
    return environment


def page(template: str, language: str, *, status: int = 200, **values: Any) -> Response:
    """A page in a language; `address` of the values is a function from a language to the same page in it, or None."""
    known = {
        "language": language,
        "languages": [(each, languages.own_name(each)) for each in languages.LANGUAGES],
        "style": STYLE_ADDRESS,
        "address": None,
    }
    html = _environment(language).get_template(template).render(known | values)
    return Response(status, [*HEADERS, ("Content-Language", language)], html.encode())


def elsewhere(path: str) -> Response:
    """Send the browser on by GET after something was done, so that a reload does it no second time."""
    return Response(303, [*HEADERS[1:], ("Location", path)])


class StaticFile:
    """The one file beside the pages; its address changes with its content."""

    def answer(self, request: Request, values: dict[str, Any]) -> Response:
        """Return it. Raises NotFound."""
        request.route = "GET /static/<name>"
        if values["name"] != "style.css":
            raise NotFound
        headers = [("Content-Type", "text/css; charset=utf-8"), ("Cache-Control", "public, max-age=86400")]
        return Response(200, headers, STYLE)
