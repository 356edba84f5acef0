-- Each time somebody looked at a man's contact outside of his duty, and why; open for half an hour, to read only.
CREATE TABLE glass_broken (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    group_id uuid NOT NULL REFERENCES peer_group,
    sign_up_id uuid NOT NULL REFERENCES sign_up,
    reason text NOT NULL,
    by_subject text NOT NULL,
    at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    seen_at timestamptz,
    seen_by text,
    CONSTRAINT glass_broken_seen CHECK ((seen_at IS NULL) = (seen_by IS NULL))
);
CREATE INDEX glass_broken_of_sign_up ON glass_broken (sign_up_id, by_subject);
CREATE INDEX glass_broken_list ON glass_broken (org_id, at DESC, id DESC);
ALTER TABLE glass_broken ENABLE ROW LEVEL SECURITY;
ALTER TABLE glass_broken FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON glass_broken USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
GRANT SELECT, INSERT, DELETE ON glass_broken TO {app};
GRANT UPDATE (seen_at, seen_by) ON glass_broken TO {app};
