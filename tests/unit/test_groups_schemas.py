"""Texts that people write about groups and men: something visible, no control characters, no turned direction."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from services.groups import schemas

BAD = ("   ", "a\x00b", "a\x1b[2Jb", "a\u202eb", "a\u2066b")


@pytest.mark.parametrize("text", BAD)
@pytest.mark.parametrize(
    ("shape", "example", "field"),
    [
        (schemas.NewSignUp, schemas.NEW_SIGN_UP_EXAMPLE, "alias"),
        (schemas.NewGroup, schemas.NEW_GROUP_EXAMPLE, "place_public"),
        (schemas.NewGroup, schemas.NEW_GROUP_EXAMPLE, "place_full"),
        (schemas.NewGroup, schemas.NEW_GROUP_EXAMPLE, "names"),
        (schemas.NewProgramme, schemas.NEW_PROGRAMME_EXAMPLE, "names"),
        (schemas.NewGroup, schemas.NEW_GROUP_EXAMPLE, "leaders"),
    ],
)
def test_a_text_nobody_can_read_is_refused(shape: Any, example: dict[str, Any], field: str, text: str) -> None:
    values: dict[str, object] = {"names": {"lt": text}, "leaders": [{"subject": "user:a", "alias": text}]}
    with pytest.raises(ValidationError) as refused:
        shape().load({**example, field: values.get(field, text)})
    assert set(refused.value.messages_dict) == {field}


def test_ordinary_texts_of_many_languages_pass() -> None:
    for text in ("Jonas Š.", "Миша", "أحمد", "男", "O'Neil-2"):
        assert schemas.NewSignUp().load({**schemas.NEW_SIGN_UP_EXAMPLE, "alias": text})["alias"] == text
