-- What lies with an organisation that takes no part any more goes back to the senders (access-and-privacy.md section 8).
CREATE INDEX leg_with_receiver ON leg (receiver_id)
 WHERE state IN ('sent', 'received', 'info_requested', 'assessing', 'accepted', 'waitlisted', 'in_progress', 'on_hold');
CREATE POLICY look_up ON task FOR SELECT TO CURRENT_USER USING (true);

-- Open referrals of whom the sender was not told yet, across organisations: ids only.
CREATE FUNCTION legs_of_suspended(most integer) RETURNS TABLE (org_id uuid, id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY
    SELECT l.sender_id, l.id FROM leg AS l JOIN partner AS p ON p.org_id = l.receiver_id
     WHERE p.status = 'suspended'
       AND l.state IN ('sent', 'received', 'info_requested', 'assessing', 'accepted', 'waitlisted', 'in_progress',
                       'on_hold')
       AND NOT EXISTS (SELECT FROM task AS t WHERE t.referral_id = l.id AND t.org_id = l.sender_id
                          AND t.kind = 'receiver_suspended')
     ORDER BY l.changed_at LIMIT $1;
END
$$;
REVOKE ALL ON FUNCTION legs_of_suspended FROM PUBLIC;
GRANT EXECUTE ON FUNCTION legs_of_suspended TO {app};
