"""Whether a command of a container or a document exists, without running it."""

from __future__ import annotations

from importlib.util import find_spec

import click

from chassis.settings import SERVICES
from deploy.export import PARTS
from deploy.local.cli import main
from deploy.local.ports import OFFSETS

ARGUMENTS = {
    "chassis.launch": {"gateway", *SERVICES},
    "deploy.probe": set(OFFSETS),
    "deploy.export": set(PARTS),
}


def assert_runs(command: list[str]) -> None:
    """Assert that a program, its module and its arguments are ones we have."""
    program, *rest = command
    if program == "python":
        assert rest[0] == "-m"
        assert find_spec(rest[1]) is not None
        assert rest[2] in ARGUMENTS[rest[1]]
    else:
        assert program == "tukiverkko"
        assert_takes(main, rest)


def assert_takes(command: click.Command, arguments: list[str]) -> None:
    """Assert that a click command takes these arguments."""
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        assert arguments[0] in command.commands, arguments[0]
        command, arguments = command.commands[arguments[0]], arguments[1:]
    if arguments and "--help" not in arguments:  # a name alone is a mention, not a call
        command.make_context(command.name, list(arguments))
