"""The specifications as pages, and an installed viewer, which loads nothing from elsewhere."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from chassis.errors import NotFound
from chassis.http import Request, Response

EVENTS = Path(__file__).parent.parent / "asyncapi.json"
VIEWER_PACKAGE = "swagger_ui"
KINDS = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
GUARD = [("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", POLICY), ("Referrer-Policy", "no-referrer")]

DOCS = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tukiverkko API</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="viewer"><noscript>The specification as a file: <a href="/openapi.json">openapi.json</a></noscript></main>
<p style="margin: 2em; font-family: sans-serif">Events for partners: <a href="/asyncapi.json">asyncapi.json</a></p>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
START = b"""SwaggerUIBundle({url: "/openapi.json", dom_id: "#viewer", deepLinking: true, validatorUrl: null});
"""


class Fixed:
    """A page that is the same for everybody until the process ends."""

    def __init__(self, route: str, kind: str, body: bytes) -> None:
        """Keep the bytes."""
        self._route = route
        self._headers = [("Content-Type", kind), ("Cache-Control", "max-age=300"), *GUARD]
        self._body = body

    def answer(self, request: Request, values: dict[str, Any]) -> Response:  # noqa: ARG002 - every endpoint has these
        """Return the page."""
        request.route = self._route
        return Response(200, list(self._headers), self._body)


class ViewerFile:
    """One of the viewer's files; only those listed above are given out."""

    def __init__(self, folder: Path | None) -> None:
        """Read files from the viewer's folder; without one there is no viewer."""
        self._files = {name: folder / name for name in KINDS if folder is not None}

    def answer(self, request: Request, values: dict[str, Any]) -> Response:
        """Return the file. Raises NotFound."""
        request.route = "GET /docs/<name>"
        path = self._files.get(values["name"])
        if path is None:
            raise NotFound
        headers = [("Content-Type", KINDS[path.name]), ("Cache-Control", "max-age=86400"), *GUARD]
        return Response(200, headers, path.read_bytes())


def viewer_folder() -> Path | None:
    """Where the installed viewer keeps its files; found without running the package."""
    found = find_spec(VIEWER_PACKAGE)
    places = found.submodule_search_locations if found is not None else None
    return Path(places[0]) / "static" if places else None


def own_pages(document: Path) -> dict[str, Fixed | ViewerFile]:
    """All pages of the gateway by their template."""
    specification = document.read_bytes() if document.exists() else b'{"openapi":"3.1.0","paths":{}}'
    return {
        "/openapi.json": Fixed("GET /openapi.json", "application/json", specification),
        "/asyncapi.json": Fixed("GET /asyncapi.json", "application/json", EVENTS.read_bytes()),
        "/docs": Fixed("GET /docs", "text/html; charset=utf-8", DOCS),
        "/docs/start.js": Fixed("GET /docs/start.js", "text/javascript; charset=utf-8", START),
        "/docs/<name>": ViewerFile(viewer_folder()),
    }
