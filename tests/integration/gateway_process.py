"""The real gateway with the tests' token verifier: python -m tests.integration.gateway_process SPEC [key=value]."""

# ruff: noqa: I001 - chassis.launch patches the standard library and must come first
from __future__ import annotations

from chassis import launch

import sys
from pathlib import Path
from typing import Any

from chassis.settings import Settings
from gateway.service import GatewayService
from tests.integration.door_service import Verifier


def main(arguments: list[str]) -> int:
    extra: dict[str, Any] = {"verifier": Verifier(), "spec": Path(arguments[0])}
    settings = Settings.load()
    plain = launch.configuration
    launch.configuration = lambda name, given: {**plain(name, given), **extra}
    launch.set_up_logging("gateway")
    return launch.serve(GatewayService, settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
