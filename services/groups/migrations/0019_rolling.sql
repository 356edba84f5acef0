-- A rolling group takes new men before every n-th meeting only: the first, and then the n-th, the 2n-th and so on.
ALTER TABLE peer_group ADD COLUMN rolling_every integer NOT NULL DEFAULT 5
    CONSTRAINT peer_group_rolling CHECK (rolling_every BETWEEN 2 AND 27);

-- The next meeting at which men join; null where none is ahead.
CREATE FUNCTION next_joining(wanted uuid, every integer, at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN (SELECT n.starts_at FROM (
                SELECT s.starts_at, row_number() OVER (ORDER BY s.starts_at, s.no) AS place FROM session AS s
                 WHERE s.group_id = $1 AND s.state <> 'cancelled') AS n
             WHERE n.place % $2 = 0 AND n.starts_at > $3 ORDER BY n.starts_at LIMIT 1);
END
$$;
-- Whether the very next meeting is such a one.
CREATE FUNCTION joining_now(wanted uuid, every integer, at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN coalesce(next_joining($1, $2, $3) = (SELECT min(s.starts_at) FROM session AS s
        WHERE s.group_id = $1 AND s.state <> 'cancelled' AND s.starts_at > $3), false);
END
$$;
-- Whether free seats are given now; only a rolling group that has begun looks at its meetings for that.
CREATE FUNCTION window_open(state text, admission text, wanted uuid, every integer) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN $1 <> 'running' OR $2 <> 'rolling' OR joining_now($3, $4, now());
END
$$;
REVOKE ALL ON FUNCTION next_joining, joining_now, window_open FROM PUBLIC;
GRANT EXECUTE ON FUNCTION next_joining, joining_now, window_open TO {app};

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
                                 THEN next_joining(g.id, g.rolling_every, now()) END AS joins_at
      FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id LEFT JOIN partner AS o ON o.org_id = g.org_id
     WHERE g.state <> 'draft' AND p.kind <> 'support_pair';

CREATE OR REPLACE FUNCTION groups_to_tell(most integer) RETURNS TABLE (org_id uuid, group_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT g.org_id, g.id FROM peer_group AS g
     WHERE g.state IN ('open', 'running') AND g.accepting_told IS DISTINCT FROM (
            (g.state = 'open' OR g.admission <> 'closed')
            AND (g.waitlist_limit IS NULL OR g.waiting < g.waitlist_limit OR (g.waiting = 0 AND g.held < g.capacity))
            AND window_open(g.state, g.admission, g.id, g.rolling_every))
     LIMIT $1;
END
$$;

-- The sweeper offers as well what a window opens.
CREATE OR REPLACE FUNCTION groups_with_overdue_seats(at timestamptz, most integer) RETURNS TABLE (org_id uuid, group_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY (SELECT DISTINCT s.org_id, s.group_id FROM sign_up AS s
     WHERE (s.state = 'offered' AND s.offer_until <= $1)
        OR (s.state = 'offered' AND s.remind_at <= $1)
        OR (s.state = 'intake' AND s.intake_until <= $1
            AND (SELECT count(*) FROM intake_entry AS e WHERE e.sign_up_id = s.id AND e.kind = 'attempt') >= 2)
        OR (s.state IN ('waiting', 'intake', 'confirmed') AND s.contact_until <= $1
            AND contact_is_over(s.id, s.contact_way, s.contact_until, $1))
    UNION
    SELECT g.org_id, g.id FROM peer_group AS g
     WHERE g.state = 'running' AND g.admission = 'rolling' AND g.waiting > 0 AND g.held < g.capacity
       AND EXISTS (SELECT 1 FROM sign_up AS w
                    WHERE w.group_id = g.id AND w.state = 'waiting' AND w.contact_until IS NULL)
       AND joining_now(g.id, g.rolling_every, $1)) LIMIT $2;
END
$$;
