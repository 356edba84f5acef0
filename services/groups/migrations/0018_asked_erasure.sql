-- A man asks by his card that everything of him be erased: it happens after two days, and can be taken back until then.
ALTER TABLE return_card ADD COLUMN erase_at timestamptz;
CREATE INDEX return_card_erasing ON return_card (erase_at) WHERE erase_at IS NOT NULL;

CREATE OR REPLACE FUNCTION persons_due(rule text, at timestamptz, days integer, most integer)
RETURNS TABLE (org_id uuid, id uuid) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY
    SELECT s.org_id, s.id FROM sign_up AS s JOIN participant AS q ON q.id = s.participant_id
      JOIN peer_group AS g ON g.id = s.group_id JOIN programme AS p ON p.id = g.programme_id
     WHERE $1 = 'signup.ended' AND q.held_at IS NULL AND q.erased_at IS NULL
       AND s.state NOT IN ('waiting', 'offered', 'intake', 'confirmed', 'active')
       AND s.changed_at < $2 - make_interval(days => p.retention_days)
    UNION ALL
    SELECT s.org_id, s.id FROM return_card AS c JOIN sign_up AS s ON s.id = c.sign_up_id
      JOIN participant AS q ON q.id = s.participant_id
     WHERE $1 = 'signup.asked' AND q.held_at IS NULL AND q.erased_at IS NULL AND c.erase_at <= $2
     LIMIT $4;
END
$$;

-- Cards without a sign-up behind them, whose time is over: ids only.
CREATE FUNCTION cards_to_drop(at timestamptz, most integer) RETURNS TABLE (org_id uuid, sign_up_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT c.org_id, c.sign_up_id FROM return_card AS c
     WHERE c.erase_at <= $1 AND NOT EXISTS (SELECT 1 FROM sign_up AS s WHERE s.id = c.sign_up_id) LIMIT $2;
END
$$;
REVOKE ALL ON FUNCTION cards_to_drop FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cards_to_drop TO {app};
