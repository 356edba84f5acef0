"""The whole directory in the words of HSDS 3.0, of one moment: one document, or a package of tables."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from weakref import WeakKeyDictionary

import orjson

from chassis.apart import apart
from chassis.db import Database, Work
from chassis.requests import Outcome
from services.directory.rules import hsds
from services.directory.rules.hsds import Item
from services.directory.rules.hsds_tables import Tables, package
from services.directory.usecases.copying import export as own_export
from services.directory.usecases.hsds import SHARED, shown_services, whole_organizations
from services.directory.views import changes
from services.directory.views import hsds as rows
from services.directory.views.changes import Stand

BATCH = 200
NO_TIME = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can hold: the same directory gives the same bytes."""
READABLE = 0o644 << 16
UNIX = 3
OURS, HSDS_JSON, HSDS_CSV = "ours", "hsds-json", "hsds-csv"
_KEPT: WeakKeyDictionary[Database, tuple[Stand, bytes]] = WeakKeyDictionary()
"""The last package of a process, and how far the directory had come."""
FORMATS = (OURS, HSDS_JSON, HSDS_CSV)


def export_package(db: Database) -> Outcome:
    """All organisations and services as a zip of HSDS tables; `Directory-Seq` says of which moment.

    Anybody may ask, and it takes a second for a thousand services: it is made once for each state of the directory.
    """
    kept = _KEPT.get(db)
    with db.view() as work:
        fresh = kept is not None and kept[0] == changes.stand(work)
    if kept is None or not fresh:
        kept = _KEPT[db] = _zipped(db)
    content, seq = kept[1], kept[0][0]
    return Outcome(value=content, headers={**SHARED, "Directory-Seq": str(seq)})


def exported(db: Database, form: str) -> tuple[bytes, int]:
    """The whole directory in one of FORMATS, and the number of the change that it stands at."""
    if form == HSDS_CSV:
        stand, content = _zipped(db)
        return content, stand[0]
    if form == HSDS_JSON:
        return _document(db)
    made = own_export(db)
    return made.value, int(made.headers["Directory-Seq"])


def _document(db: Database) -> tuple[bytes, int]:
    organizations: list[bytes] = []
    services: list[bytes] = []
    with db.background("directory") as work:
        seq = changes.snapshot(work)[0]
        for owners, offered in _everything(work):
            organizations += [orjson.dumps(each) for each in owners]
            services += [orjson.dumps(each) for each in offered]
    parts = (b",\n".join(organizations), b",\n".join(services))
    head = f'{{"version":"{hsds.VERSION}",\n"organizations":['.encode()
    return b"".join((head, parts[0], b'],\n"services":[', parts[1], b"]}\n")), seq


def _zipped(db: Database) -> tuple[Stand, bytes]:
    tables = Tables()
    with db.background("directory") as work:
        stand = changes.snapshot(work)
        for owners, offered in _everything(work):
            for each in owners:
                tables.add("organization", each)
            for each in offered:
                tables.add("service", each)
    return stand, apart(_packed, list(_files(tables, stand[0])))


def _packed(files: list[tuple[str, str]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, NO_TIME)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, READABLE, UNIX
            archive.writestr(entry, content)
    return out.getvalue()


def _files(tables: Tables, seq: int) -> Iterator[tuple[str, str]]:
    given = []
    for table, lines in tables.files():
        given.append(table.name)
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows((table.columns, *lines))
        yield table.file, out.getvalue()
    yield "datapackage.json", package(given, seq=seq)


def _everything(work: Work) -> Iterator[tuple[list[Item], list[Item]]]:
    """Organisations with all that hangs on them, and their services in full, some at a time by their keys."""
    at = 0
    while found := rows.organisations(work, limit=BATCH, offset=at):
        offered = rows.services(work, organisations=[each["id"] for each in found])
        yield whole_organizations(work, found, full_service=False), shown_services(work, offered, full=True)
        at += BATCH
