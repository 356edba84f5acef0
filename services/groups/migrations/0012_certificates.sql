-- An organisation signs certificates with a key of its own; the private half is sealed, the public one anybody may read.
ALTER TABLE partner ADD COLUMN names json NOT NULL DEFAULT '{}';
CREATE TABLE certificate_key (
    org_id uuid PRIMARY KEY,
    kid text NOT NULL UNIQUE,
    key_id uuid NOT NULL,
    private bytea NOT NULL,
    public json NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TABLE certificate (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    sign_up_id uuid NOT NULL UNIQUE REFERENCES sign_up,
    reference text NOT NULL UNIQUE,
    content json NOT NULL,
    signed text NOT NULL,
    by_subject text,
    at timestamptz NOT NULL
);
ALTER TABLE certificate_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE certificate_key FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON certificate_key USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY look_up ON certificate_key FOR SELECT TO CURRENT_USER USING (true);
ALTER TABLE certificate ENABLE ROW LEVEL SECURITY;
ALTER TABLE certificate FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON certificate USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
GRANT SELECT, INSERT ON certificate_key TO {app};
GRANT SELECT, INSERT, DELETE ON certificate TO {app};

CREATE FUNCTION certificate_keys() RETURNS TABLE (org_key text, public json)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT o.key, k.public FROM certificate_key AS k LEFT JOIN partner AS o ON o.org_id = k.org_id
     ORDER BY k.created_at, k.kid;
END
$$;
REVOKE ALL ON FUNCTION certificate_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION certificate_keys TO {app};
