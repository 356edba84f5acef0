-- Messages to people and organisations: written with the change, sent by the process `sender`. A row says of which object and
-- in which kind; to whom is found when it is sent. No address, no name and no word of the case stands here.
CREATE TABLE message (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    object_type text NOT NULL,
    object_id uuid NOT NULL,
    kind text NOT NULL,
    -- whose address: a row of the service's own addresses; none means the person whom the record is about
    recipient_id uuid,
    state text NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'sent', 'acknowledged', 'failed', 'dead', 'dropped')),
    reason text,
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    changed_at timestamptz NOT NULL
);
CREATE INDEX message_due ON message (not_before, id) WHERE state IN ('queued', 'failed');
-- What is asked about every few seconds; all that was delivered is not in it.
CREATE INDEX message_undelivered ON message (state) WHERE state IN ('queued', 'failed', 'dead');
CREATE INDEX message_of_object ON message (object_id);
CREATE INDEX message_waiting_for ON message (recipient_id, kind) WHERE state IN ('queued', 'failed');
CREATE INDEX message_age ON message USING brin (changed_at);

ALTER TABLE message ENABLE ROW LEVEL SECURITY;
ALTER TABLE message FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON message USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

-- Work across organisations: ids, codes and counts only. FORCE binds the owner too; these policies let it look and tidy.
CREATE POLICY look_up ON message FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY tidy ON message FOR DELETE TO CURRENT_USER USING (state NOT IN ('queued', 'failed'));

CREATE FUNCTION messages_due(at timestamptz, most integer) RETURNS TABLE (org_id uuid, id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT m.org_id, m.id FROM message AS m
     WHERE m.state IN ('queued', 'failed') AND m.not_before <= $1 ORDER BY m.not_before, m.id LIMIT $2;
END
$$;

CREATE FUNCTION messages_counted() RETURNS TABLE (state text, count bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT m.state, count(*) FROM message AS m WHERE m.state IN ('queued', 'failed', 'dead')
     GROUP BY m.state;
END
$$;

-- What was delivered long ago is of no use any more.
CREATE FUNCTION messages_tidied(before timestamptz, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM message AS m WHERE m.id IN (
        SELECT o.id FROM message AS o
         WHERE o.changed_at < $1 AND o.state NOT IN ('queued', 'failed') ORDER BY o.changed_at LIMIT $2);
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;

REVOKE ALL ON FUNCTION messages_due, messages_counted, messages_tidied FROM PUBLIC;
GRANT EXECUTE ON FUNCTION messages_due, messages_counted, messages_tidied TO {app};
GRANT SELECT, INSERT, DELETE ON message TO {app};
GRANT UPDATE (state, reason, attempts, not_before, sent_at, changed_at) ON message TO {app};
