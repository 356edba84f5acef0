-- The last day on which men sign themselves up, by the clock of the group's zone; who waits by then is offered seats as before.
ALTER TABLE peer_group ADD COLUMN sign_up_until date;
CREATE FUNCTION signing_up(until date, tz text) RETURNS boolean LANGUAGE sql STABLE SET search_path = public AS $$
    SELECT $1 IS NULL OR (now() AT TIME ZONE coalesce($2, 'UTC'))::date <= $1
$$;
REVOKE ALL ON FUNCTION signing_up FROM PUBLIC;
GRANT EXECUTE ON FUNCTION signing_up TO {app};

CREATE OR REPLACE VIEW public_group WITH (security_barrier) AS
    SELECT g.id, g.org_id, o.key AS org_key, p.key AS programme_key, p.names AS programme_names, p.kind, p.intake,
           g.state, g.names, g.country, g.areas, g.languages, g.mode, g.admission, g.capacity,
           (g.state = 'open' OR (g.state = 'running' AND g.admission <> 'closed'))
               AND g.waiting = 0 AND g.held < g.capacity
               AND window_open(g.state, g.admission, g.id, g.rolling_every)
               AND signing_up(g.sign_up_until, g.tz) AS seat_at_once,
           (g.state = 'open' OR (g.state = 'running' AND g.admission <> 'closed'))
               AND (g.waitlist_limit IS NULL OR g.waiting < g.waitlist_limit
                    OR (g.waiting = 0 AND g.held < g.capacity))
               AND window_open(g.state, g.admission, g.id, g.rolling_every)
               AND signing_up(g.sign_up_until, g.tz) AS accepting,
           g.place_public, g.start_on, g.local_start, g.tz, g.minutes, g.sessions, g.version, g.opened_at,
           g.rolling_every, CASE WHEN g.state = 'running' AND g.admission = 'rolling'
                                 THEN next_joining(g.id, g.rolling_every, now()) END AS joins_at,
           p.min_age, p.max_age,
           (SELECT coalesce(json_agg(json_build_object('id', c.org_id, 'key', c.key) ORDER BY c.key), '[]'::json)
              FROM partner AS c WHERE c.org_id = ANY (g.co_orgs)) AS co_organisers,
           (SELECT coalesce(json_agg(json_build_object('delegation', q.delegation, 'seats', q.seats)
                                     ORDER BY q.delegation), '[]'::json)
              FROM delegation_quota AS q WHERE q.group_id = g.id) AS quotas, g.sign_up_until
      FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id LEFT JOIN partner AS o ON o.org_id = g.org_id
     WHERE g.state <> 'draft' AND p.kind <> 'support_pair';

CREATE OR REPLACE FUNCTION groups_to_tell(most integer) RETURNS TABLE (org_id uuid, group_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT g.org_id, g.id FROM peer_group AS g
     WHERE g.state IN ('open', 'running') AND g.accepting_told IS DISTINCT FROM (
            (g.state = 'open' OR g.admission <> 'closed')
            AND (g.waitlist_limit IS NULL OR g.waiting < g.waitlist_limit OR (g.waiting = 0 AND g.held < g.capacity))
            AND window_open(g.state, g.admission, g.id, g.rolling_every) AND signing_up(g.sign_up_until, g.tz))
     LIMIT $1;
END
$$;
