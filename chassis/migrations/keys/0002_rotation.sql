-- Renewing the key-encryption key, and sweeping keys that no record uses.

-- A key-encryption key that was taken out of use wraps nothing more: a process that slept through its retirement is refused,
-- else the record that it seals could never be opened again.
CREATE TABLE {service}.retired_kek (
    kek text PRIMARY KEY,
    at timestamptz NOT NULL
);

CREATE FUNCTION {service}.kek_in_force() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = {service}
AS $$
BEGIN
    IF EXISTS (SELECT FROM retired_kek AS r WHERE r.kek = NEW.kek) THEN
        RAISE EXCEPTION 'this key-encryption key was retired';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER kek_in_force BEFORE INSERT OR UPDATE ON {service}.data_key
    FOR EACH ROW EXECUTE FUNCTION {service}.kek_in_force();
REVOKE ALL ON FUNCTION {service}.kek_in_force FROM PUBLIC;

-- Keys that were made before this moment were looked at by the sweeper: what is still there is used.
CREATE TABLE {service}.swept (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    until timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON {service}.swept TO {app};
