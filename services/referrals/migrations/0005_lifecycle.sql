-- The whole lifecycle: drafts, pauses that remember where they came from, legs of one episode, corrections.

-- What a sender may see of an end that he is not told: the word is his row's only.
ALTER DOMAIN referral_state DROP CONSTRAINT referral_state_check;
ALTER DOMAIN referral_state ADD CONSTRAINT referral_state_known CHECK (VALUE IN (
    'draft', 'sent', 'received', 'info_requested', 'assessing', 'accepted', 'waitlisted', 'in_progress', 'on_hold',
    'completed', 'ended', 'declined', 'forwarded', 'withdrawn', 'expired', 'entered_in_error', 'closed'));

-- A draft has no receiver yet; the version before this one never reads a draft.
ALTER TABLE leg ALTER COLUMN receiver_id DROP NOT NULL;
ALTER TABLE leg ADD COLUMN held_by text CHECK (held_by IN ('sender', 'receiver'));
ALTER TABLE leg ADD COLUMN last_transition text;
ALTER TABLE leg ADD COLUMN revived integer NOT NULL DEFAULT 0;
ALTER TABLE leg ADD COLUMN sender_acted_at timestamptz;
ALTER TABLE leg ADD COLUMN error_proposed_by uuid;
ALTER TABLE leg ADD CONSTRAINT leg_state_true CHECK (state <> 'closed') NOT VALID;
ALTER TABLE leg ADD CONSTRAINT leg_has_receiver
    CHECK (receiver_id IS NOT NULL OR state IN ('draft', 'sent', 'withdrawn', 'expired', 'entered_in_error')) NOT VALID;
ALTER TABLE leg ADD CONSTRAINT leg_concern_states CHECK (kind <> 'child_concern' OR state IN
    ('draft', 'sent', 'received', 'completed', 'withdrawn', 'entered_in_error')) NOT VALID;
CREATE INDEX leg_of_parent ON leg (parent_id) WHERE parent_id IS NOT NULL;

ALTER TABLE sender_record ALTER COLUMN receiver_id DROP NOT NULL;
ALTER TABLE sender_record ADD COLUMN kind text NOT NULL DEFAULT 'ordinary'
    CHECK (kind IN ('ordinary', 'child_concern'));
ALTER TABLE sender_record ADD COLUMN parent_id uuid;
ALTER TABLE sender_record ADD COLUMN episode_id uuid;
ALTER TABLE sender_record ADD COLUMN held_from referral_state; -- what it showed before a pause that the sender knows of
ALTER TABLE sender_record ADD COLUMN held_by text CHECK (held_by IN ('sender', 'receiver'));
ALTER TABLE sender_record ADD COLUMN last_transition text;
ALTER TABLE sender_record ADD COLUMN locked_at timestamptz; -- the personal part is not read any more, by anybody here
UPDATE sender_record SET episode_id = id;
CREATE INDEX sender_record_draft ON sender_record (org_id, changed_at DESC, id DESC) WHERE state = 'draft';

ALTER TABLE receiver_case ADD COLUMN kind text NOT NULL DEFAULT 'ordinary'
    CHECK (kind IN ('ordinary', 'child_concern'));
ALTER TABLE receiver_case ADD COLUMN held_from referral_state;
ALTER TABLE receiver_case ADD COLUMN held_by text CHECK (held_by IN ('sender', 'receiver'));
ALTER TABLE receiver_case ADD COLUMN last_transition text;
ALTER TABLE receiver_case ADD COLUMN locked_at timestamptz;
ALTER TABLE receiver_case ADD CONSTRAINT receiver_case_state_true CHECK (state NOT IN ('closed', 'draft')) NOT VALID;

-- What was said with a step, as far as this party may read it, sealed with this party's key; a step of the system has
-- no organisation.
ALTER TABLE history ADD COLUMN details bytea;
ALTER TABLE history ADD COLUMN key_id uuid;
CREATE POLICY look_up ON history FOR SELECT TO CURRENT_USER USING (true); -- which keys are in use
ALTER TABLE history ADD COLUMN event text;
ALTER TABLE history ALTER COLUMN by_org DROP NOT NULL;
GRANT UPDATE (details) ON history TO {app};

CREATE FUNCTION leg_begun(
    id uuid, parent uuid, kind text, sender_id uuid, receiver_id uuid, service_id uuid, urgency text, ordered boolean,
    state text, feedback_scope text, at timestamptz
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    episode uuid;
BEGIN
    IF $4 IS DISTINCT FROM acting_org() THEN
        RETURN NULL;
    END IF;
    IF $2 IS NOT NULL THEN
        SELECT l.episode_id INTO episode FROM leg AS l
         WHERE l.id = $2 AND acting_org() IN (l.sender_id, l.receiver_id);
        IF episode IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO leg (id, episode_id, parent_id, kind, sender_id, receiver_id, service_id, urgency, ordered, state,
                     feedback_scope, created_at, changed_at)
    VALUES ($1, coalesce(episode, $1), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11);
    RETURN coalesce(episode, $1);
END
$$;

CREATE FUNCTION leg_addressed(
    wanted uuid, receiver_id uuid, service_id uuid, urgency text, ordered boolean, feedback_scope text, at timestamptz
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    moved uuid;
BEGIN
    UPDATE leg AS l SET state = 'sent', receiver_id = $2, service_id = $3, urgency = $4, ordered = $5,
           feedback_scope = $6, last_transition = 'submit', changed_at = $7
     WHERE l.id = $1 AND l.sender_id = acting_org() AND l.state = 'draft'
    RETURNING l.id INTO moved;
    RETURN moved;
END
$$;

CREATE FUNCTION leg_stepped(
    wanted uuid, new_state text, held_from text, held_by text, scope_fixed boolean, transition text, at timestamptz
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    moved uuid;
BEGIN
    UPDATE leg AS l SET state = $2, held_from = $3, held_by = $4, scope_fixed = $5, last_transition = $6,
           revived = l.revived + CASE WHEN $6 = 'revive' THEN 1 ELSE 0 END, error_proposed_by = NULL, changed_at = $7
     WHERE l.id = $1 AND acting_org() IN (l.sender_id, l.receiver_id)
    RETURNING l.id INTO moved;
    RETURN moved;
END
$$;

-- The sender did something after the last step, such as sending the person elsewhere: a decision is not undone then.
CREATE FUNCTION leg_sender_acted(wanted uuid, at timestamptz)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    moved uuid;
BEGIN
    UPDATE leg AS l SET sender_acted_at = $2 WHERE l.id = $1 AND l.sender_id = acting_org() RETURNING l.id INTO moved;
    RETURN moved;
END
$$;

-- One officer proposes the correction, the other one carries it out.
CREATE FUNCTION leg_error_proposed(wanted uuid)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    moved uuid;
BEGIN
    UPDATE leg AS l SET error_proposed_by = acting_org()
     WHERE l.id = $1 AND acting_org() IN (l.sender_id, l.receiver_id) RETURNING l.id INTO moved;
    RETURN moved;
END
$$;

-- Drafts whose month is over, across organisations: ids only.
CREATE FUNCTION drafts_due(before timestamptz, most integer)
RETURNS TABLE (org_id uuid, id uuid) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT r.org_id, r.id FROM sender_record AS r
     WHERE r.state = 'draft' AND r.changed_at < $1 AND r.held_at IS NULL AND r.erased_at IS NULL
     ORDER BY r.changed_at LIMIT $2;
END
$$;

-- Entered in error: locked for thirty days, then erased on both sides.
CREATE OR REPLACE FUNCTION persons_due(rule text, at timestamptz, days integer, most integer)
RETURNS TABLE (org_id uuid, id uuid) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
DECLARE
    before timestamptz := $2 - make_interval(days => $3);
    wanted text[] := CASE $1
        WHEN 'referral.final' THEN ARRAY['completed', 'ended', 'declined', 'forwarded', 'withdrawn', 'expired',
                                         'entered_in_error', 'closed']
        WHEN 'referral.in_error' THEN ARRAY['entered_in_error'] END;
BEGIN
    RETURN QUERY
    SELECT d.org_id, d.id FROM (
        SELECT r.org_id, r.id, r.changed_at, r.state FROM sender_record AS r
         WHERE r.held_at IS NULL AND r.erased_at IS NULL
        UNION ALL SELECT c.org_id, c.id, c.changed_at, c.state FROM receiver_case AS c
         WHERE c.held_at IS NULL AND c.erased_at IS NULL) AS d
     WHERE d.changed_at < before AND ($1 = 'referral.unmoved' OR d.state = ANY (wanted))
     ORDER BY d.changed_at LIMIT $4;
END
$$;

REVOKE ALL ON FUNCTION leg_begun, leg_addressed, leg_stepped, leg_sender_acted, leg_error_proposed, drafts_due
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leg_begun, leg_addressed, leg_stepped, leg_sender_acted, leg_error_proposed, drafts_due
    TO {app};
