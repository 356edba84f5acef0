"""The routes of HSDS 3.0, exactly as its OpenAPI names them (directory.md section 3)."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.directory.schemas import hsds as shapes
from services.directory.usecases import hsds

HSDS = "/hsds"


class Hsds:
    """The public feed in the words of the field's standard."""

    db: Database

    @route(
        "GET",
        HSDS,
        operation="hsds.about",
        public=True,
        raw=True,
        summary="HSDS: which version this is",
    )
    def hsds_about(self, call: Call) -> Outcome:  # noqa: ARG002 - a route is given its call
        """HSDS: which version this is."""
        return hsds.about(self.db)

    @route(
        "GET",
        f"{HSDS}/",
        operation="hsds.about",
        public=True,
        raw=True,
        summary="HSDS: the same under the address that the standard names",
    )
    def hsds_root(self, call: Call) -> Outcome:  # noqa: ARG002 - a route is given its call
        """Say which version this is."""
        return hsds.about(self.db)

    @route(
        "GET",
        f"{HSDS}/profile",
        operation="hsds.profile",
        public=True,
        raw=True,
        summary="HSDS: what we do where it leaves a choice, and our taxonomies",
    )
    def hsds_profile(self, call: Call) -> Outcome:  # noqa: ARG002 - a route is given its call
        """HSDS: what we do where it leaves a choice, and our taxonomies."""
        return hsds.profile(self.db)

    @route(
        "GET",
        f"{HSDS}/services",
        operation="hsds.services",
        public=True,
        query=shapes.ServicesQuery,
        raw=True,
        summary="HSDS: a page of services; all filters must hold",
    )
    def hsds_services(self, call: Call) -> Outcome:
        """HSDS: a page of services; all filters must hold."""
        return hsds.services(self.db, call)

    @route(
        "GET",
        f"{HSDS}/services/<uuid:id>",
        operation="hsds.service",
        public=True,
        raw=True,
        summary="HSDS: one service with all that hangs on it",
    )
    def hsds_service(self, call: Call) -> Outcome:
        """HSDS: one service with all that hangs on it."""
        return hsds.service(self.db, call)

    @route(
        "GET",
        f"{HSDS}/organizations",
        operation="hsds.organizations",
        public=True,
        query=shapes.OrganizationsQuery,
        raw=True,
        summary="HSDS: a page of organisations",
    )
    def hsds_organizations(self, call: Call) -> Outcome:
        """HSDS: a page of organisations."""
        return hsds.organizations(self.db, call)

    @route(
        "GET",
        f"{HSDS}/organizations/<uuid:id>",
        operation="hsds.organization",
        public=True,
        query=shapes.OrganizationQuery,
        raw=True,
        summary="HSDS: one organisation with all that hangs on it",
    )
    def hsds_organization(self, call: Call) -> Outcome:
        """HSDS: one organisation with all that hangs on it."""
        return hsds.organization(self.db, call)

    @route(
        "GET",
        f"{HSDS}/service_at_locations",
        operation="hsds.service_at_locations",
        public=True,
        query=shapes.ServiceAtLocationsQuery,
        raw=True,
        summary="HSDS: a page of services at places",
    )
    def hsds_service_at_locations(self, call: Call) -> Outcome:
        """HSDS: a page of services at places."""
        return hsds.service_at_locations(self.db, call)

    @route(
        "GET",
        f"{HSDS}/service_at_locations/<uuid:id>",
        operation="hsds.service_at_location",
        public=True,
        raw=True,
        summary="HSDS: one service at a place with all that hangs on it",
    )
    def hsds_service_at_location(self, call: Call) -> Outcome:
        """HSDS: one service at a place with all that hangs on it."""
        return hsds.service_at_location(self.db, call)

    @route(
        "GET",
        f"{HSDS}/taxonomies",
        operation="hsds.taxonomies",
        public=True,
        query=shapes.PageQuery,
        raw=True,
        summary="HSDS: a page of taxonomies",
    )
    def hsds_taxonomies(self, call: Call) -> Outcome:
        """HSDS: a page of taxonomies."""
        return hsds.taxonomies(call)

    @route(
        "GET",
        f"{HSDS}/taxonomies/<uuid:id>",
        operation="hsds.taxonomy",
        public=True,
        raw=True,
        summary="HSDS: one taxonomy",
    )
    def hsds_taxonomy(self, call: Call) -> Outcome:
        """HSDS: one taxonomy."""
        return hsds.taxonomy(call)

    @route(
        "GET",
        f"{HSDS}/taxonomy_terms",
        operation="hsds.taxonomy_terms",
        public=True,
        query=shapes.TermsQuery,
        raw=True,
        summary="HSDS: a page of terms",
    )
    def hsds_taxonomy_terms(self, call: Call) -> Outcome:
        """HSDS: a page of terms."""
        return hsds.taxonomy_terms(self.db, call)

    @route(
        "GET",
        f"{HSDS}/taxonomy_terms/<uuid:id>",
        operation="hsds.taxonomy_term",
        public=True,
        raw=True,
        summary="HSDS: one term",
    )
    def hsds_taxonomy_term(self, call: Call) -> Outcome:
        """HSDS: one term."""
        return hsds.taxonomy_term(self.db, call)
