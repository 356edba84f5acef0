-- Systems that ask for tokens: clients with their credentials, trusted issuers, revocations, and what guards the door.

CREATE TABLE client (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    roles text[] NOT NULL CHECK (cardinality(roles) > 0),
    method text NOT NULL CHECK (method IN ('private_key_jwt', 'client_secret')),
    status text NOT NULL CHECK (status IN ('active', 'revoked')),
    version integer NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);
CREATE INDEX client_of_organisation ON client (org_id, created_at DESC, id DESC);

-- Of a secret only the hash is kept (it is 256 random bits, so nothing slower is needed); of a key the public half.
CREATE TABLE client_credential (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    client_id uuid NOT NULL REFERENCES client,
    hash bytea CHECK (octet_length(hash) = 32),
    jwk jsonb,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    CONSTRAINT client_credential_one_kind CHECK ((hash IS NULL) <> (jwk IS NULL)),
    CONSTRAINT client_credential_secrets_end CHECK (hash IS NULL OR expires_at IS NOT NULL)
);
CREATE INDEX client_credential_of_client ON client_credential (client_id);

-- Tokens of such an issuer that carry this value in this claim may be exchanged for ours, for this organisation.
CREATE TABLE issuer (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    issuer text NOT NULL,
    jwks_uri text NOT NULL,
    audience text NOT NULL,
    claim text NOT NULL,
    value text NOT NULL,
    roles text[] NOT NULL CHECK (cardinality(roles) > 0),
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT issuer_one_organisation_each UNIQUE (issuer, claim, value)
);

-- The second wall: each protected table has exactly one owner column.
ALTER TABLE client ENABLE ROW LEVEL SECURITY;
ALTER TABLE client FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON client USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE client_credential ENABLE ROW LEVEL SECURITY;
ALTER TABLE client_credential FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON client_credential USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE issuer ENABLE ROW LEVEL SECURITY;
ALTER TABLE issuer FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON issuer USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

-- From when on the tokens of a subject count; ids and seconds only, and of use for as long as a token lives.
CREATE TABLE revocation (
    subject text PRIMARY KEY,
    not_before bigint NOT NULL
);

-- Assertions that were used, and failures by client and network: hashes, so that no address and no name is kept.
CREATE TABLE assertion_used (
    hash bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX assertion_used_age ON assertion_used (expires_at);
CREATE TABLE attempt (
    hash bytea PRIMARY KEY,
    failures integer NOT NULL CHECK (failures > 0),
    last_at timestamptz NOT NULL
);
CREATE INDEX attempt_age ON attempt (last_at);

-- Every look-up before an organisation is known: they give ids only. The functions run as the owner of the tables, whom
-- FORCE ROW LEVEL SECURITY binds too; these policies let it read.
CREATE POLICY look_up ON client FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY look_up ON issuer FOR SELECT TO CURRENT_USER USING (true);

CREATE FUNCTION client_owner(wanted uuid) RETURNS TABLE (org_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT c.org_id FROM client AS c WHERE c.id = $1;
END
$$;

CREATE FUNCTION issuer_rows(wanted text) RETURNS TABLE (id uuid, org_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT i.id, i.org_id FROM issuer AS i WHERE $1 IS NULL OR i.issuer = $1 ORDER BY i.created_at, i.id;
END
$$;

REVOKE ALL ON FUNCTION client_owner, issuer_rows FROM PUBLIC;
GRANT EXECUTE ON FUNCTION client_owner, issuer_rows TO {app};
GRANT SELECT, INSERT, UPDATE ON client TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON client_credential TO {app};
GRANT SELECT, INSERT, DELETE ON issuer, assertion_used TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON revocation, attempt TO {app};
