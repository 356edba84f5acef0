"""The headers that keep browsers from doing what nobody wants, on every answer of the gateway."""

from __future__ import annotations

from chassis.settings import Settings

POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
TWO_YEARS = 63_072_000


def guard(settings: Settings) -> dict[str, str]:
    """Name and value of each; HTTPS is asked for only where clients reach us by it (ASVS 5.0, chapter 3.4)."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
    }
    if settings.public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = f"max-age={TWO_YEARS}; includeSubDomains"
    return headers
