-- Each time that a roster left the house as a file, and why.
CREATE TABLE export_made (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    group_id uuid NOT NULL REFERENCES peer_group,
    purpose text NOT NULL,
    format text NOT NULL,
    by_subject text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX export_made_of_group ON export_made (group_id, at);
ALTER TABLE export_made ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_made FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON export_made USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
GRANT SELECT, INSERT ON export_made TO {app};

-- Addresses of calendars: random, kept as a hash, and gone when they are taken back.
CREATE TABLE calendar_feed (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    group_id uuid NOT NULL REFERENCES peer_group,
    token_mac bytea NOT NULL UNIQUE,
    sign_up_id uuid REFERENCES sign_up,
    subject text,
    language text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT calendar_feed_of_one CHECK ((sign_up_id IS NULL) <> (subject IS NULL))
);
CREATE UNIQUE INDEX calendar_feed_of_man ON calendar_feed (sign_up_id) WHERE sign_up_id IS NOT NULL;
CREATE UNIQUE INDEX calendar_feed_of_staff ON calendar_feed (group_id, subject) WHERE subject IS NOT NULL;
ALTER TABLE calendar_feed ENABLE ROW LEVEL SECURITY;
ALTER TABLE calendar_feed FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON calendar_feed USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY look_up ON calendar_feed FOR SELECT TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, DELETE ON calendar_feed TO {app};

-- Whoever has the address sees the meetings, as long as he who asked for it leads the group or has a seat in it.
CREATE FUNCTION calendar_of(mac bytea, at timestamptz) RETURNS TABLE (org_id uuid, group_id uuid, language text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT c.org_id, c.group_id, c.language FROM calendar_feed AS c
      LEFT JOIN sign_up AS s ON s.id = c.sign_up_id
     WHERE c.token_mac = $1
       AND (s.state IN ('confirmed', 'active')
            OR EXISTS (SELECT 1 FROM leader_assignment AS l WHERE l.group_id = c.group_id AND l.subject = c.subject
                          AND l.from_at <= $2 AND (l.to_at IS NULL OR l.to_at > $2)));
END
$$;
CREATE POLICY look_up ON leader_assignment FOR SELECT TO CURRENT_USER USING (true);
REVOKE ALL ON FUNCTION calendar_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION calendar_of TO {app};
