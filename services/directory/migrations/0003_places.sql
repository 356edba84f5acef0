-- Distances, and whether everybody may know an address (directory.md sections 3 and 4).

CREATE FUNCTION metres_between(lat_a float8, lon_a float8, lat_b float8, lon_b float8) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN 2 * 6371008.8 * asin(least(1, sqrt(
        sin(radians(lat_b - lat_a) / 2) ^ 2
        + cos(radians(lat_a)) * cos(radians(lat_b)) * sin(radians(lon_b - lon_a) / 2) ^ 2)));

CREATE FUNCTION open_address(visibility jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN coalesce(visibility->>'address', 'public') = 'public';
