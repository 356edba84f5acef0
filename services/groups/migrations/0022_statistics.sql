-- A month of a programme as the network was told of it, once; small figures are left out before they are written.
CREATE TABLE statistics_closed (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    programme_id uuid NOT NULL REFERENCES programme,
    month date NOT NULL,
    figures json NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT statistics_closed_once UNIQUE (programme_id, month)
);
ALTER TABLE statistics_closed ENABLE ROW LEVEL SECURITY;
ALTER TABLE statistics_closed FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON statistics_closed USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY look_up ON statistics_closed FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY look_up ON indicator FOR SELECT TO CURRENT_USER USING (true);
GRANT SELECT, INSERT ON statistics_closed TO {app};

-- Programmes and months that are over and not told yet: ids only.
CREATE FUNCTION statistics_to_close(until date, most integer) RETURNS TABLE (org_id uuid, programme_id uuid, month date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT i.org_id, i.programme_id, i.month FROM indicator AS i
     WHERE i.month < $1 AND NOT EXISTS (SELECT 1 FROM statistics_closed AS c
            WHERE c.programme_id = i.programme_id AND c.month = i.month) LIMIT $2;
END
$$;
CREATE FUNCTION statistics_owner(wanted uuid) RETURNS TABLE (org_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT c.org_id FROM statistics_closed AS c WHERE c.id = $1;
END
$$;

-- Whom it was told of that he may not begin by his day: once.
ALTER TABLE sign_up ADD COLUMN risk_told_at timestamptz;
CREATE INDEX sign_up_due ON sign_up (group_id) WHERE due_on IS NOT NULL AND risk_told_at IS NULL AND state = 'waiting';
CREATE FUNCTION groups_with_due_men(most integer) RETURNS TABLE (org_id uuid, group_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT s.org_id, s.group_id FROM sign_up AS s
     WHERE s.due_on IS NOT NULL AND s.risk_told_at IS NULL AND s.state = 'waiting' LIMIT $1;
END
$$;
REVOKE ALL ON FUNCTION statistics_to_close, statistics_owner, groups_with_due_men FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statistics_to_close, statistics_owner, groups_with_due_men TO {app};
