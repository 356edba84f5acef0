"""The card to keep, on a real database: by code and PIN, with what the man ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from chassis.db import Database
from chassis.errors import NotFound
from chassis.settings import Settings
from services.groups import schemas
from services.groups.usecases import own_more
from tests.support.groups import PIN, call, opened, sign_up

ALL = ["organisation", "programme", "place", "time"]


@pytest.fixture
def db(service_database: Callable[..., Settings]) -> Iterator[Database]:
    with closing(Database(service_database("groups"), "groups")) as database:
        yield database


def drawn(db: Database, man: dict[str, Any], *, pin: str = PIN, **wishes: Any) -> str:
    body = schemas.CardToKeep().load({"return_code": man["return_code"], "pin": pin, **wishes})
    return own_more.card_to_keep(db, call("card", None, body)).decode()


def test_the_card_says_the_code_and_what_he_ticks(db: Database) -> None:
    contact = {"channel": "email", "value": "twice@example.org"}
    group = opened(db, place_public="Kaunas", place_full="Laisvės al. 1")
    man, twin = (sign_up(db, group, contact=contact) for _ in range(2))
    bare, full = drawn(db, man), drawn(db, man, shows=ALL, language="en")
    assert man["return_code"] in bare
    assert not [word for word in ("Kaunas", "group", "2027", PIN) if word in bare]
    assert "Kaunas" in full
    assert "Men" in full
    assert "Laisv" not in full, "the exact address is nobody's who has not come"
    assert drawn(db, twin).replace(twin["return_code"], "") != "", "a card without a sign-up is drawn as well"
    with pytest.raises(NotFound):
        drawn(db, man, pin="0000")
