-- The copy of the organisations, fed by organisation.* events; members, clients and sessions come later.

CREATE TABLE partner (
    org_id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE,
    type text NOT NULL,
    country text NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON partner TO {app};
