-- What every service database has: the outbox, the inbox, remembered requests and the audit. No personal data here.

CREATE TABLE event_sequence (
    aggregate_type text NOT NULL,
    aggregate_id uuid NOT NULL,
    audience text NOT NULL,
    last bigint NOT NULL CHECK (last > 0),
    PRIMARY KEY (aggregate_type, aggregate_id, audience)
);

CREATE TABLE outbox (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    exchange text NOT NULL DEFAULT 'events',
    routing_key text NOT NULL,
    type text NOT NULL,
    version integer NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id uuid NOT NULL,
    audience text NOT NULL,
    sequence bigint NOT NULL,
    data json,
    body bytea,
    traceparent text,
    correlation_id text,
    causation_id text,
    occurred_at timestamptz NOT NULL,
    published_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    CONSTRAINT outbox_one_content CHECK ((data IS NULL) <> (body IS NULL)),
    CONSTRAINT outbox_sequence_once UNIQUE (aggregate_type, aggregate_id, audience, sequence)
);
CREATE INDEX outbox_unpublished ON outbox (no) WHERE published_at IS NULL;
-- The cleaner reads by time; block ranges cost a write next to nothing.
CREATE INDEX outbox_age ON outbox USING brin (published_at);

CREATE TABLE inbox (
    event_id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL
);

CREATE TABLE inbox_gate (
    source text NOT NULL,
    subject uuid NOT NULL,
    audience text NOT NULL,
    last bigint NOT NULL,
    blocked_by uuid,
    PRIMARY KEY (source, subject, audience)
);

CREATE TABLE inbox_waiting (
    event_id uuid PRIMARY KEY,
    source text NOT NULL,
    subject uuid NOT NULL,
    audience text NOT NULL,
    sequence bigint NOT NULL,
    body bytea NOT NULL,
    headers json NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL
);
CREATE INDEX inbox_waiting_order ON inbox_waiting (source, subject, audience, sequence);

CREATE TABLE request (
    scope text NOT NULL,
    key text NOT NULL,
    mac bytea NOT NULL,
    object_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX request_age ON request USING brin (created_at);

CREATE TABLE audit (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    org_id uuid,
    subject text NOT NULL,
    token_id text,
    operation text NOT NULL,
    object_type text NOT NULL,
    object_id uuid,
    purpose text NOT NULL,
    basis text,
    request_id text NOT NULL,
    outcome text NOT NULL,
    mac bytea NOT NULL
);
CREATE INDEX audit_of_organisation ON audit (org_id, no);

-- In plpgsql, because that keeps its plan: a function in SQL that runs with other rights is planned at every call.
-- Rows go in through the function only, and never change: the process's role has no right on the table itself.
CREATE FUNCTION audit_append(
    id uuid, at timestamptz, org_id uuid, subject text, token_id text, operation text, object_type text,
    object_id uuid, purpose text, basis text, request_id text, outcome text, mac bytea
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO audit (id, at, org_id, subject, token_id, operation, object_type, object_id, purpose, basis,
                       request_id, outcome, mac)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);
END
$$;

CREATE FUNCTION audit_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit rows are final';
END
$$;
CREATE TRIGGER audit_is_final BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_final();
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_final();

-- The organisation that the running transaction acts for; none means that protected tables show no row.
CREATE FUNCTION acting_org() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('tukiverkko.org', true), '')::uuid
$$;

REVOKE ALL ON FUNCTION audit_append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_append TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON event_sequence, outbox, inbox, inbox_gate, inbox_waiting, request TO {app};
