"""The demo's group: open, with an endless waiting list, so that its examples can be posted again and again."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.keyed_ids import id_of_key
from services.groups import schemas, views
from services.groups.store import programmes, seats
from services.groups.usecases import grouping
from services.groups.usecases.programmes import add
from services.groups.usecases.signing_up import Newcomer, join

PROGRAMME_KEY = "lt-kavkc-mens-group"
SIGN_UP = id_of_key("signup", "lt-kavkc-demo")
CAPACITY = 16
NAMES = {"lt": "Vyrų grupė (DEMO)", "en": "Men's group (DEMO)"}


def seed_demo(db: Database, org_id: uuid.UUID, org_key: str) -> uuid.UUID:
    """Make the demo's programme, open group and one invented sign-up, unless they are there; gives the group's id."""
    with db.background("demo", org=org_id) as work:
        if views.own_group(work, schemas.DEMO_GROUP) is None:
            _make(work, org_id, org_key)
            entry = Entry(operation="group.seed", object_type="group", object_id=schemas.DEMO_GROUP, purpose="demo")
            work.record(entry)
    return schemas.DEMO_GROUP


def _make(work: Work, org_id: uuid.UUID, org_key: str) -> None:
    if programmes.by_key(work, org_id, PROGRAMME_KEY) is None:
        chosen: dict[str, Any] = schemas.NewProgramme().load({"key": PROGRAMME_KEY, "kind": "peer", "names": NAMES})
        add(work, org_id, {**chosen, "id": id_of_key("programme", PROGRAMME_KEY)})
    example = {**schemas.NEW_GROUP_EXAMPLE, "programme": PROGRAMME_KEY, "names": NAMES, "capacity": CAPACITY}
    body: dict[str, Any] = schemas.NewGroup().load(example)
    grouping.draft(work, schemas.DEMO_GROUP, body, org=(org_id, org_key), subject="demo")
    grouping.open_draft(work, schemas.DEMO_GROUP, subject="demo", expected=1)
    code, pin = schemas.CARD_EXAMPLE["return_code"], schemas.CARD_EXAMPLE["pin"]
    key = work.keys.take()
    newcomer = Newcomer(id=SIGN_UP, alias="Demo", language="lt", contact=None, pin=pin, code=code, key=key)
    join(work, seats.lock_group(work, schemas.DEMO_GROUP), newcomer)
