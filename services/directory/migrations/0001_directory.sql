-- Who is in the network, what they do and where (directory.md). Public facts only: no person, so no row security.

CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Šiauliai = Siauliai = SIAULIAI, also where a file holds letter and accent as two characters.
-- Immutable on purpose: the dictionary of unaccent does not change under a running cluster.
CREATE FUNCTION folded(written text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(unaccent('unaccent', normalize(written, NFC)));

-- How well a text has all the words: 1000 each word stands in it, less for misspellings, null when a word is missing.
CREATE FUNCTION word_score(words text[], target text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN bool_and(score >= 500) THEN avg(score)::integer END
      FROM (SELECT CASE WHEN strpos(target, word) > 0 THEN 1000
                        WHEN length(word) < 4 THEN 0 -- a slip in three letters resembles everything
                        ELSE (word_similarity(word, target) * 1000)::integer END AS score
              FROM unnest(words) AS word) AS scored
$$;

CREATE FUNCTION names_text(names jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(value, ' ' ORDER BY key), '') FROM jsonb_each_text(names)
$$;

CREATE DOMAIN directory_key AS text CHECK (VALUE ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(VALUE) <= 64);
CREATE DOMAIN open_code AS text CHECK (VALUE ~ '^[a-z][a-z0-9_]*$' AND length(VALUE) <= 64);
CREATE DOMAIN country_code AS text CHECK (VALUE ~ '^[A-Z]{2}$');
-- A page often gives a year or a month only.
CREATE DOMAIN partial_date AS text CHECK (VALUE ~ '^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$');
CREATE DOMAIN public_names AS jsonb CHECK (jsonb_typeof(VALUE) = 'object');
-- "LT" or "LT:Kaunas", one after the other.
CREATE DOMAIN coverage_list AS text[] CHECK (array_position(VALUE, NULL) IS NULL
    AND (cardinality(VALUE) = 0 OR array_to_string(VALUE, E'\n') ~ E'^[A-Z]{2}(:[^\n:]+)?(\n[A-Z]{2}(:[^\n:]+)?)*$'));

CREATE TABLE organisation (
    id uuid PRIMARY KEY,
    key directory_key NOT NULL CONSTRAINT organisation_key_once UNIQUE,
    type open_code NOT NULL,
    country country_code,
    seat text,
    founded partial_date,
    parent_id uuid REFERENCES organisation,
    names public_names NOT NULL CONSTRAINT organisation_has_a_name CHECK (names <> '{}'),
    status text NOT NULL CHECK (status IN ('active', 'suspended')),
    version integer NOT NULL CHECK (version > 0),
    changed_at timestamptz NOT NULL,
    search text NOT NULL GENERATED ALWAYS AS (folded(key || ' ' || names_text(names) || ' ' || coalesce(seat, ''))) STORED,
    CONSTRAINT organisation_not_inside_itself CHECK (parent_id <> id)
);
CREATE INDEX organisation_parent ON organisation (parent_id);

CREATE TABLE service (
    id uuid PRIMARY KEY,
    key directory_key NOT NULL CONSTRAINT service_key_once UNIQUE,
    organisation_id uuid NOT NULL REFERENCES organisation,
    kind open_code NOT NULL,
    channels text[] NOT NULL,
    languages text[] NOT NULL,
    coverage coverage_list NOT NULL,
    names public_names NOT NULL CONSTRAINT service_has_a_name CHECK (names <> '{}'),
    about text,
    started partial_date,
    accepting text NOT NULL CHECK (accepting IN ('open', 'waiting', 'closed', 'unknown')),
    -- Who said so: nobody, a published page, the demo (invented), or the organisation itself.
    accepting_source text NOT NULL CHECK (accepting_source IN ('nobody', 'page', 'demo', 'organisation')),
    urgencies text[] NOT NULL CHECK (urgencies <@ ARRAY['crisis', 'urgent', 'standard', 'planned']),
    status text NOT NULL CHECK (status IN ('published', 'withdrawn')),
    version integer NOT NULL CHECK (version > 0),
    changed_at timestamptz NOT NULL,
    search text NOT NULL GENERATED ALWAYS AS (folded(key || ' ' || names_text(names) || ' ' || coalesce(about, ''))) STORED,
    CONSTRAINT service_unknown_from_nobody CHECK ((accepting = 'unknown') OR accepting_source <> 'nobody')
);
CREATE INDEX service_organisation ON service (organisation_id);

CREATE TABLE service_partner (
    service_id uuid NOT NULL REFERENCES service,
    place integer NOT NULL,
    organisation_id uuid NOT NULL REFERENCES organisation,
    PRIMARY KEY (service_id, organisation_id)
);
CREATE INDEX service_partner_organisation ON service_partner (organisation_id);

CREATE TABLE membership (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisation,
    network_id uuid NOT NULL REFERENCES organisation,
    started partial_date,
    ended partial_date,
    role text,
    CONSTRAINT membership_once UNIQUE NULLS NOT DISTINCT (organisation_id, network_id, started),
    CONSTRAINT membership_in_another CHECK (organisation_id <> network_id)
);
CREATE INDEX membership_network ON membership (network_id);

CREATE TABLE initiative (
    id uuid PRIMARY KEY,
    key directory_key NOT NULL CONSTRAINT initiative_key_once UNIQUE,
    names public_names NOT NULL,
    started partial_date,
    ended partial_date,
    year partial_date,
    programme text,
    approved_by text,
    approved_on partial_date,
    reported_on partial_date,
    activities jsonb NOT NULL CHECK (jsonb_typeof(activities) = 'array'),
    results text[] NOT NULL,
    outputs text[] NOT NULL,
    next_step text,
    lithuanian_partner text
);

CREATE TABLE initiative_organisation (
    initiative_id uuid NOT NULL REFERENCES initiative,
    role text NOT NULL
        CHECK (role IN ('administrator', 'funder', 'initiator', 'partner', 'seminar_organiser', 'visited')),
    place integer NOT NULL,
    organisation_id uuid NOT NULL REFERENCES organisation,
    PRIMARY KEY (initiative_id, role, organisation_id)
);
CREATE INDEX initiative_organisation_organisation ON initiative_organisation (organisation_id);

CREATE TABLE indicator (
    id uuid PRIMARY KEY,
    initiative_id uuid NOT NULL REFERENCES initiative,
    name text NOT NULL,
    unit open_code NOT NULL,
    planned integer CHECK (planned >= 0),
    reached integer CHECK (reached >= 0),
    impact text,
    CONSTRAINT indicator_once UNIQUE (initiative_id, name)
);

CREATE TABLE licence (
    id uuid PRIMARY KEY,
    programme_id uuid NOT NULL REFERENCES service,
    by_id uuid REFERENCES organisation,
    municipalities coverage_list NOT NULL,
    note text,
    CONSTRAINT licence_once UNIQUE NULLS NOT DISTINCT (programme_id, by_id)
);
CREATE INDEX licence_by ON licence (by_id);

CREATE TABLE network_fact (
    id uuid PRIMARY KEY,
    country country_code,
    fact text NOT NULL,
    as_of partial_date,
    CONSTRAINT network_fact_once UNIQUE NULLS NOT DISTINCT (country, fact)
);

-- What an imported file says of itself.
CREATE TABLE import_source (
    id uuid PRIMARY KEY,
    about text NOT NULL CONSTRAINT import_source_once UNIQUE,
    first_at timestamptz NOT NULL
);

-- Who set which field when, with the old and the new value (HSDS metadata).
CREATE TABLE metadata (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resource_type text NOT NULL CHECK (resource_type IN ('organisation', 'service')),
    resource_id uuid NOT NULL,
    last_action_type text NOT NULL CHECK (last_action_type IN ('create', 'update')),
    last_action_at timestamptz NOT NULL,
    field_name text NOT NULL,
    previous_value jsonb,
    replacement_value jsonb,
    updated_by text NOT NULL
);
CREATE INDEX metadata_resource ON metadata (resource_type, resource_id, no);

-- Where each service works: of its own, or by a licence; no place means the whole country.
CREATE VIEW served AS
    SELECT s.id AS service_id, 'own' AS way, split_part(area, ':', 1) AS country,
           folded(nullif(split_part(area, ':', 2), '')) AS place
      FROM service AS s, unnest(s.coverage) AS area
    UNION ALL
    SELECT l.programme_id, 'licence', split_part(area, ':', 1), folded(nullif(split_part(area, ':', 2), ''))
      FROM licence AS l, unnest(l.municipalities) AS area;

GRANT SELECT, INSERT, UPDATE ON organisation, service, membership, initiative, indicator, licence, network_fact TO {app};
GRANT SELECT, INSERT, DELETE ON service_partner, initiative_organisation TO {app};
GRANT SELECT, INSERT ON import_source, metadata TO {app};
GRANT SELECT ON served TO {app};
