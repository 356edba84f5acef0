"""What a consumer does beside its work: it forgets old ids as fast as they came, and no single row stops it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from chassis import gaps, settling
from chassis.settings import Settings
from tests.integration.bus_rig import consuming, depth, taken, until
from tests.integration.conformance_rig import PARKED, Sides, body_of, send

MakeSides = Callable[[Settings], Sides]
OLD = """
INSERT INTO inbox (event_id, received_at)
SELECT gen_random_uuid(), now() - make_interval(days => %s) FROM generate_series(1, %s)
"""
GATE = "INSERT INTO inbox_gate (source, subject, audience, last) VALUES ('directory', %s, 'network', 0)"
WAITS = """
INSERT INTO inbox_waiting (event_id, source, subject, audience, sequence, body, headers, reason, since)
VALUES (%s, 'directory', %s, 'network', %s, '{}', '{}', 'gap', now() - interval '1 day')
"""


def test_old_ids_are_forgotten_batch_after_batch(bus: Settings, sides: MakeSides) -> None:
    side, many = sides(bus), 2 * gaps.CLEANED_AT_ONCE + 10
    with psycopg.connect(bus.database_url("groups")) as connection:
        connection.execute(OLD, (31, many))
        connection.execute(OLD, (29, 5))
    with consuming(bus, side.consumer, side.ledger) as consumer:
        consumer._settler._clean_due = 0.0  # once; what is left is for the next round, not for the next hour
        until(lambda: side.ledger.rows("SELECT count(*) FROM inbox") == [(5,)])


def test_a_waiting_row_that_newer_code_cannot_read_stops_nothing(
    bus: Settings, sides: MakeSides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "SWEEP_SECONDS", 0.2)
    side, due, early, missing = sides(bus), uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    with psycopg.connect(bus.database_url("groups")) as connection:
        for subject, sequence in ((due, 1), (early, 5)):
            connection.execute(GATE, (subject,))
            connection.execute(WAITS, (uuid.uuid5(subject, "event"), subject, sequence))
    with consuming(replace(bus, ask_after_seconds=0.5), side.consumer, side.ledger) as consumer:
        send(bus, body_of(missing, 2))
        until(lambda: consumer.counts["asked"] >= 1)
        until(lambda: depth(bus, PARKED) == 1)
        until(lambda: side.ledger.rows("SELECT blocked_by FROM inbox_gate WHERE blocked_by IS NOT NULL"))
        send(bus, body_of(missing, 1))
        until(lambda: side.ledger.of(missing) == [1, 2])
    (message,) = taken(bus, PARKED)
    assert message.properties["message_id"] == str(uuid.uuid5(due, "event"))
    assert message.properties["application_headers"]["tukiverkko-parked"] == "event.no_cloudevent"
    assert side.ledger.rows("SELECT blocked_by FROM inbox_gate WHERE blocked_by IS NOT NULL") == [
        (uuid.uuid5(due, "event"),)
    ]
    assert side.ledger.rows("SELECT sequence FROM inbox_waiting") == [(5,)]  # it waits for its turn as before
