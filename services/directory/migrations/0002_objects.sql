-- What hangs on organisations, services and places (directory.md section 1), who sees it (section 4), and the change feed
-- (section 3). Parts belong to one thing and are read, judged and versioned with it, so they stand in its row.

CREATE DOMAIN part_list AS jsonb CHECK (jsonb_typeof(VALUE) = 'array');
CREATE DOMAIN part_object AS jsonb CHECK (jsonb_typeof(VALUE) = 'object');

ALTER TABLE organisation
    ADD COLUMN descriptions part_object NOT NULL DEFAULT '{}',
    ADD COLUMN website text,
    ADD COLUMN email text,
    ADD COLUMN phones part_list NOT NULL DEFAULT '[]',
    ADD COLUMN contacts part_list NOT NULL DEFAULT '[]',
    ADD COLUMN identifiers part_list NOT NULL DEFAULT '[]',
    ADD COLUMN funding text[] NOT NULL DEFAULT '{}',
    ADD COLUMN programs part_list NOT NULL DEFAULT '[]',
    ADD COLUMN visibility part_object NOT NULL DEFAULT '{}';
ALTER TABLE organisation DROP CONSTRAINT organisation_status_check;
ALTER TABLE organisation ADD CONSTRAINT organisation_status_check
    CHECK (status IN ('joining', 'active', 'suspended', 'removed'));
-- A parent may stand anywhere in the same file.
ALTER TABLE organisation ALTER CONSTRAINT organisation_parent_id_fkey DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE service
    ADD COLUMN descriptions part_object NOT NULL DEFAULT '{}',
    ADD COLUMN program text,
    ADD COLUMN url text,
    ADD COLUMN email text,
    ADD COLUMN needs text[] NOT NULL DEFAULT '{}',
    ADD COLUMN eligibility part_object NOT NULL DEFAULT '{}',
    ADD COLUMN referral part_object NOT NULL DEFAULT '{}',
    ADD COLUMN phones part_list NOT NULL DEFAULT '[]',
    ADD COLUMN contacts part_list NOT NULL DEFAULT '[]',
    ADD COLUMN schedules part_list NOT NULL DEFAULT '[]',
    ADD COLUMN costs part_list NOT NULL DEFAULT '[]',
    ADD COLUMN documents text[] NOT NULL DEFAULT '{}',
    ADD COLUMN funding text[] NOT NULL DEFAULT '{}',
    ADD COLUMN alert text,
    ADD COLUMN visibility part_object NOT NULL DEFAULT '{}';
ALTER TABLE service DROP CONSTRAINT service_status_check;
ALTER TABLE service ADD CONSTRAINT service_status_check CHECK (status IN ('published', 'withdrawn', 'removed'));

CREATE TABLE location (
    id uuid PRIMARY KEY,
    key directory_key NOT NULL CONSTRAINT location_key_once UNIQUE,
    organisation_id uuid NOT NULL REFERENCES organisation,
    kind text NOT NULL CHECK (kind IN ('physical', 'postal', 'virtual')),
    country country_code NOT NULL,
    county text,
    municipality text,
    city text,
    address_1 text,
    address_2 text,
    postal_code text,
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    withheld text CHECK (withheld IN ('safety_of_residents', 'safety_of_staff', 'by_order', 'other')),
    url text,
    names part_object NOT NULL DEFAULT '{}',
    descriptions part_object NOT NULL DEFAULT '{}',
    transport part_object NOT NULL DEFAULT '{}',
    accessibility text[] NOT NULL DEFAULT '{}',
    languages text[] NOT NULL DEFAULT '{}',
    phones part_list NOT NULL DEFAULT '[]',
    schedules part_list NOT NULL DEFAULT '[]',
    visibility part_object NOT NULL DEFAULT '{}',
    status text NOT NULL CHECK (status IN ('published', 'removed')),
    version integer NOT NULL CHECK (version > 0),
    changed_at timestamptz NOT NULL,
    -- What must not be known is not here: nobody can ask for it, copy it or lose it.
    CONSTRAINT location_withheld_is_nowhere CHECK (withheld IS NULL OR (
        city IS NULL AND municipality IS NULL AND address_1 IS NULL AND address_2 IS NULL AND postal_code IS NULL
        AND latitude IS NULL AND longitude IS NULL AND url IS NULL AND transport = '{}' AND phones = '[]'
        AND descriptions = '{}' AND names = '{}' AND accessibility = '{}' AND schedules = '[]')),
    CONSTRAINT location_point_is_whole CHECK ((latitude IS NULL) = (longitude IS NULL))
);
CREATE INDEX location_organisation ON location (organisation_id);
CREATE INDEX location_postal_code ON location (country, postal_code) WHERE postal_code IS NOT NULL;
CREATE INDEX location_point ON location (latitude, longitude) WHERE latitude IS NOT NULL;

CREATE TABLE service_location (
    id uuid NOT NULL UNIQUE,
    service_id uuid NOT NULL REFERENCES service,
    place integer NOT NULL,
    location_id uuid NOT NULL REFERENCES location,
    PRIMARY KEY (service_id, location_id)
);
CREATE INDEX service_location_location ON service_location (location_id);

-- Codes of staff, never names: who is meant knows the organisation alone.
CREATE TABLE facilitator (
    id uuid PRIMARY KEY,
    code directory_key NOT NULL,
    organisation_id uuid NOT NULL REFERENCES organisation,
    programme_id uuid NOT NULL REFERENCES service,
    training text,
    started date,
    ended date,
    CONSTRAINT facilitator_once UNIQUE (organisation_id, code, programme_id)
);
CREATE INDEX facilitator_programme ON facilitator (programme_id);

ALTER TABLE indicator
    ADD COLUMN evidence text,
    ADD COLUMN started partial_date,
    ADD COLUMN ended partial_date,
    -- where the reached value is counted from; null: as it was reported
    ADD COLUMN source text;

ALTER TABLE metadata DROP CONSTRAINT metadata_resource_type_check;
ALTER TABLE metadata ADD CONSTRAINT metadata_resource_type_check
    CHECK (resource_type IN ('organisation', 'service', 'location'));
ALTER TABLE metadata DROP CONSTRAINT metadata_last_action_type_check;
ALTER TABLE metadata ADD CONSTRAINT metadata_last_action_type_check
    CHECK (last_action_type IN ('create', 'update', 'withhold', 'remove'));

-- The change feed: numbers without a gap, given under one lock that is held until the commit. It keeps no values: what
-- a thing says now stands once, in `public_record`, so what was taken back is nowhere in the past either.
CREATE TABLE change_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL
);
INSERT INTO change_head (seq) VALUES (0);
CREATE TABLE public_record (
    section text NOT NULL,
    mark text NOT NULL,
    record text NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (section, mark)
);
CREATE TABLE directory_change (
    seq bigint PRIMARY KEY,
    section text NOT NULL,
    mark text NOT NULL,
    action text NOT NULL CHECK (action IN ('create', 'change', 'delete')),
    at timestamptz NOT NULL
);

-- What an import has read and not yet judged; empty between imports.
CREATE TABLE staged_row (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    section text NOT NULL,
    place text NOT NULL,
    mark text,
    content jsonb NOT NULL
);
CREATE INDEX staged_row_mark ON staged_row (section, mark);

GRANT SELECT, INSERT, UPDATE ON location, facilitator, public_record TO {app};
GRANT SELECT, UPDATE ON change_head TO {app};
GRANT SELECT, INSERT ON directory_change TO {app};
GRANT SELECT, INSERT, DELETE ON service_location, staged_row TO {app};
GRANT DELETE ON public_record, facilitator, membership, indicator, licence TO {app};
GRANT UPDATE (previous_value, replacement_value, last_action_type) ON metadata TO {app};
