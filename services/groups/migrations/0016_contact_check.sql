-- Whether a man's own channel is his: until it is confirmed he keeps seat and place, and is offered nothing (groups.md 4, rule 8).
ALTER TABLE sign_up ADD COLUMN contact_way text CONSTRAINT sign_up_contact_way CHECK (contact_way IN ('mail', 'call'));
ALTER TABLE sign_up ADD COLUMN contact_until timestamptz; -- set as long as the confirmation is awaited
ALTER TABLE sign_up ADD COLUMN contact_verified_at timestamptz;
ALTER TABLE sign_up ADD COLUMN remind_at timestamptz; -- half of an offer's time; empty once somebody was reminded
CREATE INDEX sign_up_contacts ON sign_up (contact_until) WHERE contact_until IS NOT NULL;
CREATE INDEX sign_up_reminders ON sign_up (remind_at) WHERE remind_at IS NOT NULL;
-- Who gives a channel that nobody may use has to look in by code as well, and is still found when he signs up twice.
ALTER TABLE sign_up DROP CONSTRAINT sign_up_reachable;
-- A card without a sign-up behind it asks for the same confirmation, and counts wrong digits alike.
ALTER TABLE return_card ADD COLUMN told_way text CONSTRAINT return_card_told_way CHECK (told_way IN ('mail', 'call'));
ALTER TABLE return_card ADD COLUMN told_until timestamptz;
ALTER TABLE return_card ADD COLUMN wrong_digits integer NOT NULL DEFAULT 0;

-- Men whose confirmation is over: the mail went, or two calls reached nobody, and the time is past. A mail that could not
-- leave, or that never was written, ends nobody's place.
CREATE FUNCTION contact_is_over(sign_up_id uuid, way text, until timestamptz, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public AS $$
    SELECT $3 <= $4 AND CASE WHEN $2 = 'mail' THEN EXISTS (
               SELECT 1 FROM message AS m WHERE m.object_id = $1 AND m.kind = 'man.confirm'
                  AND m.state IN ('sent', 'acknowledged', 'dead') AND m.changed_at <= $4 - interval '72 hours')
           ELSE (SELECT count(*) FROM intake_entry AS e WHERE e.sign_up_id = $1 AND e.kind = 'attempt') >= 2 END
$$;

-- The sweeper finds every deadline: an offer's, a conversation's, a confirmation's; and whom to remind.
CREATE OR REPLACE FUNCTION groups_with_overdue_seats(at timestamptz, most integer) RETURNS TABLE (org_id uuid, group_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT s.org_id, s.group_id FROM sign_up AS s
     WHERE (s.state = 'offered' AND s.offer_until <= $1)
        OR (s.state = 'offered' AND s.remind_at <= $1)
        OR (s.state = 'intake' AND s.intake_until <= $1
            AND (SELECT count(*) FROM intake_entry AS e WHERE e.sign_up_id = s.id AND e.kind = 'attempt') >= 2)
        OR (s.state IN ('waiting', 'intake', 'confirmed') AND s.contact_until <= $1
            AND contact_is_over(s.id, s.contact_way, s.contact_until, $1))
     LIMIT $2;
END
$$;
REVOKE ALL ON FUNCTION contact_is_over FROM PUBLIC;
GRANT EXECUTE ON FUNCTION contact_is_over TO {app};
