-- Inside an organisation: unit and assigned worker of a case, its named and barred members, looks from outside the unit.

ALTER TABLE sender_record ADD COLUMN unit text;
ALTER TABLE sender_record ADD COLUMN worker text;
ALTER TABLE sender_record ADD COLUMN restricted boolean NOT NULL DEFAULT false;
ALTER TABLE receiver_case ADD COLUMN unit text;
ALTER TABLE receiver_case ADD COLUMN worker text;
ALTER TABLE receiver_case ADD COLUMN restricted boolean NOT NULL DEFAULT false;

-- A restricted case is open to its named members only; a barred member never sees it, restricted or not.
CREATE TABLE case_member (
    org_id uuid NOT NULL,
    referral_id uuid NOT NULL REFERENCES leg,
    subject text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('named', 'barred')),
    by_subject text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (org_id, referral_id, subject, kind)
);
CREATE INDEX case_member_of_leg ON case_member (referral_id);

CREATE TABLE outside_read (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    referral_id uuid NOT NULL REFERENCES leg,
    side text NOT NULL CHECK (side IN ('sender', 'receiver')),
    subject text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX outside_read_list ON outside_read (org_id, at DESC, id DESC);
CREATE INDEX outside_read_of_leg ON outside_read (referral_id);

ALTER TABLE case_member ENABLE ROW LEVEL SECURITY;
ALTER TABLE case_member FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON case_member USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE outside_read ENABLE ROW LEVEL SECURITY;
ALTER TABLE outside_read FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON outside_read USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

GRANT SELECT, INSERT, DELETE ON case_member TO {app};
GRANT SELECT, INSERT ON outside_read TO {app};
