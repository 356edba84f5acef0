-- The journal loses what is older than its retention; each owner's rows, and the network's, in a transaction of their own.

CREATE POLICY swept ON journal FOR DELETE USING (org_id IS NOT DISTINCT FROM acting_org());

GRANT DELETE ON journal TO {app};
