"""What follows from a transition in the same transaction, besides the parties' rows and events: one line each."""

from __future__ import annotations

from collections.abc import Callable

from chassis.db import Work
from services.referrals.store import legs
from services.referrals.usecases import basis, clocks, consent, counting, files, notifying
from services.referrals.usecases.acts import Act, Moved
from services.referrals.usecases.queueing import follow_queue, offer_in_area

__all__ = ["CONSEQUENCES", "Act", "Consequence", "Moved", "follow"]


Consequence = Callable[[Work, Moved], None]


def lock_errors(work: Work, moved: Moved) -> None:
    """What must not have existed is read by nobody any more; thirty days later retention erases it."""
    if moved.edge.target != "entered_in_error":
        return
    for party in (moved.leg.sender_id, moved.leg.receiver_id):
        if party is not None:
            legs.lock_personal(work, moved.leg, party)


CONSEQUENCES: tuple[Consequence, ...] = (
    lock_errors,
    basis.bind,
    basis.mark_treating,
    consent.end_reading,
    offer_in_area,
    follow_queue,
    files.hand_over,
    counting.sign_at_completion,
    clocks.run,
    notifying.let_hear,
)


def follow(work: Work, moved: Moved) -> None:
    """Let everything follow."""
    for each in CONSEQUENCES:
        each(work, moved)
