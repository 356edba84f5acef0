-- One deadline per sign-up, whatever is awaited, and one index for it: every command under a group's lock asks what is overdue.
-- A condition with several columns made PostgreSQL read every sign-up of the group, 10 µs each under row security.
ALTER TABLE sign_up ADD COLUMN due_at timestamptz GENERATED ALWAYS AS (
    CASE state WHEN 'offered' THEN offer_until WHEN 'intake' THEN least(intake_until, contact_until)
               WHEN 'waiting' THEN contact_until WHEN 'confirmed' THEN contact_until END) STORED;
CREATE INDEX sign_up_due_of_group ON sign_up (group_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX sign_up_due_at ON sign_up (due_at) WHERE due_at IS NOT NULL;
DROP INDEX sign_up_offers, sign_up_overdue, sign_up_intakes, sign_up_contacts;

CREATE OR REPLACE FUNCTION groups_with_overdue_seats(at timestamptz, most integer) RETURNS TABLE (org_id uuid, group_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY (SELECT DISTINCT s.org_id, s.group_id FROM sign_up AS s
     WHERE s.due_at <= $1 AND (s.state = 'offered'
        OR (s.state = 'intake' AND s.intake_until <= $1
            AND (SELECT count(*) FROM intake_entry AS e WHERE e.sign_up_id = s.id AND e.kind = 'attempt') >= 2)
        OR (s.state <> 'offered' AND s.contact_until <= $1
            AND contact_is_over(s.id, s.contact_way, s.contact_until, $1)))
    UNION
    SELECT s.org_id, s.group_id FROM sign_up AS s WHERE s.state = 'offered' AND s.remind_at <= $1
    UNION
    SELECT g.org_id, g.id FROM peer_group AS g
     WHERE g.state = 'running' AND g.admission = 'rolling' AND g.waiting > 0 AND g.held < g.capacity
       AND EXISTS (SELECT 1 FROM sign_up AS w
                    WHERE w.group_id = g.id AND w.state = 'waiting' AND w.contact_until IS NULL)
       AND joining_now(g.id, g.rolling_every, $1)) LIMIT $2;
END
$$;
