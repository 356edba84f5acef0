-- The area queue: a voluntary referral without a receiver, one card per candidate, taken by exactly one (referrals.md 1).

ALTER TABLE partner_service ADD COLUMN coverage text[] NOT NULL DEFAULT '{}';
ALTER TABLE leg ADD COLUMN area text;
ALTER TABLE leg ADD COLUMN area_kind text;
ALTER TABLE leg ADD CONSTRAINT leg_queue CHECK (area IS NULL OR (kind = 'ordinary' AND NOT ordered));
ALTER TABLE sender_record ADD COLUMN area text;

-- The card says nothing of who is meant; it is emptied the moment that it closes.
CREATE TABLE area_offer (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    leg_id uuid NOT NULL REFERENCES leg,
    state text NOT NULL CHECK (state IN ('open', 'passed', 'taken', 'gone')),
    urgency text NOT NULL,
    respond_by timestamptz,
    key_id uuid,
    card bytea,
    made_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT area_offer_once UNIQUE (org_id, leg_id),
    CONSTRAINT area_offer_emptied CHECK ((state = 'open') = (card IS NOT NULL))
);
CREATE INDEX area_offer_open ON area_offer (org_id, made_at DESC, id DESC) WHERE state = 'open';
CREATE INDEX area_offer_of_leg ON area_offer (leg_id);
ALTER TABLE area_offer ENABLE ROW LEVEL SECURITY;
ALTER TABLE area_offer FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON area_offer USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY look_up ON area_offer FOR SELECT TO CURRENT_USER USING (true);

CREATE FUNCTION leg_queued(wanted uuid, area text, area_kind text)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    queued uuid;
BEGIN
    UPDATE leg AS l SET area = $2, area_kind = $3
     WHERE l.id = $1 AND l.sender_id = acting_org() AND l.receiver_id IS NULL RETURNING l.id INTO queued;
    RETURN queued;
END
$$;

-- Exactly one gets it: whoever holds the leg's lock first. `outcome` is taken, or gone for those who come later.
CREATE FUNCTION area_taken(offer uuid)
RETURNS TABLE (leg_id uuid, sender_id uuid, outcome text, closed_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    found_leg leg;
    mine area_offer;
BEGIN
    SELECT o.* INTO mine FROM area_offer AS o WHERE o.id = $1 AND o.org_id = acting_org();
    IF mine.id IS NULL THEN
        RETURN;
    END IF;
    SELECT l.* INTO found_leg FROM leg AS l WHERE l.id = mine.leg_id FOR UPDATE;
    SELECT o.* INTO mine FROM area_offer AS o WHERE o.id = $1;
    IF mine.state = 'open' AND found_leg.receiver_id IS NULL AND found_leg.state = 'sent' THEN
        UPDATE leg AS l SET receiver_id = acting_org() WHERE l.id = found_leg.id;
        RETURN QUERY SELECT found_leg.id, found_leg.sender_id, 'taken'::text, NULL::timestamptz;
    ELSE
        RETURN QUERY SELECT found_leg.id, NULL::uuid, mine.state, mine.closed_at;
    END IF;
END
$$;

-- Whom a leg was offered to, for its parties: ids only.
CREATE FUNCTION area_candidates(wanted uuid) RETURNS TABLE (org_id uuid, id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT o.org_id, o.id FROM area_offer AS o JOIN leg AS l ON l.id = o.leg_id
     WHERE l.id = $1 AND acting_org() IN (l.sender_id, l.receiver_id) AND o.state = 'open' ORDER BY o.org_id;
END
$$;

-- Who has said no to this leg or to one before it in the queue, for the sender.
CREATE FUNCTION area_decliners(wanted uuid) RETURNS TABLE (org_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE before AS (
        SELECT l.id, l.parent_id, l.receiver_id FROM leg AS l WHERE l.id = $1 AND l.sender_id = acting_org()
        UNION ALL
        SELECT p.id, p.parent_id, p.receiver_id FROM leg AS p JOIN before AS b ON p.id = b.parent_id
         WHERE p.sender_id = acting_org()
    )
    SELECT b.receiver_id FROM before AS b WHERE b.receiver_id IS NOT NULL;
END
$$;

-- More of what may be compared: a national id, and the date of birth where it is known.
ALTER TABLE person_index DROP CONSTRAINT person_index_kind_check;
ALTER TABLE person_index ADD CONSTRAINT person_index_kind_known
    CHECK (kind IN ('phone', 'email', 'name_year', 'name_date', 'national_id'));

REVOKE ALL ON FUNCTION leg_queued, area_taken, area_candidates, area_decliners FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leg_queued, area_taken, area_candidates, area_decliners TO {app};
GRANT SELECT, INSERT, UPDATE ON area_offer TO {app};
GRANT DELETE ON area_offer TO {app};
