"""A suspended organisation is refused, its tokens end, it is out of the directory, and it can come back.

The times that the design names (2 s and 5 s) are printed, not judged: machines are noisy.
"""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Any

import pytest

from services.referrals.schemas import NEW_REFERRAL_EXAMPLE
from tests.support.client import POLICE, Client, client, eventually
from tests.support.network import Network

KEY = f"lt-made-{secrets.token_hex(4)}"
SERVICE = f"{KEY}-help"


def imported(demo: Network, folder: Path, status: str) -> float:
    """Import the organisation with this status; returns the moment at which the command had ended."""
    organisation = {"key": KEY, "type": "ngo", "country": "LT", "names": {"lt": "Pramanyti namai"}, "status": status}
    offered = {
        "key": SERVICE, "organisation": KEY, "kind": "consultation", "names": {"lt": "Pagalba"}, "coverage": ["LT"],
        "accepting": "open", "urgencies": ["crisis", "urgent", "standard", "planned"],
    }  # fmt: skip
    file = folder / f"{status}.json"
    file.write_text(json.dumps({"organisations": [organisation], "services": [offered]}), encoding="utf-8")
    done = demo.command("import", "organisations", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic()


def referred(police: Client) -> Any:
    return police.post("/referrals", {**NEW_REFERRAL_EXAMPLE, "service": SERVICE})


@pytest.mark.timeout(120)
def test_suspended_within_seconds_everywhere_and_back(demo: Network, tmp_path: Path) -> None:
    police = client(demo.settings, POLICE)
    imported(demo, tmp_path, "active")
    eventually(lambda: referred(police).status == 201)
    assert police.get(f"/directory/services/{SERVICE}").status == 200
    his = client(demo.settings, KEY)
    eventually(lambda: his.get("/referrals/inbox").status == 200)
    at = imported(demo, tmp_path, "suspended")
    eventually(lambda: referred(police).status == 422, pause=0.05)
    refused_after = time.monotonic() - at
    assert "receiver.suspended" in referred(police).raw.decode()
    assert police.get(f"/directory/services/{SERVICE}").status == 404
    assert SERVICE not in police.get(f"/directory/services?country=LT&search={SERVICE}").raw.decode()
    eventually(lambda: his.get("/referrals/inbox").status in {401, 403}, pause=0.05)
    print(f"refused after {refused_after:.2f} s, tokens dead after {time.monotonic() - at:.2f} s")  # noqa: T201
    gone = police.get("/directory/changes?after=0&limit=1000").body["changes"]
    assert [each["action"] for each in gone if each["mark"] in {KEY, SERVICE}][-2:] == ["delete", "delete"]
    imported(demo, tmp_path, "active")
    eventually(lambda: referred(police).status == 201)
