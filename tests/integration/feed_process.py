"""A real process with a configuration for a test: python -m tests.integration.feed_process NAME [key=value]."""

# ruff: noqa: I001 - chassis.launch patches the standard library and must come first
from __future__ import annotations

from chassis import launch

import sys

from chassis.settings import Settings


def main(arguments: list[str]) -> int:
    name, *given = arguments
    extra = {key: float(value) for key, _, value in (argument.partition("=") for argument in given)}
    plain = launch.configuration
    launch.configuration = lambda name, settings: {**plain(name, settings), **extra}
    launch.set_up_logging(name)
    return launch.serve(launch.service_class(name), Settings.load())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
