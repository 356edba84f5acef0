-- How long a service takes to answer, as it was last told to the network: a median, and never of few.
CREATE TABLE service_response (
    service_id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    median_hours integer CHECK (median_hours > 0), -- none: too few answers in the last year
    told_at timestamptz NOT NULL
);
CREATE INDEX service_response_org ON service_response (org_id);
ALTER TABLE service_response ENABLE ROW LEVEL SECURITY;
ALTER TABLE service_response FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON service_response USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
GRANT SELECT, INSERT, UPDATE ON service_response TO {app};
