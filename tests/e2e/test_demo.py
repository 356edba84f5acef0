"""The demo plays to its end, and plays again on the same network."""

from __future__ import annotations

from tests.support.network import Network

EVENTS = ("referral.sent", "referral.received", "referral.accepted", "signup.received")


def test_the_demo_plays_twice(demo: Network) -> None:
    for _ in range(2):
        played = demo.command("demo", seconds=120)
        assert played.returncode == 0, played.stdout + played.stderr
        subscriber = [line for line in played.stdout.splitlines() if "subscriber │" in line and " ms" in line]
        for event in EVENTS:
            assert any(event in line.split() for line in subscriber), f"{event} is missing in:\n{played.stdout}"
        assert "DEMO: every person and case here is invented." in played.stdout
