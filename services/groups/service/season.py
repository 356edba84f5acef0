"""The routes of a group over its season: who works with it, changes, start and end, and men who move on."""

from __future__ import annotations

from nameko.timer import timer

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups import schemas, usecases
from services.groups.schemas import season as shapes
from services.groups.schemas import staff as staff_shapes
from services.groups.schemas.parts import Nothing
from services.groups.service.staff import SIGN_UP
from services.groups.usecases import leading, moving_on, season, statistics

GROUP = "/groups/<uuid:group_id>"
TELLING_SECONDS = 600


class Season:
    """A group from its opening to its end."""

    db: Database

    @route(
        "POST",
        f"{GROUP}/duplicate",
        operation="group.duplicate",
        body=shapes.Duplicating,
        answers=schemas.GroupView,
        status=201,
        changes=True,
        example={"start_on": "2027-09-06"},
        summary="Make a draft for the next season: the same settings and leaders, no men",
    )
    def duplicate_group(self, call: Call) -> Outcome:
        """Duplicate a group."""
        return season.duplicate(self.db, call)

    @route(
        "GET",
        "/groups/mine",
        operation="group.mine",
        query=schemas.ListQuery,
        answers=schemas.GroupView,
        many=True,
        summary="The groups that I work with: all of my organisation for coordinators, else those that I lead",
    )
    def my_groups(self, call: Call) -> Outcome:
        """List my groups."""
        return usecases.my_groups(self.db, call)

    @route(
        "POST",
        f"{GROUP}/change",
        operation="group.change",
        body=shapes.GroupChange,
        answers=schemas.GroupView,
        changes=True,
        needs_version=True,
        example=shapes.CHANGE_EXAMPLE,
        summary="Change a group; what is not named stays as it is",
    )
    def change_group(self, call: Call) -> Outcome:
        """Change a group."""
        return season.change(self.db, call)

    @route(
        "POST",
        f"{GROUP}/postpone",
        operation="group.postpone",
        body=shapes.Postponing,
        answers=schemas.GroupView,
        changes=True,
        needs_version=True,
        example=shapes.POSTPONE_EXAMPLE,
        summary="Begin on another day; every meeting that is ahead moves with it",
    )
    def postpone_group(self, call: Call) -> Outcome:
        """Postpone a group."""
        return season.postpone(self.db, call)

    @route(
        "POST",
        f"{GROUP}/start",
        operation="group.start",
        body=shapes.Starting,
        answers=schemas.GroupView,
        changes=True,
        needs_version=True,
        example={},
        summary="Begin the season",
    )
    def start_group(self, call: Call) -> Outcome:
        """Start a group."""
        return season.start(self.db, call)

    @route(
        "POST",
        f"{GROUP}/finish",
        operation="group.finish",
        body=Nothing,
        answers=schemas.GroupView,
        changes=True,
        needs_version=True,
        example={},
        summary="End the season; the queue goes over to the successor, if there is one",
    )
    def finish_group(self, call: Call) -> Outcome:
        """Finish a group."""
        return season.finish(self.db, call)

    @route(
        "POST",
        f"{GROUP}/cancel",
        operation="group.cancel",
        body=shapes.Cancelling,
        answers=schemas.GroupView,
        changes=True,
        needs_version=True,
        example=shapes.CANCEL_EXAMPLE,
        summary="Let a group not take place, or not any more",
    )
    def cancel_group(self, call: Call) -> Outcome:
        """Cancel a group."""
        return season.cancel(self.db, call)

    @route(
        "POST",
        f"{GROUP}/archive",
        operation="group.archive",
        body=Nothing,
        answers=schemas.GroupView,
        changes=True,
        needs_version=True,
        example={},
        summary="Close a finished group for good",
    )
    def archive_group(self, call: Call) -> Outcome:
        """Archive a group."""
        return season.archive(self.db, call)

    @route(
        "POST",
        f"{GROUP}/merge",
        operation="group.merge",
        body=shapes.Merging,
        answers=schemas.GroupView,
        changes=True,
        example=staff_shapes.TRANSFER_EXAMPLE,
        summary="Move the whole queue into another group of the programme, ages kept",
    )
    def merge_group(self, call: Call) -> Outcome:
        """Merge a group."""
        return moving_on.merge(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/transfer",
        operation="signup.transfer",
        body=staff_shapes.Transfer,
        answers=staff_shapes.SignUpRecord,
        changes=True,
        needs_version=True,
        example=staff_shapes.TRANSFER_EXAMPLE,
        summary="Let a waiting man wait in another group of the programme, his age kept",
    )
    def transfer(self, call: Call) -> Outcome:
        """Transfer a man."""
        return moving_on.transfer(self.db, call)

    @route(
        "POST",
        f"{GROUP}/leaders",
        operation="group.leaders",
        body=shapes.Assigning,
        answers=schemas.GroupView,
        changes=True,
        example=shapes.ASSIGN_EXAMPLE,
        summary="Let somebody lead from now on; a substitute until a time",
    )
    def assign_leader(self, call: Call) -> Outcome:
        """Assign a leader."""
        return leading.assign(self.db, call)

    @route(
        "POST",
        f"{GROUP}/leaders/end",
        operation="group.leaders",
        body=shapes.EndLeading,
        answers=schemas.GroupView,
        changes=True,
        example=shapes.END_EXAMPLE,
        summary="Let somebody lead no longer; he sees nothing of the group from then on",
    )
    def end_leading(self, call: Call) -> Outcome:
        """End leading."""
        return leading.end(self.db, call)

    @timer(interval=TELLING_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def tell_daily(self) -> None:
        """Tell groups anew that take sign-ups or do not any more."""
        season.tell_daily(self.db)
        statistics.close(self.db)
