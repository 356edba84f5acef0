-- Who came, as a code for each man and meeting; the rule by which a programme judges it; and the decision that he finished.
ALTER TABLE programme ADD COLUMN completion json NOT NULL DEFAULT '{"min_share": 75, "core": []}';
ALTER TABLE programme ADD COLUMN absences json NOT NULL DEFAULT '{"in_a_row": 2, "in_all": 3}';

CREATE TABLE attendance (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    session_id uuid NOT NULL REFERENCES session,
    sign_up_id uuid NOT NULL REFERENCES sign_up,
    code text NOT NULL CHECK (code IN ('present', 'late', 'left_early', 'excused', 'absent', 'not_recorded')),
    minutes integer CHECK (minutes BETWEEN 0 AND 1440),
    beforehand boolean NOT NULL DEFAULT false,
    corrected_for text,
    by_subject text,
    at timestamptz NOT NULL,
    CONSTRAINT attendance_once UNIQUE (session_id, sign_up_id)
);
CREATE INDEX attendance_of_sign_up ON attendance (sign_up_id);

-- The figures on which the decision rested stay with it, as they stood.
CREATE TABLE completion (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    sign_up_id uuid NOT NULL UNIQUE REFERENCES sign_up,
    decided_on date NOT NULL,
    rule_met boolean NOT NULL,
    held integer NOT NULL,
    attended integer NOT NULL,
    excused integer NOT NULL,
    absent integer NOT NULL,
    by_subject text,
    at timestamptz NOT NULL
);

ALTER TABLE attendance ENABLE ROW LEVEL SECURITY;
ALTER TABLE attendance FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON attendance USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE completion ENABLE ROW LEVEL SECURITY;
ALTER TABLE completion FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON completion USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
GRANT SELECT, INSERT, UPDATE, DELETE ON attendance TO {app};
GRANT SELECT, INSERT, DELETE ON completion TO {app};

CREATE FUNCTION sessions_to_close(at timestamptz, most integer) RETURNS TABLE (org_id uuid, group_id uuid, no integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT s.org_id, s.group_id, s.no FROM session AS s
     WHERE s.state IN ('planned', 'moved', 'held') AND s.starts_at + make_interval(mins => s.minutes) <= $1
     ORDER BY s.starts_at LIMIT $2;
END
$$;
REVOKE ALL ON FUNCTION sessions_to_close FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sessions_to_close TO {app};
