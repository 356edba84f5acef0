"""Commands about messages: the sender as a process."""

from __future__ import annotations

import click


@click.command()
def sender() -> None:
    """Send the messages that services wrote, until SIGTERM (`up` runs one).

    \b
    Example:
      tukiverkko sender
    """
    from chassis.messages import process

    raise click.exceptions.Exit(process.main())


COMMANDS = (sender,)
