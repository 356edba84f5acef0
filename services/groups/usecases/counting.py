"""What is counted for indicators when a man or a group takes a step."""

from __future__ import annotations

from chassis.db import Work
from services.groups.rules.indicators import OF_STEPS
from services.groups.store import indicators
from services.groups.usecases.acts import GroupMoved, Moved


def count_step(work: Work, moved: Moved) -> None:
    """Count a man's step in its month."""
    metric = OF_STEPS.get(moved.edge.name)
    if metric is not None:
        indicators.add_of(work, moved.group, metric, moved.at)


def count_start(work: Work, moved: GroupMoved) -> None:
    """Count a group that begins, with its places."""
    if moved.edge.name == "start":
        indicators.add(work, moved.group_id, "groups_started", moved.at)
        indicators.add_places(work, moved.group_id, moved.at)
