"""Finds the endpoint of a method and path; templates read "/referrals/<uuid:referral_id>/accept"."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

from chassis.errors import Malformed
from chassis.problems import MethodNotAllowed, unknown_path

Target = TypeVar("Target")
LONGEST_SEGMENT = 200
_PLACE = re.compile(r"<(?:(uuid|int|string):)?([a-z][a-z0-9_]*)>").fullmatch
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_INT = re.compile(r"[0-9]{1,15}").fullmatch
_CONTROL = re.compile(r"[\x00-\x1f\x7f]").search


def _uuid(text: str) -> uuid.UUID | None:
    return uuid.UUID(text) if _UUID(text) else None


def _int(text: str) -> int | None:
    return int(text) if _INT(text) else None


def _string(text: str) -> str | None:
    return text if 0 < len(text) <= LONGEST_SEGMENT else None


CONVERTERS: dict[str, Callable[[str], Any]] = {"uuid": _uuid, "int": _int, "string": _string}
Pattern = tuple[tuple[str, ...], tuple[tuple[int, str, Callable[[str], Any]], ...], dict[str, Any]]


class Table(Generic[Target]):
    """Endpoints by template; a literal segment always wins over a place."""

    def __init__(self) -> None:
        """Start empty."""
        self._literal: dict[str, dict[str, Target]] = {}
        self._patterns: dict[int, list[Pattern]] = {}
        self._by_template: dict[str, dict[str, Target]] = {}

    def add(self, method: str, template: str, target: Target) -> None:
        """Put an endpoint in; two for the same method and template are a programmer's fault."""
        methods = self._by_template.get(template)
        if methods is None:
            methods = self._by_template[template] = {}
            self._index(template, methods)
        if method in methods:
            message = f"{method} {template} is there twice"
            raise ValueError(message)
        methods[method] = target

    def find(self, method: str, path: str) -> tuple[Target, dict[str, Any]]:
        """Return the endpoint and the values of its places. Raises NotFound, MethodNotAllowed or Malformed."""
        methods = self._literal.get(path)
        values: dict[str, Any] = {}
        if methods is None:
            methods, values = self._search(path)
        target = methods.get(method)
        if target is None and method == "HEAD":
            target = methods.get("GET")
        if target is None:
            raise MethodNotAllowed(tuple(sorted(methods)))
        return target, values

    def _index(self, template: str, methods: dict[str, Target]) -> None:
        segments = tuple(template.split("/"))
        places = []
        for number, segment in enumerate(segments):
            match = _PLACE(segment)
            if match:
                places.append((number, match[2], CONVERTERS[match[1] or "string"]))
        if not places:
            self._literal[template] = methods
            return
        literals = tuple("" if _PLACE(segment) else segment for segment in segments)
        patterns = self._patterns.setdefault(len(segments), [])
        patterns.append((literals, tuple(places), methods))
        # More literal segments first, and the earlier one literal first: "/groups/mine/x" before "/groups/<id>/x".
        patterns.sort(key=lambda pattern: tuple(not literal for literal in pattern[0][1:]))

    def _search(self, path: str) -> tuple[dict[str, Target], dict[str, Any]]:
        segments = path.split("/")
        for literals, places, methods in self._patterns.get(len(segments), ()):
            if all(not want or want == got for want, got in zip(literals, segments, strict=True)):
                values = _values(places, segments)
                if values is not None:
                    return methods, values
        raise unknown_path()


def _values(places: tuple[tuple[int, str, Callable[[str], Any]], ...], segments: list[str]) -> dict[str, Any] | None:
    values: dict[str, Any] = {}
    for number, name, convert in places:
        text = segments[number]
        if "%" in text:
            try:
                text = unquote(text, errors="strict")
            except UnicodeDecodeError as error:
                raise Malformed("path.malformed", "The path is not percent-encoded UTF-8.") from error
        if _CONTROL(text):
            raise Malformed("path.malformed", "The path has control characters.")
        value = convert(text)
        if value is None:
            return None
        values[name] = value
    return values
