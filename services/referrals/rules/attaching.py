"""When a file may be attached and for whom, what a judgment is, and when a file is handed out (referrals.md 10, 12)."""

from __future__ import annotations

from chassis.errors import Conflict, Invalid, Unavailable
from services.referrals.rules.lifecycle import FINAL, SENDER

BOTH, OWN_ORG = "both", "own_org"
VISIBILITIES = (OWN_ORG, BOTH)
CLASSIFICATIONS = ("letter", "report", "risk_assessment", "order", "judgment", "consent", "identity", "other")
RESTRICTED = frozenset({"judgment"})
"""Speaks of who is protected from him: read by the partner-safety role alone, on every side (referrals.md 10)."""

MOST_FILES = 20
PIECE = 512 * 1024
NOT_SCANNED, QUARANTINED, CLEAN, INFECTED = "not_scanned", "quarantined", "clean", "infected"
SCANS = (NOT_SCANNED, QUARANTINED, CLEAN, INFECTED)
_TELLING_ALL = "full_report"
_OVER = FINAL | {"closed", "entered_in_error"}


def check_sharing(visibility: str, *, side: str, state: str, scope: str) -> None:
    """Whether this side may attach for both now; `state` as the side itself sees it, `scope` the one in force.

    What a receiver sends back is feedback, so it needs the scope that tells all. Raises Conflict.
    """
    if visibility != BOTH:
        return
    if state in _OVER:
        message = "The referral has ended; attach it for your own organisation (visibility=own_org)."
        raise Conflict("attachment.referral_ended", message)
    if side != SENDER and scope != _TELLING_ALL:
        message = "The sender was not promised documents (feedback_scope full_report); attach it for your organisation."
        raise Conflict("attachment.beyond_scope", message)


def check_number(there: int) -> None:
    """Raises Conflict when a referral has as many files as one may have."""
    if there >= MOST_FILES:
        raise Conflict("attachment.too_many", f"A referral has at most {MOST_FILES} files; remove one first.")


def check_removal(*, own: bool, visibility: str, state: str) -> None:
    """Only one's own file goes, and only as long as nobody else has it. Raises Conflict."""
    if not own or (visibility == BOTH and state != "draft"):
        message = "Only a file of your own that the other party has not got can be removed."
        raise Conflict("attachment.sent", message)


def check_scan(status: str) -> None:
    """Whether a file may be handed out. Raises Conflict for an infected one, Unavailable for one nobody looked at."""
    if status == INFECTED:
        raise Conflict("attachment.infected", "The virus scanner found something in this file; it is not handed out.")
    if status == QUARANTINED:
        raise Unavailable("attachment.quarantined", "The virus scanner has not looked at it yet.", retry_after=60)


def check_kind(classification: str, *, partners: bool) -> None:
    """Who looks after the partner attaches judgments; everything else is the man's side. Raises Invalid."""
    if partners and classification not in RESTRICTED:
        message = f"Partner safety attaches {', '.join(sorted(RESTRICTED))} only."
        raise Invalid("attachment.not_restricted", message)
