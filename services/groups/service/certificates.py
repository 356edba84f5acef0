"""The routes of certificates."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups.schemas import certificates as shapes
from services.groups.schemas.parts import Nothing
from services.groups.service.staff import SIGN_UP
from services.groups.usecases import certificates


class Certificates:
    """A certificate: issued, read, printed, verified."""

    db: Database

    @route(
        "POST",
        f"{SIGN_UP}/certificate",
        operation="certificate.issue",
        body=Nothing,
        answers=shapes.CertificateView,
        changes=True,
        example={},
        summary="Issue a man's certificate: programme, dates, counts, decision, reference, and nothing else",
    )
    def issue_certificate(self, call: Call) -> Outcome:
        """Issue a certificate."""
        return certificates.issue(self.db, call)

    @route(
        "GET",
        f"{SIGN_UP}/certificate",
        operation="certificate.read",
        answers=shapes.CertificateView,
        summary="A man's certificate, signed",
    )
    def certificate(self, call: Call) -> Outcome:
        """Show a certificate."""
        return certificates.read(self.db, call)

    @route(
        "GET",
        f"{SIGN_UP}/certificate/print",
        operation="certificate.read",
        query=shapes.PrintQuery,
        raw=True,
        gives="application/pdf",
        summary="A man's certificate as a page to print",
    )
    def print_certificate(self, call: Call) -> bytes:
        """Print a certificate."""
        return certificates.printed(self.db, call)

    @route(
        "GET",
        "/groups/certificate-keys",
        operation="certificate.keys",
        public=True,
        answers=shapes.CertificateKey,
        many=True,
        summary="The public keys by which certificates are verified",
    )
    def certificate_keys(self, call: Call) -> Outcome:  # noqa: ARG002 - a route is given its call
        """List the keys."""
        return certificates.keys(self.db)
