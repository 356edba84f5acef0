"""The routes of linking a man to a person and of keeping two apart."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups.schemas import apart as shapes
from services.groups.schemas.parts import Nothing
from services.groups.schemas.staff import SignUpRecord
from services.groups.service.staff import SIGN_UP
from services.groups.usecases import apart

PAIRS = "/groups/keep-apart"


class Apart:
    """Persons known again, and pairs that never meet."""

    db: Database

    @route(
        "POST",
        f"{SIGN_UP}/person",
        operation="signup.link_person",
        body=shapes.Person,
        answers=SignUpRecord,
        changes=True,
        needs_version=True,
        example=shapes.PERSON_EXAMPLE,
        summary="Link a man to a person of my organisation, to know him again; name and year are not kept",
    )
    def link_person(self, call: Call) -> Outcome:
        """Link a man."""
        return apart.link_person(self.db, call)

    @route(
        "POST",
        PAIRS,
        operation="apart.add",
        body=shapes.KeepApart,
        answers=shapes.PairView,
        status=201,
        changes=True,
        example=shapes.APART_EXAMPLE,
        summary="Keep two persons apart in every group",
    )
    def keep_apart(self, call: Call) -> Outcome:
        """Keep apart."""
        return apart.keep_apart(self.db, call)

    @route(
        "GET",
        PAIRS,
        operation="apart.list",
        answers=shapes.PairView,
        many=True,
        summary="Who is kept apart",
    )
    def pairs(self, call: Call) -> Outcome:
        """List the pairs."""
        return apart.listed(self.db, call)

    @route(
        "POST",
        f"{PAIRS}/<uuid:pair_id>/end",
        operation="apart.end",
        body=Nothing,
        answers=shapes.PairEnded,
        changes=True,
        example={},
        summary="Keep two persons apart no longer",
    )
    def end_apart(self, call: Call) -> Outcome:
        """End a pair."""
        return apart.end(self.db, call)
