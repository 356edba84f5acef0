-- What a programme asks before and around the seat, and what a conversation brought: codes and days, never a sentence.
ALTER TABLE programme ADD COLUMN consents json NOT NULL DEFAULT '[]';
ALTER TABLE programme ADD COLUMN individual_meetings integer NOT NULL DEFAULT 0;
ALTER TABLE programme ADD COLUMN mandated_share integer NOT NULL DEFAULT 50;

-- Until when the conversation has to be held; running out alone ends nothing (two attempts must be on record).
ALTER TABLE sign_up ADD COLUMN intake_until timestamptz;
CREATE INDEX sign_up_intakes ON sign_up (intake_until) WHERE state = 'intake';

CREATE TABLE intake_entry (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    sign_up_id uuid NOT NULL REFERENCES sign_up,
    kind text NOT NULL CHECK (kind IN ('booked', 'held', 'attempt', 'individual_meeting', 'outcome')),
    day date NOT NULL,
    key_id uuid, -- of the man; with the outcome, which is sealed: a reason such as a crisis stands nowhere in clear
    content bytea,
    by_subject text,
    at timestamptz NOT NULL,
    CONSTRAINT intake_entry_outcome CHECK ((kind = 'outcome') = (content IS NOT NULL)),
    CONSTRAINT intake_entry_key CHECK ((key_id IS NULL) = (content IS NULL))
);
CREATE INDEX intake_entry_of_sign_up ON intake_entry (sign_up_id);

CREATE TABLE consent_given (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    sign_up_id uuid NOT NULL REFERENCES sign_up,
    code text NOT NULL,
    text_version text NOT NULL,
    by_subject text,
    at timestamptz NOT NULL,
    CONSTRAINT consent_given_once UNIQUE (sign_up_id, code, text_version)
);

-- A leader proposes, a coordinator decides: the proposal stands alone until then.
CREATE TABLE removal_proposal (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    sign_up_id uuid NOT NULL REFERENCES sign_up,
    reason text NOT NULL,
    by_subject text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT removal_proposal_once UNIQUE (sign_up_id, by_subject)
);

ALTER TABLE intake_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE intake_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON intake_entry USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE consent_given ENABLE ROW LEVEL SECURITY;
ALTER TABLE consent_given FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON consent_given USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE removal_proposal ENABLE ROW LEVEL SECURITY;
ALTER TABLE removal_proposal FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON removal_proposal USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

GRANT SELECT, INSERT, DELETE ON intake_entry, consent_given, removal_proposal TO {app};

-- The sweeper finds both deadlines of a seat: an offer's and a conversation's.
CREATE FUNCTION groups_with_overdue_seats(at timestamptz, most integer) RETURNS TABLE (org_id uuid, group_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT s.org_id, s.group_id FROM sign_up AS s
     WHERE (s.state = 'offered' AND s.offer_until <= $1)
        OR (s.state = 'intake' AND s.intake_until <= $1
            AND (SELECT count(*) FROM intake_entry AS e WHERE e.sign_up_id = s.id AND e.kind = 'attempt') >= 2)
     LIMIT $2;
END
$$;
CREATE POLICY look_up ON intake_entry FOR SELECT TO CURRENT_USER USING (true);
REVOKE ALL ON FUNCTION groups_with_overdue_seats FROM PUBLIC;
GRANT EXECUTE ON FUNCTION groups_with_overdue_seats TO {app};
DROP FUNCTION groups_with_overdue_offers;
