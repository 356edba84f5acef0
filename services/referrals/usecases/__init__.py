"""What can be done with a referral: each function loads, decides, saves, tells and audits in one transaction."""

from __future__ import annotations

from chassis.db import Database
from chassis.requests import Call, Outcome
from services.referrals.usecases.copies import BASELINES, keep_organisation, keep_service, tell_again
from services.referrals.usecases.drafts import discard, drafts, edit, purge, submit
from services.referrals.usecases.forwarding import resend
from services.referrals.usecases.listing import (
    awaiting_me,
    counts,
    duplicates,
    history,
    inbox,
    overdue,
    read,
    sent,
    waiting_list,
)
from services.referrals.usecases.moving import move
from services.referrals.usecases.opening import create
from services.referrals.usecases.placing import hear as hear_of_placement
from services.referrals.usecases.recipients import recipient as RECIPIENT  # noqa: N812 -- found by this name
from services.referrals.usecases.records import RECORDS

__all__ = [
    "BASELINES",
    "RECIPIENT",
    "RECORDS",
    "accept",
    "acknowledge",
    "awaiting_me",
    "counts",
    "create",
    "decline",
    "discard",
    "drafts",
    "duplicates",
    "edit",
    "hear_of_placement",
    "history",
    "inbox",
    "keep_organisation",
    "keep_service",
    "move",
    "overdue",
    "purge",
    "read",
    "resend",
    "sent",
    "submit",
    "tell_again",
    "waiting_list",
    "withdraw",
]


def acknowledge(db: Database, call: Call) -> Outcome:
    """The receiver confirms that it has the referral (T04)."""
    return move(db, call, "acknowledge")


def accept(db: Database, call: Call) -> Outcome:
    """The receiver takes the person (T08); from now on the feedback scope is fixed."""
    return move(db, call, "accept")


def decline(db: Database, call: Call) -> Outcome:
    """The receiver says no (T09); the sender hears the outward form of the reason only."""
    return move(db, call, "decline")


def withdraw(db: Database, call: Call) -> Outcome:
    """The sender takes the referral back (T19)."""
    return move(db, call, "withdraw")
