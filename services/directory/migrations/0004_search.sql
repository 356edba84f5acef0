-- Search (directory.md sections 2 and 3): what is searched stands in two tables made from the others, so that a question
-- reads the rows that fit by index and joins nothing. Both can be made anew at any time.

-- Stems of the language for whoever writes with its letters, and the plain words for whoever writes without.
-- PostgreSQL 15 has no stemmer for Latvian and Estonian: there plain words and their beginnings have to do.
CREATE FUNCTION stemmed(language text, said text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE language
        WHEN 'en' THEN to_tsvector('english', said)
        WHEN 'lt' THEN to_tsvector('lithuanian', said)
        WHEN 'fi' THEN to_tsvector('finnish', said)
        WHEN 'sv' THEN to_tsvector('swedish', said)
        WHEN 'nb' THEN to_tsvector('norwegian', said)
        WHEN 'ru' THEN to_tsvector('russian', said)
        ELSE to_tsvector('simple', said) END || to_tsvector('simple', folded(said));

CREATE AGGREGATE together (tsvector) (SFUNC = tsvector_concat, STYPE = tsvector, INITCOND = '');

CREATE FUNCTION words_of(names jsonb, about jsonb) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT setweight((SELECT together(stemmed(key, value)) FROM jsonb_each_text(names)), 'A')
        || setweight((SELECT together(stemmed(key, value)) FROM jsonb_each_text(about)), 'C')
$$;

-- Each word in any of the languages, or as the beginning of a plain word; all words must be there.
CREATE FUNCTION asked_words(asked text[]) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    word text;
    plain text;
    found tsquery;
    all_of tsquery;
BEGIN
    FOREACH word IN ARRAY asked LOOP
        plain := regexp_replace(folded(word), '[^[:alnum:]]+', ' ', 'g');
        found := plainto_tsquery('english', word) || plainto_tsquery('lithuanian', word)
              || plainto_tsquery('finnish', word) || plainto_tsquery('swedish', word)
              || plainto_tsquery('norwegian', word) || plainto_tsquery('russian', word)
              || plainto_tsquery('simple', plain);
        IF length(plain) >= 4 AND plain ~ '^[[:alnum:]]+$' THEN
            found := found || to_tsquery('simple', plain || ':*');
        END IF;
        IF numnode(found) > 0 THEN
            all_of := CASE WHEN all_of IS NULL THEN found ELSE all_of && found END;
        END IF;
    END LOOP;
    RETURN all_of;
END
$$;

CREATE TABLE service_search (
    service_id uuid PRIMARY KEY REFERENCES service,
    key text NOT NULL,
    listed boolean NOT NULL,
    country text,
    somewhere boolean NOT NULL,
    remote boolean NOT NULL,
    kind text NOT NULL,
    languages text[] NOT NULL,
    needs text[] NOT NULL,
    urgencies text[] NOT NULL,
    may_refer text[] NOT NULL,
    min_age integer,
    max_age integer,
    gender text,
    order_accepted boolean,
    -- with what its groups say: one that takes sign-ups makes a service open that its organisation has not closed
    accepting text NOT NULL CHECK (accepting IN ('open', 'waiting', 'closed', 'unknown')),
    names jsonb NOT NULL,
    about jsonb NOT NULL,
    words tsvector NOT NULL GENERATED ALWAYS AS (words_of(names, about)) STORED,
    plain text NOT NULL GENERATED ALWAYS AS (folded(names_text(names))) STORED
);
CREATE INDEX service_search_words ON service_search USING gin (words);
CREATE INDEX service_search_plain ON service_search USING gin (plain gin_trgm_ops);
CREATE INDEX service_search_kind ON service_search (kind) WHERE listed;
CREATE INDEX service_search_country ON service_search (country) WHERE listed AND (remote OR NOT somewhere);

-- Services whose words resemble all of these, by the index; with the limit that word_score has too. Short words have no
-- slips (word_score), so they only narrow. Five hundred at most: a word that resembles more of them tells none apart.
CREATE FUNCTION resembling(asked text[]) RETURNS SETOF uuid LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET pg_trgm.word_similarity_threshold = 0.5
    AS $$
DECLARE
    conditions text := '';
BEGIN
    FOR place IN 1 .. cardinality(asked) LOOP
        conditions := conditions || CASE WHEN length(asked[place]) < 4
            THEN format(' AND strpos(plain, $1[%s]) > 0', place) ELSE format(' AND $1[%s] <%% plain', place) END;
    END LOOP;
    RETURN QUERY EXECUTE 'SELECT service_id FROM service_search WHERE listed' || conditions || ' LIMIT 500'
        USING asked;
END
$$;

-- Where a service works, under every name of the place; no place means the whole country.
CREATE TABLE service_area (
    service_id uuid NOT NULL REFERENCES service,
    way text NOT NULL CHECK (way IN ('own', 'licence')),
    country text NOT NULL,
    place text
);
CREATE INDEX service_area_place ON service_area (country, place);
CREATE INDEX service_area_service ON service_area (service_id);

-- The copy of what group.* events tell: whether groups of a service take sign-ups, and where.
CREATE TABLE peer_group (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    programme_key text,
    kind text NOT NULL,
    areas text[] NOT NULL,
    languages text[] NOT NULL,
    mode text NOT NULL,
    accepting boolean NOT NULL,
    start_date date,
    version integer NOT NULL
);
CREATE INDEX peer_group_organisation ON peer_group (organisation_id) WHERE accepting;

ALTER TABLE service ADD COLUMN verified_at timestamptz;
ALTER TABLE organisation ADD COLUMN verified_at timestamptz;

GRANT SELECT, INSERT, UPDATE, DELETE ON service_search, service_area TO {app};
GRANT SELECT, INSERT, UPDATE ON peer_group TO {app};
