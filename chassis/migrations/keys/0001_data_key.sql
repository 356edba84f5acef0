-- One schema per service in the key database: wrapped data keys and nothing that says whose record they seal.

CREATE TABLE {service}.data_key (
    id uuid PRIMARY KEY,
    wrapped bytea NOT NULL,
    kek text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX data_key_age ON {service}.data_key (created_at);

GRANT USAGE ON SCHEMA {service} TO {app};
GRANT SELECT, INSERT, DELETE ON {service}.data_key TO {app};
