-- Programmes, groups, sign-ups and their queue. No table but participant holds anything about a person, and that sealed.

CREATE TABLE partner (
    org_id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE,
    type text NOT NULL,
    country text NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL
);

CREATE DOMAIN sign_up_state AS text CHECK (VALUE IN (
    'waiting', 'offered', 'intake', 'confirmed', 'active', 'completed', 'withdrawn', 'declined', 'lapsed',
    'redirected', 'removed', 'closed', 'erased'));

CREATE TABLE programme (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    key text NOT NULL,
    kind text NOT NULL CHECK (kind IN (
        'peer', 'guided', 'behaviour_change', 'drop_in', 'support_pair', 'training', 'course')),
    names json NOT NULL,
    mandated text NOT NULL CHECK (mandated IN ('no', 'yes', 'only')),
    intake text NOT NULL CHECK (intake IN ('none', 'optional', 'required')),
    partner_step boolean NOT NULL,
    retention_days integer NOT NULL CHECK (retention_days > 0),
    version integer NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    -- Within one organisation: a key taken by another one must neither be in the way nor be told of.
    CONSTRAINT programme_key UNIQUE (org_id, key),
    CONSTRAINT programme_peer_is_voluntary CHECK (kind <> 'peer' OR mandated = 'no')
);
CREATE INDEX programme_list ON programme (org_id, created_at DESC, id DESC);

CREATE TABLE peer_group (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    programme_id uuid NOT NULL REFERENCES programme,
    state text NOT NULL CHECK (state IN ('draft', 'open', 'running', 'finished', 'archived', 'cancelled')),
    names json NOT NULL,
    country text,
    areas text[] NOT NULL,
    languages text[] NOT NULL,
    mode text NOT NULL CHECK (mode IN ('in_person', 'remote', 'hybrid')),
    admission text NOT NULL CHECK (admission IN ('closed', 'open', 'rolling')),
    capacity integer NOT NULL CHECK (capacity > 0),
    held integer NOT NULL DEFAULT 0,
    waiting integer NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    min_to_start integer NOT NULL CHECK (min_to_start > 0),
    waitlist_limit integer CHECK (waitlist_limit >= 0),
    queue_last bigint NOT NULL DEFAULT 0,
    queue_at timestamptz NOT NULL,
    place_public text,
    place_full text,
    start_on date,
    local_start time,
    tz text,
    minutes integer NOT NULL CHECK (minutes > 0),
    sessions integer NOT NULL CHECK (sessions > 0),
    version integer NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    opened_at timestamptz,
    -- The second wall behind the group lock: a group is never over its capacity, whoever writes.
    CONSTRAINT peer_group_never_over CHECK (held BETWEEN 0 AND capacity)
);
CREATE INDEX peer_group_public ON peer_group (opened_at DESC, id DESC) WHERE state = 'open';
CREATE INDEX peer_group_own ON peer_group (org_id, created_at DESC, id DESC);

CREATE TABLE leader_assignment (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    group_id uuid NOT NULL REFERENCES peer_group,
    subject text NOT NULL,
    alias text,
    role text NOT NULL CHECK (role IN ('lead', 'co', 'substitute')),
    from_at timestamptz NOT NULL,
    to_at timestamptz,
    CONSTRAINT leader_once UNIQUE (group_id, subject)
);

CREATE TABLE participant (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    key_id uuid NOT NULL,
    personal bytea NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE sign_up (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    group_id uuid NOT NULL REFERENCES peer_group,
    participant_id uuid NOT NULL REFERENCES participant,
    state sign_up_state NOT NULL,
    track smallint NOT NULL CHECK (track IN (0, 1)),
    waiting_since timestamptz NOT NULL,
    queue_seq bigint NOT NULL,
    offer_until timestamptz,
    code_only boolean NOT NULL,
    contact_mac bytea,
    language text,
    version integer NOT NULL CHECK (version > 0),
    changed_at timestamptz NOT NULL,
    CONSTRAINT sign_up_order UNIQUE (group_id, queue_seq),
    CONSTRAINT sign_up_deadline CHECK ((state = 'offered') = (offer_until IS NOT NULL)),
    CONSTRAINT sign_up_reachable CHECK (NOT code_only OR contact_mac IS NULL)
);
CREATE UNIQUE INDEX sign_up_one_live ON sign_up (group_id, contact_mac)
    WHERE contact_mac IS NOT NULL AND state IN ('waiting', 'offered', 'intake', 'confirmed', 'active');
CREATE INDEX sign_up_queue ON sign_up (group_id, track, waiting_since, queue_seq) WHERE state = 'waiting';
CREATE INDEX sign_up_offers ON sign_up (group_id, offer_until) WHERE state = 'offered';
CREATE INDEX sign_up_overdue ON sign_up (offer_until) WHERE state = 'offered';
CREATE INDEX sign_up_of_participant ON sign_up (participant_id);

-- What a man holds in his hand. told_state is set where no sign-up is behind the card: the contact was live already.
CREATE TABLE return_card (
    sign_up_id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    group_id uuid NOT NULL REFERENCES peer_group,
    code_mac bytea NOT NULL UNIQUE,
    pin_mac bytea NOT NULL,
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    blocked_until timestamptz,
    told_state sign_up_state,
    told_seq bigint,
    told_code_only boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    CONSTRAINT return_card_told CHECK ((told_state IS NULL) = (told_seq IS NULL))
);
CREATE INDEX return_card_of_group ON return_card (group_id);

CREATE TABLE history (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    group_id uuid NOT NULL REFERENCES peer_group,
    sign_up_id uuid REFERENCES sign_up,
    no integer NOT NULL,
    transition text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    actor text NOT NULL,
    by_subject text,
    deadline timestamptz,
    at timestamptz NOT NULL,
    CONSTRAINT history_order UNIQUE NULLS NOT DISTINCT (group_id, sign_up_id, no)
);
CREATE INDEX history_of_sign_up ON history (sign_up_id) WHERE sign_up_id IS NOT NULL;

-- Row security: each protected table has exactly one owner column.
ALTER TABLE programme ENABLE ROW LEVEL SECURITY;
ALTER TABLE programme FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON programme USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE peer_group ENABLE ROW LEVEL SECURITY;
ALTER TABLE peer_group FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON peer_group USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE leader_assignment ENABLE ROW LEVEL SECURITY;
ALTER TABLE leader_assignment FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON leader_assignment USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE participant ENABLE ROW LEVEL SECURITY;
ALTER TABLE participant FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON participant USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE sign_up ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_up FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON sign_up USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE return_card ENABLE ROW LEVEL SECURITY;
ALTER TABLE return_card FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON return_card USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE history ENABLE ROW LEVEL SECURITY;
ALTER TABLE history FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON history USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

GRANT SELECT, INSERT, UPDATE ON partner, programme, peer_group, leader_assignment, participant, sign_up, return_card TO {app};
GRANT SELECT, INSERT ON history TO {app};
