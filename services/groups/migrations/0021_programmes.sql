-- What a programme says of ages, of one man in two of its groups, and of organisations that may run it under licence.
ALTER TABLE programme ADD COLUMN min_age smallint CONSTRAINT programme_min_age CHECK (min_age BETWEEN 0 AND 120);
ALTER TABLE programme ADD COLUMN max_age smallint CONSTRAINT programme_max_age CHECK (max_age BETWEEN 0 AND 120);
ALTER TABLE programme ADD COLUMN several_seats boolean NOT NULL DEFAULT false;
ALTER TABLE programme ADD COLUMN licensed_orgs uuid[] NOT NULL DEFAULT '{}';
ALTER TABLE programme ADD COLUMN licence_of uuid;

-- The partner step is one word for everybody but partner safety: done, or not.
ALTER TABLE sign_up ADD COLUMN partner_step_at timestamptz;

-- A programme of somebody else, for an organisation that may run it; nothing for all others.
CREATE FUNCTION licensed_programme(wanted uuid, org uuid) RETURNS TABLE (
    kind text, names json, mandated text, intake text, partner_step boolean, retention_days integer, consents json,
    individual_meetings integer, mandated_share integer, completion json, absences json, min_age smallint, max_age smallint,
    several_seats boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT p.kind, p.names, p.mandated, p.intake, p.partner_step, p.retention_days, p.consents,
                        p.individual_meetings, p.mandated_share, p.completion, p.absences, p.min_age, p.max_age, p.several_seats
      FROM programme AS p WHERE p.id = $1 AND $2 = ANY (p.licensed_orgs);
END
$$;
-- Whether a programme is the public's to know, and whose it is; for its baseline.
CREATE FUNCTION programme_owner(wanted uuid) RETURNS TABLE (org_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT p.org_id FROM programme AS p WHERE p.id = $1 AND p.kind <> 'support_pair';
END
$$;
REVOKE ALL ON FUNCTION licensed_programme, programme_owner FROM PUBLIC;
GRANT EXECUTE ON FUNCTION licensed_programme, programme_owner TO {app};

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
           p.min_age, p.max_age
      FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id LEFT JOIN partner AS o ON o.org_id = g.org_id
     WHERE g.state <> 'draft' AND p.kind <> 'support_pair';
