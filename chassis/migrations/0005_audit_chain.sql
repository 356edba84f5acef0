-- The chains of the audit: a sealer links every committed row once, so that a row that is missing is found as well as one
-- that was changed. Nobody but the functions below writes here, and what is written stays.

-- What waits for its link. A row comes in with its audit row and is taken out with the link, so that rows which commit
-- late, with a lower number than others that are linked already, are neither skipped nor linked twice.
CREATE TABLE audit_pending (
    no bigint PRIMARY KEY
);
INSERT INTO audit_pending SELECT no FROM audit;

-- `no` runs without a gap over all chains of this database, `seq` over one: an acting organisation's, or (the nil UUID)
-- that of rows without one. `hash` is keyed and covers the link before it in the chain.
CREATE TABLE audit_link (
    no bigint PRIMARY KEY,
    chain uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    audit_no bigint NOT NULL,
    hash bytea NOT NULL,
    linked_at timestamptz NOT NULL,
    CONSTRAINT audit_link_order UNIQUE (chain, seq),
    CONSTRAINT audit_link_once UNIQUE (audit_no)
);

-- How many links there are, keyed as well: whoever cuts the end can not make the mark that stood there before.
CREATE TABLE audit_top (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    no bigint NOT NULL,
    at timestamptz NOT NULL,
    mac bytea NOT NULL
);

CREATE TRIGGER audit_link_is_final BEFORE UPDATE OR DELETE ON audit_link
    FOR EACH ROW EXECUTE FUNCTION audit_is_final();
CREATE TRIGGER audit_link_is_not_emptied BEFORE TRUNCATE ON audit_link
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_final();
CREATE TRIGGER audit_top_stays BEFORE DELETE ON audit_top
    FOR EACH ROW EXECUTE FUNCTION audit_is_final();
CREATE TRIGGER audit_top_is_not_emptied BEFORE TRUNCATE ON audit_top
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_final();

CREATE OR REPLACE FUNCTION audit_append(
    id uuid, at timestamptz, org_id uuid, subject text, token_id text, operation text, object_type text,
    object_id uuid, purpose text, basis text, request_id text, outcome text, mac bytea
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    written bigint;
BEGIN
    INSERT INTO audit (id, at, org_id, subject, token_id, operation, object_type, object_id, purpose, basis,
                       request_id, outcome, mac)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING audit.no INTO written;
    INSERT INTO audit_pending VALUES (written);
END
$$;

-- What the sealer needs of a row: its number, its chain and its own keyed hash, which stands for the content.
CREATE FUNCTION audit_waiting(most integer) RETURNS TABLE (audit_no bigint, chain uuid, mac bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT a.no, coalesce(a.org_id, '00000000-0000-0000-0000-000000000000'), a.mac
      FROM audit_pending AS p JOIN audit AS a ON a.no = p.no ORDER BY p.no LIMIT $1;
END
$$;

CREATE FUNCTION audit_heads(chains uuid[]) RETURNS TABLE (chain uuid, seq bigint, hash bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT h.chain, h.seq, h.hash FROM unnest($1) AS wanted (chain) CROSS JOIN LATERAL (
        SELECT l.chain, l.seq, l.hash FROM audit_link AS l WHERE l.chain = wanted.chain ORDER BY l.seq DESC LIMIT 1
    ) AS h;
END
$$;

CREATE FUNCTION audit_linked() RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN coalesce((SELECT max(l.no) FROM audit_link AS l), 0);
END
$$;

-- Links and mark in one step. Two sealers at once fail by the keys of the table: one of them writes nothing.
CREATE FUNCTION audit_seal(links json, top bigint, at timestamptz, mac bytea) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    taken integer;
BEGIN
    INSERT INTO audit_link (no, chain, seq, audit_no, hash, linked_at)
    SELECT l.no, l.chain, l.seq, l.audit_no, decode(l.hash, 'hex'), $3
      FROM json_to_recordset($1) AS l (no bigint, chain uuid, seq bigint, audit_no bigint, hash text);
    DELETE FROM audit_pending AS p USING json_to_recordset($1) AS l (audit_no bigint) WHERE p.no = l.audit_no;
    GET DIAGNOSTICS taken = ROW_COUNT;
    INSERT INTO audit_top AS t (no, at, mac) VALUES ($2, $3, $4)
    ON CONFLICT (one) DO UPDATE SET no = excluded.no, at = excluded.at, mac = excluded.mac;
    RETURN taken;
END
$$;

-- The acting organisation's own rows, newest first, numbered within its own chain: other numbers would tell how much
-- others do. What is not linked yet comes within a second.
CREATE FUNCTION audit_own(before bigint, most integer) RETURNS TABLE (
    seq bigint, id uuid, at timestamptz, subject text, token_id text, operation text, object_type text, object_id uuid,
    purpose text, basis text, request_id text, outcome text
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT l.seq, a.id, a.at, a.subject, a.token_id, a.operation, a.object_type, a.object_id, a.purpose,
                        a.basis, a.request_id, a.outcome
      FROM audit_link AS l JOIN audit AS a ON a.no = l.audit_no
     WHERE l.chain = acting_org() AND ($1 IS NULL OR l.seq < $1) ORDER BY l.seq DESC LIMIT $2;
END
$$;

REVOKE ALL ON FUNCTION audit_waiting, audit_heads, audit_linked, audit_seal, audit_own FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_waiting, audit_heads, audit_linked, audit_seal, audit_own TO {app};

-- Which of these data keys a record of this database uses, for the sweeper of unused keys. Every uuid column whose name
-- speaks of a key counts, so that a new table is not forgotten. Where row security would hide rows from the tables' owner
-- nothing may be concluded: such a table needs the policy `look_up` (see services/groups/migrations/0002_look_ups.sql).
CREATE FUNCTION keys_in_use(ids uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public AS $$
DECLARE
    place record;
BEGIN
    FOR place IN
        SELECT c.relname, a.attname, c.relforcerowsecurity AND NOT EXISTS (
                   SELECT FROM pg_policies AS p WHERE p.schemaname = 'public' AND p.tablename = c.relname
                      AND p.policyname = 'look_up' AND p.cmd IN ('SELECT', 'ALL') AND p.qual = 'true'
                      AND current_user = ANY (p.roles)) AS hidden
          FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND a.atttypid = 'uuid'::regtype AND a.attnum > 0 AND NOT a.attisdropped AND a.attname LIKE '%key%'
    LOOP
        IF place.hidden THEN
            RAISE EXCEPTION 'the table % hides rows from its owner', place.relname;
        END IF;
        RETURN QUERY EXECUTE format('SELECT %I FROM %I WHERE %I = ANY ($1)', place.attname, place.relname,
                                    place.attname) USING $1;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION keys_in_use FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keys_in_use TO {app};
