-- A sign-up that a worker made for a referral keeps its id and nothing else; whether it may is read in a local copy.
CREATE TABLE referral_copy (
    referral_id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    version bigint NOT NULL
);
ALTER TABLE referral_copy ENABLE ROW LEVEL SECURITY;
ALTER TABLE referral_copy FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON referral_copy USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
GRANT SELECT, INSERT, UPDATE, DELETE ON referral_copy TO {app};

ALTER TABLE sign_up ADD COLUMN referral_id uuid;
ALTER TABLE sign_up ADD COLUMN placement_id uuid; -- what our referrals service is told has a count of its own
CREATE UNIQUE INDEX sign_up_placement ON sign_up (placement_id) WHERE placement_id IS NOT NULL;
ALTER TABLE sign_up ADD COLUMN due_on date;
CREATE UNIQUE INDEX sign_up_one_live_of_referral ON sign_up (group_id, referral_id)
    WHERE referral_id IS NOT NULL AND state IN ('waiting', 'offered', 'intake', 'confirmed', 'active');
CREATE INDEX sign_up_of_referral ON sign_up (referral_id) WHERE referral_id IS NOT NULL;

-- The report that a referrer may have: counts only, and only once two people have signed them.
CREATE TABLE attendance_report (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    sign_up_id uuid NOT NULL REFERENCES sign_up,
    held integer NOT NULL,
    attended integer NOT NULL,
    excused integer NOT NULL,
    absent integer NOT NULL,
    first_subject text NOT NULL,
    first_at timestamptz NOT NULL,
    second_subject text,
    second_at timestamptz,
    alone boolean NOT NULL DEFAULT false,
    CONSTRAINT attendance_report_signed CHECK ((second_subject IS NULL) = (second_at IS NULL)),
    CONSTRAINT attendance_report_adds_up CHECK (attended + excused + absent = held)
);
CREATE INDEX attendance_report_of_sign_up ON attendance_report (sign_up_id);
ALTER TABLE attendance_report ENABLE ROW LEVEL SECURITY;
ALTER TABLE attendance_report FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON attendance_report USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
GRANT SELECT, INSERT, UPDATE, DELETE ON attendance_report TO {app};

-- A baseline for our own referrals service is asked for without an organisation.
CREATE POLICY look_up ON attendance_report FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION placement_of(wanted uuid) RETURNS TABLE (
    sign_up_id uuid, org_id uuid, referral_id uuid, state text, changed_at timestamptz, held integer, attended integer, excused integer,
    absent integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT s.id, s.org_id, s.referral_id, s.state::text, s.changed_at, r.held, r.attended, r.excused, r.absent
      FROM sign_up AS s LEFT JOIN LATERAL (
           SELECT a.held, a.attended, a.excused, a.absent FROM attendance_report AS a
            WHERE a.sign_up_id = s.id AND a.second_at IS NOT NULL ORDER BY a.second_at DESC LIMIT 1) AS r ON true
     WHERE s.placement_id = $1;
END
$$;
REVOKE ALL ON FUNCTION placement_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION placement_of TO {app};
