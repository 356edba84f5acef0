-- Files of a referral: each party has a copy of its own, sealed by its own key, in pieces, so that no read holds it whole
-- twice. A judgment speaks of who is protected: a key of its own, and shown to the partner-safety role alone.
CREATE TABLE attachment (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    referral_id uuid NOT NULL REFERENCES leg,
    by_org uuid NOT NULL,
    by_subject text,
    visibility text NOT NULL CHECK (visibility IN ('both', 'own_org')),
    classification text NOT NULL,
    restricted boolean NOT NULL,
    media_type text NOT NULL,
    size integer NOT NULL CHECK (size BETWEEN 1 AND 10485760),
    pieces integer NOT NULL CHECK (pieces > 0),
    scan text NOT NULL CHECK (scan IN ('not_scanned', 'quarantined', 'clean', 'infected')),
    key_id uuid NOT NULL,
    about bytea NOT NULL, -- name and SHA-256: whoever has a file could look for it by its hash
    at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX attachment_of_leg ON attachment (referral_id, org_id);

CREATE TABLE attachment_piece (
    org_id uuid NOT NULL,
    attachment_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    no integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (org_id, attachment_id, no),
    FOREIGN KEY (org_id, attachment_id) REFERENCES attachment ON DELETE CASCADE
);
CREATE INDEX attachment_piece_of_leg ON attachment_piece (referral_id, org_id);
-- What is sealed packs no smaller.
ALTER TABLE attachment_piece ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE attachment ENABLE ROW LEVEL SECURITY;
ALTER TABLE attachment FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON attachment USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());
CREATE POLICY look_up ON attachment FOR SELECT TO CURRENT_USER USING (true);
ALTER TABLE attachment_piece ENABLE ROW LEVEL SECURITY;
ALTER TABLE attachment_piece FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON attachment_piece USING (org_id = acting_org()) WITH CHECK (org_id = acting_org());

GRANT SELECT, INSERT, DELETE ON attachment, attachment_piece TO {app};
GRANT UPDATE (scan) ON attachment TO {app};
