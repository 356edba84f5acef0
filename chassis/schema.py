"""The base of all shapes in and out: unknown fields are refused, every field is classified, faults get pointers.

    class NewGroup(Shape):
        name = classified(fields.String(required=True, validate=validate.Length(1, 200)), "public")

Source: access-and-privacy.md section 3 (classes), http-api.md (`errors[]`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from chassis.errors import FieldError

CLASSES = frozenset({"public", "internal", "personal", "sealed", "offence"})
LONGEST_NAME = 100
# they hide what a text says
TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
AnyField = TypeVar("AnyField", bound=fields.Field[Any])

# marshmallow's own sentences, in order; ours are `Fault`s and bring their code with them.
_KNOWN = (
    (re.compile("Missing data for required"), "required", "This field is needed."),
    (re.compile("Unknown field"), "unknown", "This field is not known here."),
    (re.compile("Field may not be null"), "null", "This field may not be null."),
    (re.compile("Invalid input type|Not a valid|Invalid value|Not a finite|Special numeric"), "type", None),
    (re.compile("Shorter than|Longer than|Length must be"), "length", None),
    (re.compile("Must be one of|Not a valid choice|One or more of the choices"), "choice", None),
    (re.compile("Must be (greater|less)"), "range", None),
    (re.compile("String does not match expected pattern"), "pattern", "This text does not have the expected form."),
)


class Shape(Schema):
    """Base of every schema: what is not declared is refused."""

    class Meta:
        """Unknown fields are faults, never ignored."""

        unknown = RAISE


class Fault(str):
    """A sentence for people with a code for machines; raise it inside marshmallow's ValidationError."""

    __slots__ = ("code",)
    code: str

    def __new__(cls, code: str, detail: str) -> Self:
        """Make the sentence and remember its code."""
        fault = super().__new__(cls, detail)
        fault.code = code
        return fault


def plain_text(least: int, most: int, *, lines: bool = False) -> list[Any]:
    """Validators of a text that people write: something visible, no control characters, no turned direction.

    `lines` allows line breaks and tabs. Raises nothing itself; a fault has the code `text.blank` or `text.control`.
    """
    allowed = {"\n", "\r", "\t"} if lines else set()

    def visible(text: str) -> None:
        if not text.strip():
            raise ValidationError(Fault("text.blank", "This text holds nothing but spaces."))
        if not text.isprintable() and any(_is_hidden(sign) and sign not in allowed for sign in text):
            raise ValidationError(Fault("text.control", "This text holds a control character; write it without."))

    return [validate.Length(least, most), visible]


def _is_hidden(sign: str) -> bool:
    return sign in TURNING or unicodedata.category(sign) in {"Cc", "Cs"}


def classified(field: AnyField, kind: str) -> AnyField:
    """Give a field its class of sensitivity: public, internal, personal, sealed or offence."""
    if kind not in CLASSES:
        message = f"{kind!r} is no class; use one of {', '.join(sorted(CLASSES))}"
        raise ValueError(message)
    field.metadata = {**field.metadata, "class": kind}
    return field


def unclassified(schema: type[Schema] | Schema) -> tuple[str, ...]:
    """Dotted names of the fields, nested ones too, that carry no class."""
    made = schema() if isinstance(schema, type) else schema
    return tuple(_unclassified(made, "", frozenset()))


def field_errors(error: ValidationError, schema: Schema) -> tuple[FieldError, ...]:
    """All faults of a load by this schema, each with the JSON pointer of its place."""
    return tuple(_flatten(error.messages, "", schema))


def ecma_pattern(pattern: str) -> str:
    """The same pattern without Python's own signs."""
    if pattern.startswith("(?s)"):
        pattern = re.sub(r"(?<!\\)\.", r"[\\s\\S]", pattern.removeprefix("(?s)"))
    return pattern.replace(r"\A", "^").replace(r"\Z", "$")


def _unclassified(schema: Schema, prefix: str, seen: frozenset[type]) -> Iterator[str]:
    for name, field in {**schema.load_fields, **schema.dump_fields}.items():
        if field.metadata.get("class") not in CLASSES:
            yield prefix + name
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested) and type(inner.schema) not in seen:
            yield from _unclassified(inner.schema, f"{prefix}{name}.", seen | {type(inner.schema)})


class _Entry:
    """One entry of a dict field, whose faults marshmallow files under `key` and `value`."""

    def __init__(self, owner: fields.Dict) -> None:
        self.parts = {"key": owner.key_field, "value": owner.value_field}


_Place = Schema | fields.Field[Any] | _Entry | None


def _flatten(messages: Any, pointer: str, at: _Place) -> Iterator[FieldError]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            # names of marshmallow's own stand for no place in what was sent; a field may be called `value` as well
            own = name == "_schema" or (isinstance(at, _Entry) and name in at.parts)
            yield from _flatten(inner, pointer if own else f"{pointer}/{_escape(name)}", _inside(at, name))
    elif isinstance(messages, Sequence) and not isinstance(messages, str):
        for inner in messages:
            yield from _flatten(inner, pointer, at)
    else:
        yield _field_error(messages, pointer)


def _inside(at: _Place, name: object) -> _Place:
    if isinstance(at, fields.Nested):
        at = at.schema
    if isinstance(at, Schema):
        # a number is a place in a list of such objects
        return at if isinstance(name, int) else _field_called(at, name)
    if isinstance(at, fields.Dict):
        return _Entry(at)
    if isinstance(at, _Entry):
        return at.parts.get(str(name))
    return at.inner if isinstance(at, fields.List) else None


def _field_called(schema: Schema, name: object) -> fields.Field[Any] | None:
    return next((field for key, field in schema.load_fields.items() if (field.data_key or key) == name), None)


def _field_error(message: object, pointer: str) -> FieldError:
    if isinstance(message, Fault):
        return FieldError(pointer, message.code, str(message))
    text = str(message)
    for pattern, code, detail in _KNOWN:
        if pattern.match(text):
            return FieldError(pointer, code, detail or text)
    return FieldError(pointer, "invalid", text)


def _escape(name: object) -> str:
    return str(name)[:LONGEST_NAME].replace("~", "~0").replace("/", "~1")
