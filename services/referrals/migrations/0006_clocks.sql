-- Clocks of each party's row, tasks that the house gives, and a service's own figures.

CREATE TABLE clock (
    org_id uuid NOT NULL,
    referral_id uuid NOT NULL REFERENCES leg,
    code text NOT NULL CHECK (code ~ '^C[1-9]$'),
    turn text NOT NULL CHECK (turn IN ('sender', 'receiver')),
    started_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    paused_at timestamptz,
    stopped_at timestamptz,
    extended boolean NOT NULL DEFAULT false,
    steps timestamptz[] NOT NULL DEFAULT '{}', -- moments at which the house does something
    level smallint NOT NULL DEFAULT 0, -- how many of them it has done
    acts boolean NOT NULL DEFAULT false, -- of the two parties' rows of one clock, the one that is acted on
    act_at timestamptz GENERATED ALWAYS AS (CASE WHEN acts THEN steps[level + 1] END) STORED,
    PRIMARY KEY (org_id, referral_id, code)
);
CREATE INDEX clock_of_leg ON clock (referral_id);
CREATE INDEX clock_act ON clock (act_at, org_id, referral_id) WHERE act_at IS NOT NULL;

CREATE TABLE task (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    referral_id uuid NOT NULL REFERENCES leg,
    side text NOT NULL CHECK (side IN ('sender', 'receiver')),
    kind text NOT NULL,
    for_role text NOT NULL CHECK (for_role IN ('unit', 'lead', 'coordinator')),
    since timestamptz NOT NULL, -- the moment that it follows from: the same one never makes a second task
    due_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    done_at timestamptz,
    done_by text,
    CONSTRAINT task_once UNIQUE (org_id, referral_id, kind, for_role, since)
);
CREATE INDEX task_open ON task (org_id, due_at, id) WHERE done_at IS NULL;
CREATE INDEX task_of_leg ON task (referral_id);

-- Dated and never taken away: a clock that started under a figure keeps it.
CREATE TABLE clock_setting (
    org_id uuid NOT NULL,
    service_id uuid NOT NULL,
    code text NOT NULL CHECK (code ~ '^C[1-9]$'),
    urgency text NOT NULL CHECK (urgency IN ('crisis', 'urgent', 'standard', 'planned')),
    amount integer NOT NULL CHECK (amount > 0),
    effective_on date NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, service_id, code, urgency, effective_on)
);

ALTER TABLE clock ENABLE ROW LEVEL SECURITY;
ALTER TABLE clock FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON clock USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE task ENABLE ROW LEVEL SECURITY;
ALTER TABLE task FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON task USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
ALTER TABLE clock_setting ENABLE ROW LEVEL SECURITY;
ALTER TABLE clock_setting FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON clock_setting USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

-- What a list sorts and filters by: the first clock of the row that is due, and from which day he can come.
ALTER TABLE sender_record ADD COLUMN due_at timestamptz;
ALTER TABLE sender_record ADD COLUMN due_clock text;
ALTER TABLE sender_record ADD COLUMN not_before date;
ALTER TABLE receiver_case ADD COLUMN due_at timestamptz;
ALTER TABLE receiver_case ADD COLUMN due_clock text;
ALTER TABLE receiver_case ADD COLUMN not_before date;
CREATE INDEX sender_record_due ON sender_record (org_id, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX receiver_case_due ON receiver_case (org_id, due_at, id) WHERE due_at IS NOT NULL;

-- Where something is to be done, across organisations, from a place in the order of time: ids only.
CREATE POLICY look_up ON clock FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION clocks_due(until timestamptz, after_at timestamptz, after_org uuid, after_id uuid, most integer)
RETURNS TABLE (act_at timestamptz, org_id uuid, referral_id uuid) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT c.act_at, c.org_id, c.referral_id FROM clock AS c
     WHERE c.act_at <= $1 AND (c.act_at, c.org_id, c.referral_id) > ($2, $3, $4)
     ORDER BY c.act_at, c.org_id, c.referral_id LIMIT $5;
END
$$;

REVOKE ALL ON FUNCTION clocks_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clocks_due TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON clock TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON task TO {app};
GRANT SELECT, INSERT, UPDATE ON clock_setting TO {app};
