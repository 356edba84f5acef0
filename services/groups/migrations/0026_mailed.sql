-- How often an address was asked today whether it is somebody's, in all groups together: nobody is flooded through us. The
-- hash is keyed and of one day, so that it leads from one group to another for a day at most; nobody reads the table.
CREATE TABLE contact_mailed (
    mac bytea PRIMARY KEY,
    day date NOT NULL,
    times integer NOT NULL
);
CREATE INDEX contact_mailed_day ON contact_mailed (day);
CREATE FUNCTION contact_mailed_again(wanted bytea, today date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    counted integer;
BEGIN
    DELETE FROM contact_mailed AS c WHERE c.day < $2;
    INSERT INTO contact_mailed AS c (mac, day, times) VALUES ($1, $2, 1)
        ON CONFLICT (mac) DO UPDATE SET times = c.times + 1 RETURNING c.times INTO counted;
    RETURN counted;
END
$$;
REVOKE ALL ON FUNCTION contact_mailed_again FROM PUBLIC;
GRANT EXECUTE ON FUNCTION contact_mailed_again TO {app};
