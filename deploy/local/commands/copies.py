"""The command that writes the whole directory into a file."""

from __future__ import annotations

from pathlib import Path

import click

from chassis.settings import Settings
from deploy.local.commands.screen import say
from deploy.local.faults import LocalFault

FORMATS = ("ours", "hsds-json", "hsds-csv")


@click.group()
def export() -> None:
    """Write what the network holds into files for others.

    \b
    Example:
      tukiverkko export directory directory.json
    """


@export.command("directory")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="ours",
    show_default=True,
    help="In whose words: ours, HSDS.",
)
def export_directory(file: Path, *, form: str) -> None:
    """Write all that everybody may know of the directory: as a file of ours, an HSDS document, or a zip of HSDS tables.

    \b
    Example:
      tukiverkko export directory directory.zip --format hsds-csv
    """
    from deploy.local.commands.rooms import database
    from services.directory.usecases import packaging

    with database(Settings.load(), "directory") as db:
        content, seq = packaging.exported(db, form)
    try:
        file.write_bytes(content)
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}."
        raise LocalFault(message) from error
    say(f"{file}: {len(content)} bytes, the directory at change {seq}.")


COMMANDS = (export,)
