"""What is shown of a group: its public page, and what its own staff see besides."""

from __future__ import annotations

PAGE = frozenset(
    {
        "id", "organisation", "programme", "names", "state", "country", "areas", "languages", "mode", "admission",
        "rolling_every", "joins_at", "capacity", "accepting", "seat_at_once", "place_public", "schedule", "version",
        "quotas", "co_organisers", "sign_up_until",
    }
)  # fmt: skip
INNER = PAGE | {
    "held", "waiting", "min_to_start", "waitlist_limit", "place_full", "leaders", "allowed_actions", "successor_id",
    "choice_due",
}  # fmt: skip
