"""Break-glass: a contact for whoever has no duty there, half an hour, on record (access-and-privacy.md section 5)."""

from __future__ import annotations

import datetime as dt

OPEN = dt.timedelta(minutes=30)
REASONS = ("danger_to_life", "meeting_today", "leader_unreachable", "safeguarding")
"""Why somebody has to reach a man who is not his to reach."""
