"""The route by which a person who keeps the network brings a directory document in."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.directory.schemas import importing as schemas
from services.directory.usecases import importing_alone

MOST_BYTES = 10 * 1024 * 1024


class Importing:
    """Imports over HTTP."""

    db: Database

    @route(
        "POST",
        "/directory/imports",
        operation="directory.import",
        body=schemas.DirectoryDocument,
        query=schemas.ImportQuery,
        answers=schemas.ImportView,
        changes=True,
        limit=MOST_BYTES,
        deadline="bulk",
        example=schemas.IMPORT_EXAMPLE,
        summary="Bring a directory document in, all or nothing; `dry_run=true` says what would happen",
        description="New organisations come in as joining. One person alone does not change type, standing and "
        "contacts of what is there: propose that at `/directory/proposals`. Each fault has a pointer into the body.",
    )
    def import_document(self, call: Call) -> Outcome:
        """Import a document."""
        return importing_alone.import_document(self.db, call)
