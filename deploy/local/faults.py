"""What the launcher tells the person at the keyboard when it cannot go on: one clear sentence."""

from __future__ import annotations


class LocalFault(Exception):
    """The network cannot start or go on; the message is one sentence that says what was wrong and what to do."""
