-- A group over its season: what comes after it, and when its page last said that it takes sign-ups.
ALTER TABLE peer_group ADD COLUMN successor_id uuid;
ALTER TABLE peer_group ADD COLUMN accepting_told boolean;

-- A group that goes on admitting takes sign-ups while it runs; the page of every other one says so too.
CREATE OR REPLACE VIEW public_group WITH (security_barrier) AS
    SELECT g.id, g.org_id, o.key AS org_key, p.key AS programme_key, p.names AS programme_names, p.kind, p.intake,
           g.state, g.names, g.country, g.areas, g.languages, g.mode, g.admission, g.capacity,
           (g.state = 'open' OR (g.state = 'running' AND g.admission <> 'closed'))
               AND g.waiting = 0 AND g.held < g.capacity AS seat_at_once,
           (g.state = 'open' OR (g.state = 'running' AND g.admission <> 'closed'))
               AND (g.waitlist_limit IS NULL OR g.waiting < g.waitlist_limit
                    OR (g.waiting = 0 AND g.held < g.capacity)) AS accepting,
           g.place_public, g.start_on, g.local_start, g.tz, g.minutes, g.sessions, g.version, g.opened_at
      FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id LEFT JOIN partner AS o ON o.org_id = g.org_id
     WHERE g.state <> 'draft' AND p.kind <> 'support_pair';

-- Groups whose page says otherwise than their last event: once a day they are told anew.
CREATE FUNCTION groups_to_tell(most integer) RETURNS TABLE (org_id uuid, group_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT g.org_id, g.id FROM peer_group AS g
     WHERE g.state IN ('open', 'running') AND g.accepting_told IS DISTINCT FROM (
            (g.state = 'open' OR g.admission <> 'closed')
            AND (g.waitlist_limit IS NULL OR g.waiting < g.waitlist_limit OR (g.waiting = 0 AND g.held < g.capacity)))
     LIMIT $1;
END
$$;
REVOKE ALL ON FUNCTION groups_to_tell FROM PUBLIC;
GRANT EXECUTE ON FUNCTION groups_to_tell TO {app};
