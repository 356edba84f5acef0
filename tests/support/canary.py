"""Canaries: texts that exist nowhere else, planted where a person's facts go, and searched where none may ever be.

    canaries = Canaries()
    body = planted(schema, example, canaries, "POST /referrals")
    assert hits(canaries.needles(), places(network, …)) == []

A new service is planted by its schemas' classes without a line here; a new kind of place (mail, pages) is one more
generator of (name, bytes) for `places`.
"""

from __future__ import annotations

import base64
import contextlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

SECRET = frozenset({"personal", "sealed", "offence"})
SHOWN = 60
Needles = Mapping[str, bytes]
Place = tuple[str, bytes]


class Canaries:
    """The texts of one run: all begin with one mark, so that one look finds each of them."""

    def __init__(self) -> None:
        self.mark = f"kn{uuid.uuid4().hex[:14]}"
        self.where: dict[str, str] = {}
        self.codes: set[str] = set()

    def text(self, where: str) -> str:
        """A new canary for this place; lower case and without a sign that any encoding changes."""
        made = f"{self.mark}x{len(self.where):04d}"
        self.where[made] = where
        return made

    def needles(self) -> dict[str, bytes]:
        """What to look for: the mark in each form, and return codes, which are secrets of our own making."""
        found = forms(self.mark)
        for code in self.codes:
            found[f"return code {code}"] = code.encode()
            found[f"return code {code} without signs"] = code.replace("-", "").encode()
        return found


def forms(mark: str) -> dict[str, bytes]:
    """A text as it is, and as an encoding would hide it; base64 at each of its three alignments."""
    raw = mark.encode()
    found = {"plain": raw, "upper case": raw.upper(), "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode()}
    found["utf-16"] = mark.encode("utf-16-le")
    found["backwards"] = raw[::-1]
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + raw + bytes(3))
        found[f"base64 {shift}"] = whole[(0, 2, 3)[shift] : len(base64.b64encode(bytes(shift) + raw)) - 4]
    return found


def hits(needles: Needles, places: Iterable[Place]) -> list[str]:
    """Where something was found: place, form and what stands round it."""
    return [
        f"{place}: {form}: {text[max(0, at - SHOWN) : at + SHOWN]!r}"
        for place, text in places
        for form, needle in needles.items()
        if (at := text.find(needle)) >= 0
    ]


def found(canaries: Canaries, places: Iterable[Place]) -> set[str]:
    """In which places there is one."""
    return {hit.split(": ")[0] for hit in hits(canaries.needles(), places)}


BASIS = "legal_basis"


def planted(
    schema: Schema, given: Mapping[str, Any], canaries: Canaries, where: str, *, kept: Iterable[str] = ()
) -> dict[str, Any]:
    """A body with a canary in every field of a person's class that takes free text, optional ones too.

    Coded fields (a list of words, a date, a pattern) refuse such a text by their own validators and keep what is
    `given`; so do the names in `kept`.
    """
    body = dict(given)
    if BASIS in schema.load_fields and BASIS not in kept:  # under a template this is all that a sender may say of it
        body[BASIS] = {"reference": canaries.text(f"{where} {BASIS}")}
    for attribute, field in schema.load_fields.items():
        name = field.data_key or attribute
        if name not in kept and name != BASIS:
            value = _planted(field, body.get(name), canaries, f"{where} {name}")
            if value is not None:
                body[name] = value
    if {"channel", "value"} <= set(schema.load_fields):  # a way to reach somebody has the form of one
        body.update(channel="email", value=f"{body['value']}@example.org")
    return body


def texts(schema: Schema, prefix: str = "") -> Iterator[str]:
    """The dotted names of the fields of a person's class that take a text which nobody foresaw."""
    for attribute, field in schema.load_fields.items():
        name = field.data_key or attribute
        if isinstance(field, fields.Nested):
            yield from texts(field.schema, f"{prefix}{name}.")
        elif field.metadata["class"] in SECRET and _takes(field, "kn0123456789abcdx0000"):
            yield prefix + name


def _planted(field: fields.Field[Any], given: Any, canaries: Canaries, where: str) -> Any:
    secret = field.metadata["class"] in SECRET
    if isinstance(field, fields.Nested):
        return planted(field.schema, given or {}, canaries, where) if secret or given else given
    if isinstance(field, fields.List) and isinstance(field.inner, fields.Nested) and given:
        schema = field.inner.schema
        # only where there is a text already: which of its fields belong together in an entry, the example knows
        return [planted(schema, each, canaries, where, kept=_names(schema) - set(each)) for each in given]
    if secret and _takes(field, canaries.mark + "x0000"):
        text = canaries.text(where)
        return text if _takes(field, text) else given
    return _sample(field) if field.required and not field.allow_none and given is None else given


def _names(schema: Schema) -> set[str]:
    return {field.data_key or name for name, field in schema.load_fields.items()}


def _takes(field: fields.Field[Any], text: str) -> bool:
    if not isinstance(field, fields.String):
        return False
    with contextlib.suppress(ValidationError):
        return bool(field.deserialize(text))
    return False


def _sample(field: fields.Field[Any]) -> Any:
    """Something that a coded field takes."""
    if isinstance(field, fields.Integer):
        return 1985  # the year of somebody's birth
    if isinstance(field, fields.List):
        return [_sample(field.inner)]
    choices = [choice for check in field.validators for choice in getattr(check, "choices", ())]
    return choices[0] if choices else True
