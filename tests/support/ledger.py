"""What a consumer has applied, written in one transaction with its inbox: a repeated or lost event shows as rows."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from typing import Any

import psycopg

from chassis.db import Work
from chassis.envelope import Received

TABLE = """
CREATE TABLE applied (no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, subject uuid, sequence int, event_id uuid);
GRANT SELECT, INSERT ON applied TO PUBLIC;
"""
WRITE = "INSERT INTO applied (subject, sequence, event_id) VALUES (%s, %s, %s)"
READ = "SELECT subject, sequence FROM applied ORDER BY no"


class Ledger:
    """A handler of events; `failing` holds how often each (subject, sequence) still fails."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.calls: Counter[tuple[uuid.UUID, int]] = Counter()
        self.failing: Counter[tuple[uuid.UUID, int]] = Counter()
        self.slow = 0.0
        self.busy = threading.Event()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLE)

    def __call__(self, work: Work, event: Received) -> None:
        """Take one event."""
        place = event.subject, event.sequence
        self.calls[place] += 1
        self.busy.set()
        if self.failing[place]:
            self.failing[place] -= 1
            raise RuntimeError
        work.run(WRITE, (event.subject, event.sequence, event.id))
        time.sleep(self.slow)

    def applied(self) -> dict[uuid.UUID, list[int]]:
        """The sequences of each subject, in the order in which they were applied; committed ones only."""
        found: dict[uuid.UUID, list[int]] = {}
        with psycopg.connect(self._url) as connection:
            for subject, sequence in connection.execute(READ):
                found.setdefault(subject, []).append(sequence)
        return found

    def of(self, subject: uuid.UUID) -> list[int]:
        """The sequences of one subject."""
        return self.applied().get(subject, [])

    def count(self) -> int:
        """How many events were applied."""
        return sum(map(len, self.applied().values()))

    def rows(self, query: str) -> list[Any]:
        """Look into the consumer's database."""
        with psycopg.connect(self._url) as connection:
            return connection.execute(query).fetchall()
