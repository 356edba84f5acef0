"""A Task that a client sends, read back into a transition of the lifecycle and what that is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.errors import FieldError, Invalid
from services.referrals.rules import fhir
from services.referrals.rules.fhir_reading import Read, Sent
from services.referrals.rules.lifecycle import LIFECYCLE

DEFAULT_TARGETS = {
    "requested": "sent",
    "received": "received",
    "accepted": "accepted",
    "rejected": "declined",
    "cancelled": "withdrawn",
    "in-progress": "in_progress",
    "on-hold": "on_hold",
    "completed": "completed",
    "failed": "ended",
    "entered-in-error": "entered_in_error",
}
"""The state that a Task's status means when its businessStatus does not say which."""

FIXED = ("intent", "priority", "code", "focus", "requester", "owner", "authoredOn")
"""What a Task shows and its update can not change."""


def step(sent: Sent, now: Sent) -> str | None:
    """The transition that a Task asks for, of a referral as the caller sees it `now`; None when nothing changes.

    What the caller may not do is left to the transition itself to refuse. Raises Invalid.
    """
    _check_fixed(sent, fhir.task(now))
    if now["state"] == "draft":
        raise _wrong("/status", "task.draft", "A draft is sent or dropped where it was made, not by its Task.")
    explicit = next((each["valueCode"] for each in sent.get("extension", ()) if each["url"] == fhir.ACTION), None)
    target = _target(sent, now["state"])
    if explicit is not None:
        return _explicit(explicit, target)
    return None if target == now["state"] else _action(target, now["state"], now["side"])


def _check_fixed(sent: Sent, current: Sent) -> None:
    """A client that sends back what it read changes the status only."""
    faults = [
        FieldError(f"/{name}", "not_supported", "This element of a Task can not be changed; leave it as it was read.")
        for name in FIXED
        if name in sent and not _says_same(sent[name], current.get(name))
    ]
    if faults:
        raise Invalid("body.invalid", "Some elements can not be changed.", fields=tuple(faults))


def _says_same(sent: Any, current: Any) -> bool:
    """Whether everything that was sent stands in what is there; labels do not count."""
    if isinstance(sent, Mapping) and isinstance(current, Mapping):
        return all(_says_same(value, current.get(key)) for key, value in sent.items() if key != "display")
    if isinstance(sent, list) and isinstance(current, list):
        return len(sent) == len(current) and all(map(_says_same, sent, current))
    return bool(sent == current)


def _target(sent: Sent, state: str) -> str:
    """The state that is wanted; a businessStatus that was only sent back as it was read says nothing."""
    status = sent["status"]
    coded = sent.get("businessStatus")
    business = coded["coding"][0]["code"] if coded else None
    if business is not None and fhir.STATES[business].task == status:
        return str(business)
    if business not in {None, state}:
        detail = f"The businessStatus {business} belongs to the status {fhir.STATES[str(business)].task}."
        raise _wrong("/businessStatus", "task.status", detail)
    if status not in DEFAULT_TARGETS:
        raise _wrong("/status", "task.status", f"A referral does not become {status}.")
    return DEFAULT_TARGETS[status]


def _explicit(action: str, target: str) -> str:
    if all(edge.name != action or edge.target != target or edge.source == "draft" for edge in LIFECYCLE):
        raise _wrong("/extension", "task.action", f"The transition {action} does not lead to {target}.")
    return action


def _action(target: str, state: str, side: str) -> str:
    """By the table: the first that leads there from here for this side; else one that would, to be refused."""
    leading = [edge for edge in LIFECYCLE if edge.target == target and edge.source != "draft"]
    own = [edge for edge in leading if side in edge.actors]
    here = [edge for edge in own if edge.source == state]
    usual = [edge for edge in (*own, *leading) if not edge.back]
    found = next(iter(here or usual or leading), None)
    if found is None:
        raise _wrong("/status", "task.status", f"A referral does not become {target}.")
    return found.name


def details(sent: Sent, fields: Mapping[str, bool]) -> Read:
    """What the transition is told: the reason's code, the note, and inputs by field; `fields` says which are lists."""
    read = Read()
    reason = sent.get("statusReason")
    if reason and "reason" in fields:
        read.take("reason", reason["coding"][0]["code"], "/statusReason/coding/0/code")
    for note in sent.get("note", ()):
        read.take("note" if "note" in fields else "text", note["text"], "/note/0/text")
    for number, given in enumerate(sent.get("input", ())):
        _input(read, given, f"/input/{number}", fields)
    read.check()
    return read


def _input(read: Read, given: Sent, place: str, fields: Mapping[str, bool]) -> None:
    outer, _, inner = given["type"]["coding"][0]["code"].partition(".")
    values = [(kind, value) for kind, value in given.items() if kind != "type"]
    if len(values) != 1:
        read.fault(place, "input.value", "An input has exactly one value.")
        return
    kind, value = values[0]
    if kind == "valueCodeableConcept":
        value = {"goal": value.get("text"), "level": value["coding"][0]["code"]}
    place = f"{place}/{kind}"
    if inner:
        _part(read, outer, inner, value, place)
    elif fields.get(outer):
        _entry(read, outer, value, place)
    else:
        read.take(outer, value, place)


def _part(read: Read, outer: str, inner: str, value: Any, place: str) -> None:
    """One field of an object, such as attendance.held."""
    parts = read.body.setdefault(outer, {})
    if not isinstance(parts, dict) or inner in parts:
        read.fault(place, "repeated", "This may be said only once.")
        return
    parts[inner] = value
    read.places |= {f"/{outer}/{inner}": place, f"/{outer}": "/input"}


def _entry(read: Read, outer: str, value: Any, place: str) -> None:
    """One more of a list, such as goals."""
    entries = read.body.setdefault(outer, [])
    if not isinstance(entries, list):
        read.fault(place, "repeated", "This may be said only once.")
        return
    read.places |= {f"/{outer}/{len(entries)}": place, f"/{outer}": "/input"}
    entries.append(value)


def _wrong(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid("body.invalid", detail, fields=(FieldError(pointer, code, detail),))
