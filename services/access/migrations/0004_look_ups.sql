-- Every look-up of people before an organisation is known, in one file: they give ids only, and write nothing.
-- The functions run as the owner of the tables, whom FORCE ROW LEVEL SECURITY binds too; these policies let it read.
CREATE POLICY look_up ON invitation FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY look_up ON member FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY look_up ON member_device FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY look_up ON member_session FOR SELECT TO CURRENT_USER USING (true);

CREATE FUNCTION invitation_of_token(token_hash bytea) RETURNS TABLE (id uuid, org_id uuid, member_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT i.id, i.org_id, i.member_id FROM invitation AS i WHERE i.token_hash = $1;
END
$$;

CREATE FUNCTION session_of_token(token_hash bytea) RETURNS TABLE (id uuid, org_id uuid, member_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT s.id, s.org_id, s.member_id FROM member_session AS s WHERE s.token_hash = $1;
END
$$;

CREATE FUNCTION organisations_with_ended_sessions(at timestamptz) RETURNS TABLE (org_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT s.org_id FROM member_session AS s WHERE s.ends_at <= $1 OR s.idle_until <= $1
           UNION SELECT d.org_id FROM member_device AS d WHERE d.ends_at <= $1
           UNION SELECT i.org_id FROM invitation AS i WHERE i.expires_at <= $1;
END
$$;

REVOKE ALL ON FUNCTION invitation_of_token, session_of_token, organisations_with_ended_sessions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION invitation_of_token, session_of_token, organisations_with_ended_sessions TO {app};
