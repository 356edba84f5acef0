"""What another system needs to hold a complete copy: the changes since a number, and everything as it stands."""

from __future__ import annotations

import orjson

from chassis.db import Database
from chassis.errors import FieldError
from chassis.kinds import timestamp
from chassis.problems import BadQuery
from chassis.requests import Call, Outcome
from services.directory.rules.sections import SECTIONS
from services.directory.views import changes as rows

SHARED = {"Cache-Control": "public, max-age=5", "Access-Control-Allow-Origin": "*"}
ABOUT = "A copy of the directory at the number of its change feed that stands in the header Directory-Seq."


def changes(db: Database, call: Call) -> Outcome:
    """The changes behind a number, without a gap. Raises BadQuery for a number that was never given."""
    after, limit = call.query["after"], call.query["limit"]
    with db.view() as work:
        found, last = rows.changes(work, after=after, limit=limit)
    if after > last:
        detail = f"The last change is {last}; a copy that knows a later one is of another directory. Begin at 0."
        raise BadQuery((FieldError("/after", "after.unknown", detail),))
    told = [
        f'{{"seq":{row["seq"]},"at":"{timestamp(row["at"])}","section":"{row["section"]}",'
        f'"mark":{orjson.dumps(row["mark"]).decode()},"action":"{row["action"]}","record":{row["record"] or "null"}}}'
        for row in found
    ]
    reached = found[-1]["seq"] if found else after
    body = f'{{"changes":[{",".join(told)}],"next":{reached},"last":{last}}}'
    return Outcome(value=body.encode(), headers=dict(SHARED))


def export(db: Database) -> Outcome:
    """The whole directory as one file, which can be imported again; it is of one moment, whose number stands beside."""
    with db.view() as work:
        records, last = rows.whole(work)
    sections = "".join(f',"{each.name}":[{records.get(each.name, "")}]' for each in SECTIONS)
    body = f'{{"about":{orjson.dumps(ABOUT).decode()}{sections}}}\n'
    return Outcome(value=body.encode(), headers={**SHARED, "Directory-Seq": str(last)})
