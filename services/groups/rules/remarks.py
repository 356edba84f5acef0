"""Notes of leaders and messages to men: how long, how many men, for how many days (groups.md section 7)."""

from __future__ import annotations

import datetime as dt

LONGEST = 500
KEPT = dt.timedelta(days=30)
NOTE, MESSAGE = "note", "message"
WARNING = (
    "Write nothing that could hurt somebody if it were read by others: no names, no addresses, nothing of a partner or "
    "a child. It is deleted after thirty days."
)
READERS = frozenset({"offered", "intake", "confirmed", "active"})
"""To whom a message to all goes: whoever has a seat. Who waits is written to by name only."""
