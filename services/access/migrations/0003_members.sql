-- Members, what they prove themselves with, and their sessions. Names and logins are sealed; secrets are hashes.

-- One row is one membership of one person in one organisation, so that it tells nothing about any other one.
CREATE TABLE member (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    login_mac bytea NOT NULL,
    key_id uuid NOT NULL,
    personal bytea NOT NULL,
    roles text[] NOT NULL,
    units text[] NOT NULL,
    status text NOT NULL CHECK (status IN ('invited', 'active', 'disabled')),
    password_hash text,
    totp bytea,
    -- the last time step whose code was accepted: a code works once
    totp_step bigint NOT NULL DEFAULT 0,
    version integer NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT member_login UNIQUE (org_id, login_mac),
    CONSTRAINT member_can_prove CHECK (status <> 'active' OR (password_hash IS NOT NULL AND totp IS NOT NULL))
);
CREATE INDEX member_list ON member (org_id, created_at DESC, id DESC);

-- One open invitation for a member. What was chosen waits here until a first code proves the second factor.
CREATE TABLE invitation (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    member_id uuid NOT NULL UNIQUE REFERENCES member,
    token_hash bytea NOT NULL UNIQUE,
    password_hash text,
    totp bytea,
    expires_at timestamptz NOT NULL,
    CONSTRAINT invitation_accepted CHECK ((password_hash IS NULL) = (totp IS NULL))
);
CREATE INDEX invitation_age ON invitation (expires_at);

CREATE TABLE recovery_code (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    member_id uuid NOT NULL REFERENCES member,
    mac bytea NOT NULL,
    CONSTRAINT recovery_code_once UNIQUE (member_id, mac)
);

CREATE TABLE member_device (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    member_id uuid NOT NULL REFERENCES member,
    token_hash bytea NOT NULL UNIQUE,
    proved_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL
);
CREATE INDEX member_device_of_member ON member_device (member_id);
CREATE INDEX member_device_age ON member_device (ends_at);

CREATE TABLE member_session (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    member_id uuid NOT NULL REFERENCES member,
    device_id uuid REFERENCES member_device ON DELETE SET NULL,
    token_hash bytea NOT NULL UNIQUE,
    proved_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    idle_until timestamptz NOT NULL,
    ends_at timestamptz NOT NULL
);
CREATE INDEX member_session_of_member ON member_session (member_id, started_at DESC, id DESC);
CREATE INDEX member_session_of_device ON member_session (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX member_session_age ON member_session (ends_at);

-- Failed tries by a keyed hash of what was tried from where; belongs to no organisation and names nobody.
CREATE TABLE throttle (
    key bytea PRIMARY KEY,
    failures integer NOT NULL CHECK (failures >= 0),
    blocked_until timestamptz NOT NULL,
    tried_at timestamptz NOT NULL
);
CREATE INDEX throttle_age ON throttle (tried_at);

-- Row security: each protected table has exactly one owner column.
ALTER TABLE member ENABLE ROW LEVEL SECURITY;
ALTER TABLE member FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON member USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitation FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON invitation USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE recovery_code ENABLE ROW LEVEL SECURITY;
ALTER TABLE recovery_code FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON recovery_code USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE member_device ENABLE ROW LEVEL SECURITY;
ALTER TABLE member_device FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON member_device USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE member_session ENABLE ROW LEVEL SECURITY;
ALTER TABLE member_session FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON member_session USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

GRANT SELECT, INSERT, UPDATE ON member TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON invitation, recovery_code, member_device, member_session, throttle TO {app};
