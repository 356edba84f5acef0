-- The journal for outsiders: per stream one position after the other, and the bytes that every way out hands on.

CREATE TABLE partner (
    org_id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE,
    status text NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE stream (
    name text PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    last bigint NOT NULL CHECK (last > 0)
);

CREATE TABLE journal (
    stream text NOT NULL REFERENCES stream,
    position bigint NOT NULL CHECK (position > 0),
    org_id uuid,
    event_id uuid NOT NULL,
    type text NOT NULL,
    body bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (stream, position),
    CONSTRAINT journal_once UNIQUE (event_id, stream),
    CONSTRAINT journal_owner CHECK (stream = coalesce('org:' || org_id::text, 'network'))
);
CREATE INDEX journal_age ON journal (recorded_at);

CREATE TABLE partner_grant (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL,
    queue text NOT NULL,
    broker_user text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE UNIQUE INDEX partner_grant_living ON partner_grant (org_id, name) WHERE revoked_at IS NULL;

-- The second wall: a reader sees the network's stream and its own. The one writer adds for everybody and changes nothing.
ALTER TABLE journal ENABLE ROW LEVEL SECURITY;
ALTER TABLE journal FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON journal FOR SELECT USING (org_id IS NULL OR org_id = acting_org());
CREATE POLICY appended ON journal FOR INSERT WITH CHECK (true);
ALTER TABLE partner_grant ENABLE ROW LEVEL SECURITY;
ALTER TABLE partner_grant FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON partner_grant USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

GRANT SELECT, INSERT, UPDATE ON partner, stream, partner_grant TO {app};
GRANT SELECT, INSERT ON journal TO {app};
