"""The routes of clocks and tasks, and the timer that does what nobody did in time."""

from __future__ import annotations

from nameko.timer import timer

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals import schemas
from services.referrals.schemas import clocks as shapes
from services.referrals.usecases import clock_settings, responding, reviewing, suspending, sweeping, tasks

SWEEP_SECONDS = 60
MEASURE_SECONDS = 21_600


class Clocks:
    """Tasks, reviews, a service's own figures."""

    db: Database

    @route(
        "GET",
        "/referrals/tasks",
        operation="referral.tasks",
        query=shapes.TaskQuery,
        answers=shapes.TaskView,
        many=True,
        summary="What I have to do about referrals by the clock, due first",
    )
    def tasks(self, call: Call) -> Outcome:
        """List tasks."""
        return tasks.listed(self.db, call)

    @route(
        "POST",
        "/referrals/tasks/<uuid:task_id>/done",
        operation="referral.task_done",
        body=shapes.Done,
        answers=shapes.TaskView,
        changes=True,
        example={},
        summary="Say that a task was done",
    )
    def task_done(self, call: Call) -> Outcome:
        """Do a task."""
        return tasks.done(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/review",
        operation="referral.review",
        body=shapes.Review,
        answers=schemas.ReferralView,
        changes=True,
        example={"review_on": "2027-01-18"},
        summary="Confirm that somebody who waits is still interested, or look at a pause",
    )
    def review(self, call: Call) -> Outcome:
        """Review."""
        return reviewing.review(self.db, call)

    @route(
        "GET",
        "/referrals/clock-settings",
        operation="referral.clock_settings",
        answers=shapes.ClockSettings,
        summary="The figures of the clocks, and those that my organisation's services have of their own",
    )
    def clock_settings(self, call: Call) -> Outcome:
        """Show the figures."""
        return clock_settings.settings(self.db, call)

    @route(
        "PUT",
        "/referrals/clock-settings",
        operation="referral.set_clock",
        body=shapes.NewSetting,
        answers=shapes.ClockSettings,
        changes=True,
        example=shapes.SETTING_EXAMPLE,
        summary="Set a service's own figure for a clock, from a day on",
    )
    def set_clock(self, call: Call) -> Outcome:
        """Set a figure."""
        return clock_settings.set_one(self.db, call)

    @timer(interval=MEASURE_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def measure_responses(self) -> None:
        """Tell how long services take to answer, where that changed."""
        responding.measure(self.db)

    @timer(interval=SWEEP_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def sweep_clocks(self) -> None:
        """A safety net: what is overdue is so without it, and what it would take back is found expired."""
        sweeping.sweep(self.db)
        suspending.give_back(self.db)
