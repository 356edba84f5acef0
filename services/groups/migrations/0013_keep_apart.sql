-- Men who must not meet in a group. A person is a slow keyed hash of one organisation; no name is kept.
ALTER TABLE sign_up ADD COLUMN person_mac bytea;
CREATE INDEX sign_up_of_person ON sign_up (org_id, person_mac) WHERE person_mac IS NOT NULL;

CREATE TABLE keep_apart (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    low_mac bytea NOT NULL,
    high_mac bytea NOT NULL,
    reason text NOT NULL,
    by_subject text,
    at timestamptz NOT NULL,
    CONSTRAINT keep_apart_order CHECK (low_mac < high_mac),
    CONSTRAINT keep_apart_once UNIQUE (org_id, low_mac, high_mac)
);

-- The wall: of each pair one man at most is live in a group, whoever writes.
CREATE TABLE apart_seat (
    group_id uuid NOT NULL REFERENCES peer_group,
    pair_id uuid NOT NULL REFERENCES keep_apart ON DELETE CASCADE,
    sign_up_id uuid NOT NULL REFERENCES sign_up,
    org_id uuid NOT NULL,
    CONSTRAINT apart_seat_one_of_a_pair PRIMARY KEY (group_id, pair_id)
);
CREATE INDEX apart_seat_of_sign_up ON apart_seat (sign_up_id);

-- And of each person one live sign-up in a programme.
CREATE TABLE person_seat (
    programme_id uuid NOT NULL REFERENCES programme,
    person_mac bytea NOT NULL,
    sign_up_id uuid NOT NULL UNIQUE REFERENCES sign_up,
    org_id uuid NOT NULL,
    CONSTRAINT person_seat_one PRIMARY KEY (programme_id, person_mac)
);

ALTER TABLE keep_apart ENABLE ROW LEVEL SECURITY;
ALTER TABLE keep_apart FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON keep_apart USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE apart_seat ENABLE ROW LEVEL SECURITY;
ALTER TABLE apart_seat FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON apart_seat USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE person_seat ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_seat FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON person_seat USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
GRANT SELECT, INSERT, DELETE ON keep_apart, apart_seat, person_seat TO {app};
