-- A referral is three rows: the leg (no person), the sender's record and the receiver's case (access-and-privacy.md 3).

CREATE TABLE partner (
    org_id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE,
    type text NOT NULL,
    country text NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE partner_service (
    service_id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    key text NOT NULL UNIQUE,
    kind text NOT NULL,
    accepting text NOT NULL,
    urgencies text[] NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX partner_service_of_organisation ON partner_service (org_id);

CREATE DOMAIN referral_state AS text CHECK (VALUE IN (
    'draft', 'sent', 'received', 'info_requested', 'assessing', 'accepted', 'waitlisted', 'in_progress', 'on_hold',
    'completed', 'ended', 'declined', 'forwarded', 'withdrawn', 'expired', 'entered_in_error'));

CREATE TABLE leg (
    id uuid PRIMARY KEY,
    episode_id uuid NOT NULL,
    parent_id uuid REFERENCES leg,
    kind text NOT NULL CHECK (kind IN ('ordinary', 'child_concern')),
    sender_id uuid NOT NULL,
    receiver_id uuid NOT NULL,
    service_id uuid,
    urgency text NOT NULL CHECK (urgency IN ('crisis', 'urgent', 'standard', 'planned')),
    ordered boolean NOT NULL,
    state referral_state NOT NULL,
    held_from referral_state,
    feedback_scope text NOT NULL,
    scope_fixed boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT leg_two_parties CHECK (sender_id <> receiver_id)
);

CREATE TABLE sender_record (
    id uuid PRIMARY KEY REFERENCES leg,
    org_id uuid NOT NULL,
    receiver_id uuid NOT NULL,
    service_id uuid,
    state referral_state NOT NULL,
    reason text,
    urgency text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    key_id uuid NOT NULL,
    personal bytea NOT NULL,
    external_ref_mac bytea,
    sent_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX sender_record_sent ON sender_record (org_id, sent_at DESC, id DESC);
CREATE INDEX sender_record_reference ON sender_record (org_id, external_ref_mac) WHERE external_ref_mac IS NOT NULL;

CREATE TABLE receiver_case (
    id uuid PRIMARY KEY REFERENCES leg,
    org_id uuid NOT NULL,
    sender_id uuid NOT NULL,
    service_id uuid,
    state referral_state NOT NULL,
    reason text,
    urgency text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    key_id uuid NOT NULL,
    personal bytea NOT NULL,
    handling bytea,
    sent_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX receiver_case_inbox ON receiver_case (org_id, sent_at DESC, id DESC);

CREATE TABLE history (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    referral_id uuid NOT NULL, -- no reference: it is written with the row that has one, in one statement
    no integer NOT NULL,
    transition text NOT NULL,
    from_state referral_state,
    to_state referral_state NOT NULL,
    by_org uuid NOT NULL,
    by_subject text,
    reason text,
    at timestamptz NOT NULL,
    CONSTRAINT history_order UNIQUE (org_id, referral_id, no)
);

-- The second wall: each protected table has exactly one owner column.
ALTER TABLE sender_record ENABLE ROW LEVEL SECURITY;
ALTER TABLE sender_record FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON sender_record USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE receiver_case ENABLE ROW LEVEL SECURITY;
ALTER TABLE receiver_case FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON receiver_case USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE history ENABLE ROW LEVEL SECURITY;
ALTER TABLE history FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON history USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

-- The process has no right on the leg: it comes through functions that refuse everybody but the two parties. In
-- plpgsql, because that keeps its plans: a function in SQL that runs with other rights is planned at every call.
CREATE FUNCTION leg_open(
    id uuid, episode_id uuid, kind text, sender_id uuid, receiver_id uuid, service_id uuid, urgency text,
    ordered boolean, state text, feedback_scope text, at timestamptz
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    IF $4 IS DISTINCT FROM acting_org() THEN
        RETURN NULL;
    END IF;
    INSERT INTO leg (id, episode_id, kind, sender_id, receiver_id, service_id, urgency, ordered, state,
                     feedback_scope, created_at, changed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11);
    RETURN $1;
END
$$;

CREATE FUNCTION leg_locked(wanted uuid) RETURNS SETOF leg LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
AS $$
BEGIN
    RETURN QUERY SELECT l.* FROM leg AS l WHERE l.id = $1 AND acting_org() IN (l.sender_id, l.receiver_id) FOR UPDATE;
END
$$;

CREATE FUNCTION leg_moved(wanted uuid, new_state text, fix_scope boolean, at timestamptz)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    moved uuid;
BEGIN
    UPDATE leg AS l SET state = $2, scope_fixed = l.scope_fixed OR $3, changed_at = $4
     WHERE l.id = $1 AND acting_org() IN (l.sender_id, l.receiver_id)
    RETURNING l.id INTO moved;
    RETURN moved;
END
$$;

REVOKE ALL ON FUNCTION leg_open, leg_locked, leg_moved FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leg_open, leg_locked, leg_moved TO {app};
GRANT SELECT, INSERT, UPDATE ON partner, partner_service, sender_record, receiver_case TO {app};
GRANT SELECT, INSERT ON history TO {app};
