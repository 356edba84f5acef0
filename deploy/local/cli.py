"""The command `tukiverkko`: everything a person does with a network on one machine."""

from __future__ import annotations

import sys

import click

from chassis.settings import SettingsError
from deploy.local.commands import (
    audit,
    backup,
    clients,
    copies,
    events,
    members,
    messages,
    network,
    parked,
    people,
    retention,
    trust,
    vault,
)
from deploy.local.faults import LocalFault


class Commands(click.Group):
    """A group whose faults are one sentence and exit code 1, never a traceback."""

    def invoke(self, context: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(context)
        except (LocalFault, SettingsError) as fault:
            click.echo(f"tukiverkko: {fault}", err=True)
            context.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tukiverkko", prog_name="tukiverkko")
def main() -> None:
    """Tukiverkko: peer groups, referrals and a partner directory for men's crisis centres.

    One network lives in one home folder (TUKIVERKKO_HOME, default .local) and on one range of ports that begins with
    the gateway's (TUKIVERKKO_PORT, default 8080).

    \b
    Example:
      tukiverkko up            start everything, Ctrl-C ends it
    """


for room in (
    network,
    events,
    messages,
    parked,
    people,
    copies,
    clients,
    members,
    backup,
    audit,
    vault,
    retention,
    trust,
):
    for command in room.COMMANDS:
        main.add_command(command)

if __name__ == "__main__":
    sys.exit(main())
