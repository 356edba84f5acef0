-- Meetings: the local time is the truth, the moment follows from it and is set anew when the rules of a zone change.
CREATE TABLE session (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    group_id uuid NOT NULL REFERENCES peer_group,
    attendance_id uuid NOT NULL UNIQUE, -- its attendance is told by events with a count of their own
    no integer NOT NULL CHECK (no > 0),
    local_start timestamp NOT NULL,
    tz text NOT NULL,
    minutes integer NOT NULL CHECK (minutes > 0),
    starts_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('planned', 'moved', 'cancelled', 'held', 'closed')),
    topic_key text,
    catches_up integer,
    headcount integer CHECK (headcount >= 0),
    sequence integer NOT NULL DEFAULT 0,
    version integer NOT NULL CHECK (version > 0),
    changed_at timestamptz NOT NULL,
    CONSTRAINT session_no UNIQUE (group_id, no)
);
CREATE INDEX session_to_close ON session (starts_at) WHERE state IN ('planned', 'moved', 'held');

ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE session FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON session USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY look_up ON session FOR SELECT TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, UPDATE ON session TO {app};

-- A baseline for the network is asked for without an organisation; the owner alone is told.
CREATE FUNCTION session_owner(wanted uuid) RETURNS TABLE (org_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT s.org_id FROM session AS s WHERE s.id = $1;
END
$$;
REVOKE ALL ON FUNCTION session_owner FROM PUBLIC;
GRANT EXECUTE ON FUNCTION session_owner TO {app};
