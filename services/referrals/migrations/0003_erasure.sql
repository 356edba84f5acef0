-- Each party's row can be held by order or erased; both hide it from every ordinary statement.
ALTER TABLE sender_record ADD COLUMN held_at timestamptz;
ALTER TABLE sender_record ADD COLUMN erased_at timestamptz;
ALTER TABLE receiver_case ADD COLUMN held_at timestamptz;
ALTER TABLE receiver_case ADD COLUMN erased_at timestamptz;

-- For the process alone: functions that run as the owner (look-ups by id, such as which keys are in use) see all rows.
CREATE POLICY open_rows ON sender_record AS RESTRICTIVE TO {app}
    USING ((held_at IS NULL AND erased_at IS NULL) OR seeing_closed()) WITH CHECK (true);
CREATE POLICY open_rows ON receiver_case AS RESTRICTIVE TO {app}
    USING ((held_at IS NULL AND erased_at IS NULL) OR seeing_closed()) WITH CHECK (true);

-- What an erasure leaves of the history: states and days.
GRANT UPDATE (reason, by_subject, at) ON history TO {app};
GRANT DELETE ON outside_read TO {app};

-- Records whose time is over, across organisations: ids only; never those that are held or erased.
CREATE POLICY due ON sender_record FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY due ON receiver_case FOR SELECT TO CURRENT_USER USING (true);

CREATE FUNCTION persons_due(rule text, at timestamptz, days integer, most integer)
RETURNS TABLE (org_id uuid, id uuid) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
DECLARE
    before timestamptz := $2 - make_interval(days => $3);
    final text[] := CASE $1 WHEN 'referral.final' THEN ARRAY['completed', 'ended', 'declined', 'forwarded', 'withdrawn',
                                                              'expired', 'entered_in_error'] END;
BEGIN
    RETURN QUERY
    SELECT d.org_id, d.id FROM (
        SELECT r.org_id, r.id, r.changed_at, r.state FROM sender_record AS r
         WHERE r.held_at IS NULL AND r.erased_at IS NULL
        UNION ALL SELECT c.org_id, c.id, c.changed_at, c.state FROM receiver_case AS c
         WHERE c.held_at IS NULL AND c.erased_at IS NULL) AS d
     WHERE d.changed_at < before AND ($1 = 'referral.unmoved' OR d.state = ANY (final))
     ORDER BY d.changed_at LIMIT $4;
END
$$;

REVOKE ALL ON FUNCTION persons_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION persons_due TO {app};
