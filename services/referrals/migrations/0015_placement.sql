-- How the sign-ups stand that were made of a referral, as groups tells it; counts once two people signed them there.
CREATE TABLE placement (
    sign_up_id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    state text NOT NULL,
    day date NOT NULL,
    held integer,
    attended integer,
    excused integer,
    absent integer,
    at timestamptz NOT NULL
);
CREATE INDEX placement_of_referral ON placement (referral_id);
ALTER TABLE placement ENABLE ROW LEVEL SECURITY;
ALTER TABLE placement FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON placement USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
GRANT SELECT, INSERT, UPDATE, DELETE ON placement TO {app};
