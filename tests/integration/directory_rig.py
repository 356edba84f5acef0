"""Somebody who keeps entries of the directory, as the tests of proposals and of truth need him."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chassis import clock
from chassis.db import Database
from chassis.identity import Caller
from chassis.keyed_ids import id_of_key
from chassis.requests import Call, Outcome
from services.directory.usecases import approving, proposals, proposing

CENTRE, POLICE, NETWORK = "lt-kavkc", "lt-police", "lt-vkcs"


class Somebody:
    """A person with a session, a second factor given just now, and a role."""

    def __init__(self, db: Database, name: str, org: str, *roles: str, proved: bool = True) -> None:
        self.db = db
        now = int(clock.now().timestamp()) if proved else None
        org_id = id_of_key("organisation", org)
        self.caller = Caller(f"member:{name}", org_id, org, frozenset(roles), "t", proved_at=now)

    def call(self, operation: str, **given: Any) -> Call:
        return Call(route=operation, operation=operation, caller=self.caller, **given)

    def propose(self, section: str, row: dict[str, Any], *, based_on: int = 1) -> dict[str, Any]:
        body = {"section": section, "row": row, "based_on": based_on, "reason": "It changed."}
        return self._value(proposing.propose(self.db, self.call("proposal.create", body=body)))

    def read(self, proposal: dict[str, Any]) -> dict[str, Any]:
        call = self.call("proposal.read", path={"proposal": proposal["id"]})
        return self._value(proposing.read(self.db, call))

    def act(self, what: Callable[..., Outcome], proposal: dict[str, Any], **body: Any) -> dict[str, Any]:
        version = body.pop("version", None) or self.read(proposal)["version"]
        call = self.call(what.__name__, path={"proposal": proposal["id"]}, body=body, expected_version=version)
        return self._value(what(self.db, call))

    def approve(self, proposal: dict[str, Any], **body: Any) -> dict[str, Any]:
        return self.act(approving.approve, proposal, **body)

    def record(self, proposal: dict[str, Any], kind: str, number: str | None = None) -> dict[str, Any]:
        said = {"kind": kind, "reference": "file 12", "number": number, "source": None}
        return self.act(approving.record_evidence, proposal, **said)

    def listed(self, **query: Any) -> list[dict[str, Any]]:
        asked = {"state": None, "section": None, "mark": None, "cursor": None, "limit": 50, **query}
        found: list[dict[str, Any]] = proposals.listed(self.db, self.call("proposal.list", query=asked)).value["items"]
        return found

    @staticmethod
    def _value(outcome: Outcome) -> dict[str, Any]:
        value: dict[str, Any] = outcome.value
        return value
