-- What was erased and what is kept by order: ids, codes and times; the one text, a hold's reference, is sealed.
CREATE TABLE erasure_ledger (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    object_type text NOT NULL,
    object_id uuid NOT NULL,
    key_ids uuid[] NOT NULL,
    reason text NOT NULL,
    basis text NOT NULL,
    at timestamptz NOT NULL,
    done_at timestamptz,
    CONSTRAINT erasure_once UNIQUE (org_id, object_type, object_id)
);
CREATE INDEX erasure_unfinished ON erasure_ledger (at) WHERE done_at IS NULL;

CREATE TABLE legal_hold (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    object_type text NOT NULL,
    object_id uuid NOT NULL,
    key_id uuid NOT NULL,
    reference bytea NOT NULL,
    review_on date NOT NULL,
    at timestamptz NOT NULL,
    released_at timestamptz
);
CREATE UNIQUE INDEX legal_hold_living ON legal_hold (org_id, object_type, object_id) WHERE released_at IS NULL;

ALTER TABLE erasure_ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure_ledger FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON erasure_ledger USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE legal_hold ENABLE ROW LEVEL SECURITY;
ALTER TABLE legal_hold FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON legal_hold USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

-- A record that is held or erased is there for nobody, whatever statement asks, but for work that says it means it.
CREATE FUNCTION seeing_closed() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(current_setting('tukiverkko.closed', true), '') = 'on'
$$;

-- Look-ups across organisations: they give ids and times only. FORCE binds the owner too; these policies let it read.
CREATE POLICY look_up ON erasure_ledger FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY look_up ON legal_hold FOR SELECT TO CURRENT_USER USING (true);

CREATE FUNCTION erasures_unfinished(most integer) RETURNS TABLE (org_id uuid, id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT e.org_id, e.id FROM erasure_ledger AS e WHERE e.done_at IS NULL ORDER BY e.at LIMIT $1;
END
$$;

CREATE FUNCTION erasure_newest() RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN (SELECT max(e.at) FROM erasure_ledger AS e WHERE e.done_at IS NOT NULL);
END
$$;

CREATE FUNCTION holds_to_review(today date) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN (SELECT count(*) FROM legal_hold AS h WHERE h.released_at IS NULL AND h.review_on <= $1);
END
$$;

-- What the acting organisation's own audit says about one object, for the export of a record.
CREATE FUNCTION audit_about(wanted uuid) RETURNS TABLE (
    at timestamptz, subject text, operation text, purpose text, basis text, outcome text, request_id text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT a.at, a.subject, a.operation, a.purpose, a.basis, a.outcome, a.request_id FROM audit AS a
     WHERE a.org_id = acting_org() AND a.object_id = $1 ORDER BY a.no;
END
$$;

REVOKE ALL ON FUNCTION erasures_unfinished, erasure_newest, holds_to_review, audit_about FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erasures_unfinished, erasure_newest, holds_to_review, audit_about TO {app};
GRANT SELECT, INSERT ON erasure_ledger, legal_hold TO {app};
GRANT UPDATE (done_at) ON erasure_ledger TO {app};
GRANT UPDATE (reference, released_at) ON legal_hold TO {app};
