"""The routes by which another system holds a complete copy (directory.md section 3)."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.directory import schemas
from services.directory.usecases import copying, packaging


class Copying:
    """The change feed and the exports."""

    db: Database

    @route(
        "GET",
        "/directory/changes",
        operation="directory.changes",
        public=True,
        query=schemas.ChangesQuery,
        raw=True,
        summary="The change feed: every create, change and deletion, numbered without a gap",
        description="Begin at `after=0` or at the `Directory-Seq` of an export; pass `next` on. A record stands only "
        "at the last change of its thing: earlier ones were overtaken, and what was withdrawn is nowhere.",
    )
    def directory_changes(self, call: Call) -> Outcome:
        """The change feed."""
        return copying.changes(self.db, call)

    @route(
        "GET",
        "/directory/export",
        operation="directory.export",
        public=True,
        raw=True,
        summary="The whole directory of one moment, as a file that can be imported again",
    )
    def directory_export(self, call: Call) -> Outcome:  # noqa: ARG002 - a route is given its call
        """The whole directory."""
        return copying.export(self.db)

    @route(
        "GET",
        "/directory/export.zip",
        operation="directory.export",
        public=True,
        raw=True,
        gives="application/zip",
        large=True,
        deadline="bulk",
        summary="The whole directory of one moment as a package of HSDS 3.0 tables",
        description="One CSV file for each table that has rows, and `datapackage.json`, which describes them. "
        "`Directory-Seq` says at which change of the feed it stands. The same directory gives the same bytes.",
    )
    def directory_package(self, call: Call) -> Outcome:  # noqa: ARG002 - a route is given its call
        """The whole directory as tables."""
        return packaging.export_package(self.db)
