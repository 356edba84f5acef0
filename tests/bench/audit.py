"""How fast the audit is linked and verified: `python -m tests.bench.audit` on private instances."""

from __future__ import annotations

import time
import uuid
from typing import Any

import psycopg
from psycopg.rows import dict_row

from chassis import audit, clock, verify
from chassis.audit import Entry
from chassis.chain import Sealer
from chassis.identity import Caller
from chassis.relay import store
from chassis.requests import Call
from chassis.settings import Settings
from tests.support.databases import Databases, owner_url, root_url
from tests.support.instances import Session, new_folder, wait_for

SERVICE = "access"
ROWS = 200_000
ORGANISATIONS = 50


def audit_rows(settings: Settings) -> list[dict[str, Any]]:
    """Fill one audit, then link and verify it; rows per second, in one process."""
    audit_key, chain_key = (bytes.fromhex(settings.secret(name)) for name in ("audit_key", "chain_key"))
    fill(settings, audit_key)
    with store.connect(settings.database_url(SERVICE)) as connection:
        sealer, began, linked = Sealer(connection, chain_key), time.perf_counter(), 0
        while done := sealer.seal():
            linked += done
        sealing = time.perf_counter() - began
    began = time.perf_counter()
    report = verify.verify(owner_url(settings, SERVICE), audit_key=audit_key, chain_key=chain_key)
    verifying = time.perf_counter() - began
    assert not report.faults, report.faults
    return [
        {"what": "audit rows linked", "connections": 1, "per_second": round(linked / sealing)},
        {"what": "audit rows verified", "connections": 1, "per_second": round(report.rows / verifying)},
    ]


def fill(settings: Settings, audit_key: bytes) -> None:
    """Rows as a service would write them, of several organisations."""
    callers = [
        Caller(f"member:{uuid.uuid4()}", uuid.uuid4(), f"org-{n}", frozenset(), str(uuid.uuid4()))
        for n in range(ORGANISATIONS)
    ]
    names = (*audit.FIELDS, "mac")
    with psycopg.connect(root_url(settings, SERVICE), row_factory=dict_row) as connection:
        with connection.cursor() as cursor, cursor.copy(f"COPY audit ({', '.join(names)}) FROM STDIN") as copy:
            for number in range(ROWS):
                call = Call(
                    route="-", operation="-", caller=callers[number % ORGANISATIONS], request_id=uuid.uuid4().hex
                )
                entry = Entry(operation="referral.read", object_type="referral", object_id=uuid.uuid4())
                row = audit.row_of(entry, call, actor="-", at=clock.now(), key=audit_key)
                copy.write_row([row[name] for name in names])
        connection.execute("INSERT INTO audit_pending SELECT no FROM audit ON CONFLICT DO NOTHING")
        connection.execute("DELETE FROM audit_pending WHERE no IN (SELECT audit_no FROM audit_link)")


def main() -> None:
    """Measure on private instances and print."""
    session = Session(new_folder())
    session.start()
    try:
        made = Databases(wait_for(session.folder).settings(), "bench")
        for row in audit_rows(made.fresh(SERVICE)):
            print(row)  # noqa: T201 - a bench prints
    finally:
        session.stop()


if __name__ == "__main__":
    main()
