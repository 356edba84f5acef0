-- On what basis data were sent, what ends their reading, child concerns by themselves, and the restricted part on others.

-- The day on which an order or consent ends; the clock of legal deadlines runs by it.
ALTER TABLE leg ADD COLUMN valid_until date;

CREATE FUNCTION leg_bound(wanted uuid, until date)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    bound uuid;
BEGIN
    UPDATE leg AS l SET valid_until = $2 WHERE l.id = $1 AND acting_org() = l.sender_id RETURNING l.id INTO bound;
    RETURN bound;
END
$$;

-- Read before the personal part is opened, so they stand beside it and in clear. A withdrawn consent sets `locked_at`.
ALTER TABLE sender_record ADD COLUMN consent_until date;
ALTER TABLE sender_record ADD COLUMN objected_at timestamptz;
ALTER TABLE receiver_case ADD COLUMN consent_until date;
ALTER TABLE receiver_case ADD COLUMN objected_at timestamptz;
ALTER TABLE receiver_case ADD COLUMN treating boolean NOT NULL DEFAULT false;
ALTER TABLE receiver_case ADD COLUMN kept_as_self_referral boolean NOT NULL DEFAULT false;
UPDATE receiver_case SET treating = true
 WHERE state IN ('accepted', 'waitlisted', 'in_progress', 'on_hold', 'completed', 'ended');

-- A concern for a child is nobody's duplicate: it is never compared with what else is known of the person.
CREATE OR REPLACE FUNCTION person_index_wanted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public AS $$
BEGIN
    IF NEW.kind <> 'child_concern' THEN
        INSERT INTO person_index_due VALUES (NEW.org_id, NEW.id) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;

-- What an officer approved: every version stays, because records name the one by which they were sent.
CREATE TABLE legal_template (
    org_id uuid NOT NULL,
    name text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    active boolean NOT NULL,
    default_for text CHECK (default_for IN ('voluntary', 'ordered', 'child_concern')),
    content jsonb NOT NULL,
    approved_by text NOT NULL,
    approved_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, name, version)
);

-- Victim and partner: a key of its own, read by the partner-safety role through one route only.
CREATE TABLE restricted_part (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    referral_id uuid NOT NULL REFERENCES leg,
    key_id uuid NOT NULL,
    content bytea NOT NULL,
    partner_step text NOT NULL CHECK (partner_step IN ('open', 'done')),
    version integer NOT NULL CHECK (version > 0),
    by_subject text NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT restricted_part_once UNIQUE (org_id, referral_id)
);
CREATE INDEX restricted_part_of_leg ON restricted_part (referral_id);

-- Who has opened the restricted part stands on the partner's side of the case, and on no other any more. Apart from the
-- named and barred members, which the man's side sees and his copy holds.
CREATE TABLE partner_side (
    org_id uuid NOT NULL,
    referral_id uuid NOT NULL REFERENCES leg,
    subject text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (org_id, referral_id, subject)
);
CREATE INDEX partner_side_of_leg ON partner_side (referral_id);

ALTER TABLE legal_template ENABLE ROW LEVEL SECURITY;
ALTER TABLE legal_template FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON legal_template USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE restricted_part ENABLE ROW LEVEL SECURITY;
ALTER TABLE restricted_part FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON restricted_part USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY look_up ON restricted_part FOR SELECT TO CURRENT_USER USING (true);

ALTER TABLE partner_side ENABLE ROW LEVEL SECURITY;
ALTER TABLE partner_side FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON partner_side USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

-- How a member is named in a case, for where he stands; with the rights of who asks, so row security stands before it.
CREATE VIEW member_standing WITH (security_invoker = true) AS
    SELECT org_id, referral_id, subject, kind FROM case_member
    UNION ALL SELECT org_id, referral_id, subject, 'partner_side' FROM partner_side;

REVOKE ALL ON FUNCTION leg_bound FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leg_bound TO {app};
GRANT SELECT, INSERT ON legal_template TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON restricted_part TO {app};
GRANT SELECT, INSERT, DELETE ON partner_side TO {app};
GRANT SELECT ON member_standing TO {app};
