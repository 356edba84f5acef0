"""Certificates and the keys by which an organisation signs them."""

from __future__ import annotations

import uuid
from typing import Any

import orjson

from chassis import clock
from chassis.db import Work

KEY = "SELECT kid, key_id, private FROM certificate_key WHERE org_id = %s"
ADD_KEY = """
INSERT INTO certificate_key (org_id, kid, key_id, private, public, created_at)
VALUES (%(org_id)s, %(kid)s, %(key_id)s, %(private)s, %(public)s::json, %(at)s)
ON CONFLICT (org_id) DO NOTHING
"""


def key(work: Work, org_id: uuid.UUID) -> dict[str, Any] | None:
    """The organisation's signing key, still sealed."""
    return work.one(KEY, (org_id,))


def add_key(
    work: Work, org_id: uuid.UUID, *, kid: str, key_id: uuid.UUID, private: bytes, public: dict[str, Any]
) -> bool:
    """Keep a new signing key; False where somebody made one a moment ago."""
    values = {"org_id": org_id, "kid": kid, "key_id": key_id, "private": private, "at": work.now}
    return work.run(ADD_KEY, {**values, "public": orjson.dumps(public).decode()}, expect=None) == 1


KEYS = "SELECT org_key, public FROM certificate_keys()"


def keys(work: Work) -> list[dict[str, Any]]:
    """The public keys of all organisations that issued a certificate."""
    return work.all(KEYS)


ADD = """
INSERT INTO certificate (id, org_id, sign_up_id, reference, content, signed, by_subject, at)
SELECT %(id)s, s.org_id, s.id, %(reference)s, %(content)s::json, %(signed)s, %(subject)s, %(at)s FROM sign_up AS s
 WHERE s.id = %(sign_up)s
"""


def add(work: Work, sign_up_id: uuid.UUID, content: dict[str, Any], signed: str, *, subject: str) -> uuid.UUID:
    """Write a certificate; its id."""
    certificate_id = clock.new_id()
    values = {"id": certificate_id, "sign_up": sign_up_id, "reference": content["reference"], "signed": signed}
    text = orjson.dumps(content).decode()
    work.later(ADD, {**values, "content": text, "subject": subject, "at": work.now})
    return certificate_id


ONE = "SELECT id, reference, content, signed, at FROM certificate WHERE sign_up_id = %s"


def one(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any] | None:
    """The certificate of a man."""
    return work.one(ONE, (sign_up_id,))


CERTIFIED = "SELECT sign_up_id FROM certificate WHERE id = %s"


def certified(work: Work, certificate_id: uuid.UUID) -> uuid.UUID | None:
    """Whose certificate it is."""
    row = work.one(CERTIFIED, (certificate_id,))
    return row["sign_up_id"] if row else None


BASIS = """
SELECT c.held, c.attended, c.decided_on, p.names AS programme, coalesce(o.key, g.org_id::text) AS org_key,
       coalesce(o.names, '{}'::json) AS org_names,
       (SELECT min(s.local_start)::date FROM session AS s JOIN attendance AS a ON a.session_id = s.id
         WHERE a.sign_up_id = c.sign_up_id AND a.code IN ('present', 'late', 'left_early')) AS first_day,
       (SELECT max(s.local_start)::date FROM session AS s JOIN attendance AS a ON a.session_id = s.id
         WHERE a.sign_up_id = c.sign_up_id AND a.code IN ('present', 'late', 'left_early')) AS last_day
  FROM completion AS c JOIN sign_up AS u ON u.id = c.sign_up_id JOIN peer_group AS g ON g.id = u.group_id
  JOIN programme AS p ON p.id = g.programme_id LEFT JOIN partner AS o ON o.org_id = g.org_id
 WHERE c.sign_up_id = %s
"""


def basis(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any] | None:
    """What the certificate of a man rests on."""
    return work.one(BASIS, (sign_up_id,))
