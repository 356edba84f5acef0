-- The ledger once more, beside the keys: a case database restored from before an erasure learns of it here.
CREATE TABLE {service}.erasure (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    object_type text NOT NULL,
    object_id uuid NOT NULL,
    key_ids uuid[] NOT NULL,
    reason text NOT NULL,
    basis text NOT NULL,
    at timestamptz NOT NULL
);

GRANT SELECT, INSERT ON {service}.erasure TO {app};
