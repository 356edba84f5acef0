-- What is written down about a case beside its transitions: notes, contact attempts, sessions, risk, drop-outs, receipts for
-- a warning that was read, and for a sender the signed counts of attendance. Each organisation has rows of its own, sealed with its own record's key.
CREATE TABLE case_entry (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    referral_id uuid NOT NULL REFERENCES leg,
    kind text NOT NULL CHECK (kind IN ('note', 'attempt', 'session', 'risk', 'drop_out', 'attendance', 'receipt')),
    visibility text NOT NULL CHECK (visibility IN ('both', 'own_org', 'named')),
    by_org uuid NOT NULL,
    by_subject text,
    named text[],
    number integer CHECK (number > 0), -- of a session
    signed_at timestamptz,
    key_id uuid NOT NULL,
    content bytea NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT case_entry_named CHECK ((visibility = 'named') = (named IS NOT NULL)),
    CONSTRAINT case_entry_numbered CHECK ((kind = 'session') = (number IS NOT NULL))
);
CREATE INDEX case_entry_list ON case_entry (org_id, referral_id, at DESC, id DESC);
CREATE INDEX case_entry_of_leg ON case_entry (referral_id);
CREATE UNIQUE INDEX case_entry_session ON case_entry (org_id, referral_id, number) WHERE kind = 'session';
CREATE UNIQUE INDEX case_entry_attendance ON case_entry (org_id, referral_id) WHERE kind = 'attendance';

ALTER TABLE case_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE case_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON case_entry USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY look_up ON case_entry FOR SELECT TO CURRENT_USER USING (true); -- which keys are in use

-- Name, birth year or contact were amended: the hashes are computed anew.
CREATE FUNCTION person_index_again(wanted uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
AS $$
BEGIN
    INSERT INTO person_index_due VALUES (acting_org(), $1) ON CONFLICT DO NOTHING;
END
$$;

REVOKE ALL ON FUNCTION person_index_again FROM PUBLIC;
GRANT EXECUTE ON FUNCTION person_index_again TO {app};
GRANT SELECT, INSERT, DELETE ON case_entry TO {app};
GRANT UPDATE (signed_at) ON case_entry TO {app};

-- Public names of organisations, for what a person is given to read; null until the directory tells them again.
ALTER TABLE partner ADD COLUMN names jsonb;
