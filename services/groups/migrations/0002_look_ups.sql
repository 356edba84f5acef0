-- Every look-up before an organisation is known, in one file: they give ids and public columns only, and write nothing.
-- The functions run as the owner of the tables, whom FORCE ROW LEVEL SECURITY binds too; these policies let it read.
CREATE POLICY look_up ON programme FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY look_up ON peer_group FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY look_up ON sign_up FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY look_up ON return_card FOR SELECT TO CURRENT_USER USING (true);

-- A group's public page: nothing of drafts, nothing of support pairs, no full address, no count of men. A view reads
-- with the rights of its owner, so it shows these columns of every organisation, and the planner sees through it.
CREATE VIEW public_group WITH (security_barrier) AS
    SELECT g.id, g.org_id, o.key AS org_key, p.key AS programme_key, p.names AS programme_names, p.kind, p.intake,
           g.state, g.names, g.country, g.areas, g.languages, g.mode, g.admission, g.capacity,
           g.state = 'open' AND g.waiting = 0 AND g.held < g.capacity AS seat_at_once,
           g.state = 'open' AND (g.waitlist_limit IS NULL OR g.waiting < g.waitlist_limit
                                 OR (g.waiting = 0 AND g.held < g.capacity)) AS accepting,
           g.place_public, g.start_on, g.local_start, g.tz, g.minutes, g.sessions, g.version, g.opened_at
      FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id LEFT JOIN partner AS o ON o.org_id = g.org_id
     WHERE g.state <> 'draft' AND p.kind <> 'support_pair';

CREATE FUNCTION group_owner(wanted uuid) RETURNS TABLE (org_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT g.org_id FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id
     WHERE g.id = $1 AND g.state <> 'draft' AND p.kind <> 'support_pair';
END
$$;

CREATE FUNCTION card_of_code(mac bytea) RETURNS TABLE (sign_up_id uuid, org_id uuid, group_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT c.sign_up_id, c.org_id, c.group_id FROM return_card AS c WHERE c.code_mac = $1;
END
$$;

CREATE FUNCTION card_of_sign_up(wanted uuid) RETURNS TABLE (sign_up_id uuid, org_id uuid, group_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT c.sign_up_id, c.org_id, c.group_id FROM return_card AS c WHERE c.sign_up_id = $1;
END
$$;

CREATE FUNCTION groups_with_overdue_offers(at timestamptz, most integer) RETURNS TABLE (org_id uuid, group_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT s.org_id, s.group_id FROM sign_up AS s WHERE s.state = 'offered' AND s.offer_until <= $1 LIMIT $2;
END
$$;

REVOKE ALL ON FUNCTION group_owner, card_of_code, card_of_sign_up, groups_with_overdue_offers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION group_owner, card_of_code, card_of_sign_up, groups_with_overdue_offers TO {app};
GRANT SELECT ON public_group TO {app};
