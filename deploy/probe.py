"""Asks a process of this container whether it is ready, for health checks: python -m deploy.probe referrals."""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException

from chassis.settings import Settings, SettingsError
from deploy.local.ports import OFFSETS

SECONDS = 3.0
READY = 200
PAGE = "/health/ready"


def main(arguments: list[str]) -> int:
    """Return 0 when the named process says that it is ready, else 1."""
    if len(arguments) != 1 or arguments[0] not in OFFSETS:
        sys.stderr.write("Use: python -m deploy.probe NAME\n")
        return 2
    try:
        port = Settings.load().port + OFFSETS[arguments[0]]
        connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        connection.request("GET", PAGE)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except (SettingsError, OSError, HTTPException) as error:
        sys.stderr.write(f"{type(error).__name__}\n")
        return 1
    sys.stdout.write(f"{text}\n")
    return 0 if answer.status == READY else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
