-- The standing of a service among those that fit a place alike: whether it accepts, then how fresh its entry is. It stands
-- beside each of its places, so that a page is read in its order by index, however many fit (directory.md section 2).

ALTER TABLE service_search ADD COLUMN fresh smallint NOT NULL DEFAULT 0 CHECK (fresh BETWEEN 0 AND 3);
ALTER TABLE service_search ADD COLUMN standing smallint NOT NULL GENERATED ALWAYS AS (
    CASE accepting WHEN 'open' THEN 40 WHEN 'waiting' THEN 30 WHEN 'unknown' THEN 20 ELSE 10 END + fresh) STORED;

ALTER TABLE service_area DROP CONSTRAINT service_area_way_check;
ALTER TABLE service_area ADD CONSTRAINT service_area_way_check CHECK (way IN ('own', 'licence', 'any'));
ALTER TABLE service_area
    -- the place, or nothing for the whole country: in an index an order is kept behind values, not behind null
    ADD COLUMN spot text NOT NULL GENERATED ALWAYS AS (coalesce(place, '')) STORED,
    ADD COLUMN key text NOT NULL DEFAULT '',
    ADD COLUMN kind text NOT NULL DEFAULT '',
    ADD COLUMN standing smallint NOT NULL DEFAULT 0;

UPDATE service_search AS c SET fresh = CASE
           WHEN s.verified_at > now() - interval '90 days' THEN 3 WHEN s.verified_at > now() - interval '180 days' THEN 2
           WHEN s.verified_at > now() - interval '365 days' THEN 1 ELSE 0 END
  FROM service AS s WHERE s.id = c.service_id AND s.verified_at IS NOT NULL;
-- One row for each country in which a service works anywhere at all.
INSERT INTO service_area (service_id, way, country) SELECT DISTINCT service_id, 'any', country FROM service_area;
UPDATE service_area AS a SET key = c.key, kind = c.kind, standing = c.standing
  FROM service_search AS c WHERE c.service_id = a.service_id;

CREATE INDEX service_area_standing ON service_area (country, spot, way, standing DESC, key);
CREATE INDEX service_area_kind ON service_area (country, spot, way, kind, standing DESC, key);
CREATE INDEX service_search_far ON service_search (country, remote, standing DESC, key)
    WHERE listed AND (remote OR NOT somewhere);
CREATE INDEX service_search_key ON service_search (key) WHERE listed;
DROP INDEX service_search_country;
