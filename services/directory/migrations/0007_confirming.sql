-- Keeping it true (directory.md section 5): who was asked whether his entries are still right, who watches an entry, and
-- what people reported as wrong.

-- When an organisation was last asked, so that nobody is asked twice in a fortnight, whether or not mail can leave.
CREATE TABLE confirmation_asked (
    org_id uuid PRIMARY KEY REFERENCES organisation,
    asked_at timestamptz NOT NULL
);

-- One-time links; only hashes of their tokens.
CREATE TABLE confirmation (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organisation,
    token_hash bytea NOT NULL CONSTRAINT confirmation_token UNIQUE,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    answer text CHECK (answer IN ('correct', 'wrong')),
    CONSTRAINT confirmation_answered CHECK ((used_at IS NULL) = (answer IS NULL))
);
CREATE INDEX confirmation_org ON confirmation (org_id);
CREATE INDEX confirmation_end ON confirmation (expires_at);

CREATE TABLE watch (
    org_id uuid NOT NULL,
    section text NOT NULL CHECK (section IN ('organisations', 'services')),
    mark text NOT NULL,
    by_subject text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (org_id, section, mark)
);
CREATE INDEX watch_mark ON watch (section, mark);

CREATE TABLE wrong_report (
    id uuid PRIMARY KEY,
    section text NOT NULL CHECK (section IN ('organisations', 'locations', 'services')),
    mark text NOT NULL,
    org_id uuid NOT NULL REFERENCES organisation,
    field text,
    -- what somebody wrote, sealed with a key of its own that goes when the report was dealt with
    key_id uuid,
    words bytea,
    by_kind text NOT NULL CHECK (by_kind IN ('anybody', 'institution', 'organisation')),
    by_org uuid,
    at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'mended', 'right', 'useless')),
    ended_at timestamptz,
    ended_by text,
    version integer NOT NULL CHECK (version > 0),
    CONSTRAINT wrong_report_words CHECK ((words IS NULL) = (key_id IS NULL)),
    CONSTRAINT wrong_report_ended CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE INDEX wrong_report_org ON wrong_report (org_id, at, id);
CREATE INDEX wrong_report_open ON wrong_report (org_id) WHERE state = 'open';
CREATE INDEX wrong_report_end ON wrong_report (ended_at) WHERE words IS NOT NULL;

ALTER TABLE wrong_report ENABLE ROW LEVEL SECURITY;
ALTER TABLE wrong_report FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON wrong_report USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY look_up ON wrong_report FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY tidy ON wrong_report FOR UPDATE TO CURRENT_USER USING (state <> 'open');

-- Whose a report is, and who has open ones: ids only.
CREATE FUNCTION report_owner(id uuid) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
    RETURN (SELECT r.org_id FROM wrong_report AS r WHERE r.id = $1);
CREATE FUNCTION reported_organisations() RETURNS TABLE (org_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT r.org_id FROM wrong_report AS r WHERE r.state = 'open' GROUP BY r.org_id
     ORDER BY min(r.at) LIMIT 100;
END
$$;

-- What people wrote in reports that were dealt with.
CREATE FUNCTION reports_forgotten(before timestamptz) RETURNS TABLE (held uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY WITH due AS (
        SELECT o.id, o.key_id FROM wrong_report AS o WHERE o.ended_at < $1 AND o.words IS NOT NULL LIMIT 500)
    UPDATE wrong_report AS r SET words = NULL, key_id = NULL FROM due WHERE r.id = due.id RETURNING due.key_id;
END
$$;

ALTER TABLE service ADD COLUMN stale boolean NOT NULL DEFAULT false;

GRANT SELECT, INSERT, UPDATE ON confirmation_asked TO {app};
GRANT SELECT, INSERT, DELETE ON confirmation, watch TO {app};
GRANT SELECT, INSERT ON wrong_report TO {app};
GRANT UPDATE (used_at, answer) ON confirmation TO {app};
GRANT UPDATE (state, ended_at, ended_by, version) ON wrong_report TO {app};
REVOKE ALL ON FUNCTION report_owner, reported_organisations, reports_forgotten FROM PUBLIC;
GRANT EXECUTE ON FUNCTION report_owner, reported_organisations, reports_forgotten TO {app};
