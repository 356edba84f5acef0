-- One-time links: an institution answers without an account. Only keyed hashes of a token are kept.

CREATE TABLE institution_link (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    referral_id uuid NOT NULL REFERENCES leg,
    token_hash bytea NOT NULL CONSTRAINT institution_link_token UNIQUE,
    bound bytea NOT NULL, -- HMAC over token, case and version: a row that somebody wrote or moved by hand opens nothing
    version integer NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX institution_link_of_leg ON institution_link (referral_id);
CREATE INDEX institution_link_end ON institution_link (expires_at);
ALTER TABLE institution_link ENABLE ROW LEVEL SECURITY;
ALTER TABLE institution_link FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON institution_link USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY look_up ON institution_link FOR SELECT TO CURRENT_USER USING (true);

-- Before an organisation is known: ids only.
CREATE FUNCTION link_of_token(token_hash bytea) RETURNS TABLE (id uuid, org_id uuid, referral_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT i.id, i.org_id, i.referral_id FROM institution_link AS i WHERE i.token_hash = $1;
END
$$;

CREATE FUNCTION organisations_with_old_links(at timestamptz) RETURNS TABLE (org_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT i.org_id FROM institution_link AS i WHERE i.expires_at <= $1;
END
$$;

REVOKE ALL ON FUNCTION link_of_token, organisations_with_old_links FROM PUBLIC;
GRANT EXECUTE ON FUNCTION link_of_token, organisations_with_old_links TO {app};
GRANT SELECT, INSERT, DELETE ON institution_link TO {app};
GRANT UPDATE (used_at) ON institution_link TO {app};
