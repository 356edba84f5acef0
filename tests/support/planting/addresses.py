"""Points the processes of a network to the proxies, while the launcher itself keeps the real ports.

Lives in the launcher's process: the environment that it gives to services, gateway and relay gets other ports.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.support.planting.targets import Target

FOLDER = Path(__file__).parent
PREFIX = "PLANTING_SET_"


def _environment(original: Any, *arguments: Any) -> dict[str, str]:
    found: dict[str, str] = original(*arguments)
    given = {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}
    return {**found, **given, "PYTHONPATH": f"{FOLDER}{os.pathsep}{found['PYTHONPATH']}"}


TARGETS = [Target("deploy.local.network", "_environment", _environment)]
