"""Every route that is not public leaves exactly one audit row for a known caller: done, or refused."""

from __future__ import annotations

import pytest

from tests.authz.test_matrix import PROTECTED, RIGHTS, Stage, stage  # noqa: F401 - the fixture comes by import
from tests.support.client import CENTRE, EVERY_ROLE, POLICE, THIRD, client
from tests.support.rows import rows
from tests.support.specification import OPERATIONS

TAKEN_AS = {"fhir.move": "referral.acknowledge", "referral.raise_safeguarding": "referral.create"}
"""A step that a Task asks for is on record as the transition that it is; a concern as nothing but a new case, so that
no row joins it to the one it was raised from."""
ROWS = "SELECT operation, outcome FROM audit WHERE request_id = %s"


@pytest.mark.parametrize("name", PROTECTED)
def test_every_route_leaves_exactly_one_row(stage: Stage, name: str) -> None:  # noqa: F811 - as above
    operation, settings = OPERATIONS[name], stage.demo.settings
    assert operation.operation is not None
    barred = client(settings, THIRD, roles=EVERY_ROLE - RIGHTS[operation.operation])
    for by in (client(settings, POLICE), client(settings, CENTRE), client(settings, THIRD), barred):
        answer = stage.ask(by, operation)
        found = rows(settings, operation.service, ROWS, (answer.headers["X-Request-Id"],))
        # Acts on several objects leave a row for each and one for the request.
        own = [outcome for named, outcome in found if named in {operation.operation, TAKEN_AS.get(operation.operation)}]
        assert len(own) == 1, (answer.status, found)
        assert len(found) == 1 or operation.operation in {"parked.replay_many", "referral.batch"}, (
            answer.status,
            found,
        )
        assert own[0].startswith("refused:") == (answer.status >= 400), (answer.status, found)
