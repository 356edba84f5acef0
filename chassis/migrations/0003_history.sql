-- What is missing is asked for, and history that is gone is replaced by a baseline (bus.md section 4).

-- Where a baseline set the gate (what lies below it was never seen here), and when and how often the gap was asked about.
ALTER TABLE inbox_gate ADD COLUMN floor bigint NOT NULL DEFAULT 0;
ALTER TABLE inbox_gate ADD COLUMN asked_at timestamptz;
ALTER TABLE inbox_gate ADD COLUMN asks integer NOT NULL DEFAULT 0;

-- A baseline carries the sequence of the last event and takes none of its own.
ALTER TABLE outbox ADD COLUMN baseline boolean NOT NULL DEFAULT false;
ALTER TABLE outbox DROP CONSTRAINT outbox_sequence_once;
CREATE UNIQUE INDEX outbox_sequence_once ON outbox (aggregate_type, aggregate_id, audience, sequence)
 WHERE NOT baseline;

-- Two events with one number are never both kept: the second one is parked.
DROP INDEX inbox_waiting_order;
CREATE UNIQUE INDEX inbox_waiting_order ON inbox_waiting (source, subject, audience, sequence);
