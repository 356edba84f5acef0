-- Work across organisations goes through functions that run as the owner of the tables, whom FORCE ROW LEVEL SECURITY
-- binds too; these policies let it read, and the functions give ids only (keys_in_use of the chassis).
CREATE POLICY look_up ON sender_record FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY look_up ON receiver_case FOR SELECT TO CURRENT_USER USING (true);

-- The blind index: slow keyed hashes of who is referred, computed after the submit, by which an organisation finds its own
-- other records of the same person. Whoever erases a record also deletes its rows here.
CREATE TABLE person_index (
    org_id uuid NOT NULL,
    record_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('phone', 'email', 'name_year')),
    value bytea NOT NULL,
    PRIMARY KEY (org_id, record_id, kind)
);
CREATE INDEX person_index_same ON person_index (org_id, kind, value);
ALTER TABLE person_index ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_index FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON person_index USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

-- What waits for its hashes: ids only.
CREATE TABLE person_index_due (
    org uuid NOT NULL,
    record_id uuid NOT NULL,
    PRIMARY KEY (org, record_id)
);
INSERT INTO person_index_due SELECT org_id, id FROM sender_record UNION ALL SELECT org_id, id FROM receiver_case;

CREATE FUNCTION person_index_wanted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO person_index_due VALUES (NEW.org_id, NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER person_index_wanted AFTER INSERT ON sender_record
    FOR EACH ROW EXECUTE FUNCTION person_index_wanted();
CREATE TRIGGER person_index_wanted AFTER INSERT ON receiver_case
    FOR EACH ROW EXECUTE FUNCTION person_index_wanted();

CREATE FUNCTION person_index_next(most integer) RETURNS TABLE (org uuid, record_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT d.org, d.record_id FROM person_index_due AS d LIMIT $1;
END
$$;

CREATE FUNCTION person_index_done(wanted uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
AS $$
BEGIN
    DELETE FROM person_index_due AS d WHERE d.org = acting_org() AND d.record_id = $1;
END
$$;

-- Where the worker finds the sealed part; with the rights of who asks, so row security stands before it.
CREATE VIEW person_source WITH (security_invoker = true) AS
    SELECT id AS record_id, 'sender_record|personal' AS place, key_id, personal FROM sender_record
    UNION ALL
    SELECT id, 'receiver_case|personal', key_id, personal FROM receiver_case;

-- Whether the record is still there to be indexed; held until the end, so that an erasure comes before or after it.
CREATE FUNCTION person_source_locked(wanted uuid) RETURNS boolean LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    sent boolean;
BEGIN
    PERFORM FROM sender_record AS r WHERE r.id = $1 FOR SHARE;
    sent := FOUND;
    PERFORM FROM receiver_case AS c WHERE c.id = $1 FOR SHARE;
    RETURN sent OR FOUND;
END
$$;

REVOKE ALL ON FUNCTION person_source_locked FROM PUBLIC;
GRANT EXECUTE ON FUNCTION person_source_locked TO {app};
REVOKE ALL ON FUNCTION person_index_wanted, person_index_next, person_index_done FROM PUBLIC;
GRANT EXECUTE ON FUNCTION person_index_next, person_index_done TO {app};
GRANT SELECT, INSERT, DELETE ON person_index TO {app};
GRANT SELECT ON person_source TO {app};
