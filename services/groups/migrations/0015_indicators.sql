-- Figures for funders, written when something happens and without a man in them: they outlive every record, and no
-- erasure has to save them first.
ALTER TABLE programme ADD COLUMN funder text;
CREATE TABLE indicator (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id uuid NOT NULL,
    programme_id uuid NOT NULL REFERENCES programme,
    month date NOT NULL,
    metric text NOT NULL,
    amount integer NOT NULL
);
CREATE INDEX indicator_of_month ON indicator (org_id, month);
ALTER TABLE indicator ENABLE ROW LEVEL SECURITY;
ALTER TABLE indicator FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON indicator USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
GRANT SELECT, INSERT ON indicator TO {app};
