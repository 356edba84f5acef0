"""Reads out who may do what in a database, from PostgreSQL's own catalogue, as lines for people to compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import psycopg

OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
PUBLIC = "PUBLIC"

ROLES = """
SELECT r.rolname, concat_ws(', ', CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolbypassrls THEN 'bypassrls' END,
         CASE WHEN rolcreaterole THEN 'createrole' END, CASE WHEN rolcreatedb THEN 'createdb' END,
         CASE WHEN rolreplication THEN 'replication' END, CASE WHEN rolcanlogin THEN 'login' END,
         (SELECT 'member of ' || string_agg(g.rolname, ' ') FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
           WHERE m.member = r.oid))
  FROM pg_roles r WHERE r.rolname = ANY(%s) ORDER BY 1
"""

# kind, what, owner, note, right, grantee: the owner's own rights are left out, they follow from owning
RIGHTS = f"""
WITH object AS (
    SELECT 'database' AS kind, ''::text AS what, datdba AS owner, '' AS note,
           coalesce(datacl, acldefault('d', datdba)) AS acl FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'schema', nspname, nspowner, '', coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace n WHERE {OURS}
    UNION ALL
    SELECT CASE relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END,
           n.nspname || '.' || relname, relowner,
           concat(CASE WHEN relrowsecurity THEN ', row security' END, CASE WHEN relforcerowsecurity THEN ', forced' END,
             (SELECT string_agg(', policy ' || polname, '' ORDER BY polname) FROM pg_policy WHERE polrelid = c.oid)),
           coalesce(relacl, acldefault((CASE relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", relowner))
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {OURS}
    UNION ALL
    SELECT 'column', n.nspname || '.' || relname || '.' || attname, relowner, '', attacl
      FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
     WHERE attacl IS NOT NULL AND NOT attisdropped AND {OURS}
    UNION ALL
    SELECT 'function', p.oid::regprocedure::text, proowner, CASE WHEN prosecdef THEN ', security definer' ELSE '' END,
           coalesce(proacl, acldefault('f', proowner))
      FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE {OURS}
)
SELECT kind, what, pg_get_userbyid(owner), note, g.privilege_type,
       CASE g.grantee WHEN 0 THEN '{PUBLIC}' ELSE pg_get_userbyid(g.grantee) END
  FROM object LEFT JOIN LATERAL aclexplode(acl) g ON g.grantee <> owner ORDER BY 1, 2, 6, 5
"""

DEFAULTS = "SELECT count(*) FROM pg_default_acl"


def roles(connection: psycopg.Connection, names: Iterable[str]) -> dict[str, str]:
    """What each role is beside its rights; "login" and nothing else is the least."""
    return {str(name): str(told) for name, told in connection.execute(ROLES, (list(names),)).fetchall()}


def lines_of(connection: psycopg.Connection) -> Iterator[str]:
    """One line per object of the connected database: who else than its owner has which right."""
    found: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    heads: dict[tuple[str, str], str] = {}
    for kind, what, owner, note, right, grantee in connection.execute(RIGHTS.encode()).fetchall():
        heads[kind, what] = f"{kind} {what}".rstrip() + f" (owner {owner}{note})"
        if right is not None:
            found[kind, what][grantee].append(right)
    for place, head in sorted(heads.items()):
        rights = "; ".join(f"{who} {' '.join(sorted(which))}" for who, which in sorted(found[place].items()))
        yield f"{head}: {rights or 'nobody else'}"
    row = connection.execute(DEFAULTS).fetchone()
    yield f"default privileges: {row[0] if row else 0}"
