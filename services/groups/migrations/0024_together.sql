-- Groups that several organisations hold together: one owns it, the others hear of it; and seats of delegations.
ALTER TABLE peer_group ADD COLUMN co_orgs uuid[] NOT NULL DEFAULT '{}';
CREATE TABLE delegation_quota (
    group_id uuid NOT NULL REFERENCES peer_group,
    delegation text NOT NULL,
    seats integer NOT NULL CHECK (seats > 0),
    org_id uuid NOT NULL,
    CONSTRAINT delegation_quota_one PRIMARY KEY (group_id, delegation)
);
ALTER TABLE delegation_quota ENABLE ROW LEVEL SECURITY;
ALTER TABLE delegation_quota FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON delegation_quota USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY look_up ON delegation_quota FOR SELECT TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, DELETE ON delegation_quota TO {app};
ALTER TABLE sign_up ADD COLUMN delegation text;
CREATE INDEX sign_up_of_delegation ON sign_up (group_id, delegation) WHERE delegation IS NOT NULL;

-- Whose a thing of a group is, for an organisation that holds the group or holds it with others; nothing for all others.
CREATE FUNCTION group_organisation(noun text, wanted uuid, asking uuid) RETURNS TABLE (org_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
DECLARE
    of_group uuid;
BEGIN
    of_group := CASE $1
        WHEN 'signup' THEN (SELECT s.group_id FROM sign_up AS s WHERE s.id = $2)
        WHEN 'intake' THEN (SELECT s.group_id FROM intake_entry AS e JOIN sign_up AS s ON s.id = e.sign_up_id WHERE e.id = $2)
        WHEN 'session' THEN (SELECT m.group_id FROM session AS m WHERE m.id = $2)
        WHEN 'attendance' THEN (SELECT m.group_id FROM session AS m WHERE m.attendance_id = $2) END;
    RETURN QUERY SELECT g.org_id FROM peer_group AS g WHERE g.id = of_group AND ($3 = g.org_id OR $3 = ANY (g.co_orgs));
END
$$;
REVOKE ALL ON FUNCTION group_organisation FROM PUBLIC;
GRANT EXECUTE ON FUNCTION group_organisation TO {app};

CREATE OR REPLACE VIEW public_group WITH (security_barrier) AS
    SELECT g.id, g.org_id, o.key AS org_key, p.key AS programme_key, p.names AS programme_names, p.kind, p.intake,
           g.state, g.names, g.country, g.areas, g.languages, g.mode, g.admission, g.capacity,
           (g.state = 'open' OR (g.state = 'running' AND g.admission <> 'closed'))
               AND g.waiting = 0 AND g.held < g.capacity
               AND window_open(g.state, g.admission, g.id, g.rolling_every) AS seat_at_once,
           (g.state = 'open' OR (g.state = 'running' AND g.admission <> 'closed'))
               AND (g.waitlist_limit IS NULL OR g.waiting < g.waitlist_limit
                    OR (g.waiting = 0 AND g.held < g.capacity))
               AND window_open(g.state, g.admission, g.id, g.rolling_every) AS accepting,
           g.place_public, g.start_on, g.local_start, g.tz, g.minutes, g.sessions, g.version, g.opened_at,
           g.rolling_every, CASE WHEN g.state = 'running' AND g.admission = 'rolling'
                                 THEN next_joining(g.id, g.rolling_every, now()) END AS joins_at,
           p.min_age, p.max_age,
           (SELECT coalesce(json_agg(json_build_object('id', c.org_id, 'key', c.key) ORDER BY c.key), '[]'::json)
              FROM partner AS c WHERE c.org_id = ANY (g.co_orgs)) AS co_organisers,
           (SELECT coalesce(json_agg(json_build_object('delegation', q.delegation, 'seats', q.seats)
                                     ORDER BY q.delegation), '[]'::json)
              FROM delegation_quota AS q WHERE q.group_id = g.id) AS quotas
      FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id LEFT JOIN partner AS o ON o.org_id = g.org_id
     WHERE g.state <> 'draft' AND p.kind <> 'support_pair';
