-- What a leader writes: a note that staff read, or a message that the man reads with his code. Sealed with his key, gone after a month.
CREATE TABLE remark (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    sign_up_id uuid NOT NULL REFERENCES sign_up,
    kind text NOT NULL CHECK (kind IN ('note', 'message')),
    key_id uuid NOT NULL,
    content bytea NOT NULL,
    by_subject text NOT NULL,
    at timestamptz NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX remark_of_sign_up ON remark (sign_up_id, at);
CREATE INDEX remark_until ON remark (until);
ALTER TABLE remark ENABLE ROW LEVEL SECURITY;
ALTER TABLE remark FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON remark USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY tidy_look ON remark FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY tidy ON remark FOR DELETE TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, DELETE ON remark TO {app};

CREATE FUNCTION remarks_tidied(at timestamptz, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM remark AS r WHERE r.id IN (SELECT o.id FROM remark AS o WHERE o.until <= $1 ORDER BY o.until LIMIT $2);
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;
REVOKE ALL ON FUNCTION remarks_tidied FROM PUBLIC;
GRANT EXECUTE ON FUNCTION remarks_tidied TO {app};
