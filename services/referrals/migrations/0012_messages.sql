-- Where an organisation wants to hear that something is new: addresses of its own, each for a kind of service or for all,
-- and for the kinds of messages it names. An address counts from the moment its code came back.
CREATE TABLE notification_address (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    service_kind text,
    language text NOT NULL,
    kinds text[] NOT NULL,
    address_mac bytea NOT NULL,
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,
    code_mac bytea,
    code_until timestamptz,
    confirmed_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT notification_address_proof CHECK (confirmed_at IS NOT NULL OR code_mac IS NOT NULL)
);
CREATE UNIQUE INDEX notification_address_once
    ON notification_address (org_id, address_mac, coalesce(service_kind, ''));
CREATE INDEX notification_address_list ON notification_address (org_id, created_at, id);

ALTER TABLE notification_address ENABLE ROW LEVEL SECURITY;
ALTER TABLE notification_address FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON notification_address USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
-- For keys_in_use of the chassis, which runs as the owner.
CREATE POLICY look_up ON notification_address FOR SELECT TO CURRENT_USER USING (true);

GRANT SELECT, INSERT, DELETE ON notification_address TO {app};
GRANT UPDATE (language, kinds, key_id, sealed, code_mac, code_until, confirmed_at) ON notification_address TO {app};
