-- The person behind a sign-up can be held by order or erased; the sign-up keeps its place in the queue's arithmetic.
ALTER TABLE participant ADD COLUMN held_at timestamptz;
ALTER TABLE participant ADD COLUMN erased_at timestamptz;

-- For the process alone: functions that run as the owner (look-ups by id, such as which keys are in use) see all rows.
CREATE POLICY open_rows ON participant AS RESTRICTIVE TO {app}
    USING ((held_at IS NULL AND erased_at IS NULL) OR seeing_closed()) WITH CHECK (true);

-- What an erasure leaves of the history: states and days; the card goes.
GRANT UPDATE (by_subject, deadline, at) ON history TO {app};
GRANT DELETE ON return_card TO {app};

-- Sign-ups whose time is over, across organisations: ids only, never held or erased ones. `days` is the programme's own figure here.
CREATE POLICY due ON participant FOR SELECT TO CURRENT_USER USING (true);

CREATE FUNCTION persons_due(rule text, at timestamptz, days integer, most integer)
RETURNS TABLE (org_id uuid, id uuid) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY
    SELECT s.org_id, s.id FROM sign_up AS s JOIN participant AS q ON q.id = s.participant_id
      JOIN peer_group AS g ON g.id = s.group_id JOIN programme AS p ON p.id = g.programme_id
     WHERE $1 = 'signup.ended' AND q.held_at IS NULL AND q.erased_at IS NULL
       AND s.state NOT IN ('waiting', 'offered', 'intake', 'confirmed', 'active')
       AND s.changed_at < $2 - make_interval(days => p.retention_days)
     ORDER BY s.changed_at LIMIT $4;
END
$$;

REVOKE ALL ON FUNCTION persons_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION persons_due TO {app};
