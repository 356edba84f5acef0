"""Commands about the key-encryption key, which wraps the keys of all records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from chassis.settings import SERVICES, Settings
from deploy.local.commands.screen import say
from deploy.local.faults import LocalFault


@click.group()
def vault() -> None:
    """The key-encryption key: renew it while everything runs.

    \b
    Example:
      tukiverkko vault rotate
    """


@vault.command()
def rotate() -> None:
    """Make a new key-encryption key beside the old one and wrap the keys of all records by it.

    Interrupted at any moment it may be called again and goes on. The old one stays in the file, because backups of the
    key database need it; `vault retire` takes it out when these have run out.

    \b
    Example:
      tukiverkko vault rotate
    """
    from chassis import rotation

    settings = Settings.load()
    with _refusals():
        made = rotation.renew(settings)
        say("A new key-encryption key is in force." if made else "Going on with the one that was made last.")
        for service in SERVICES:
            count = rotation.rewrap(settings, service)
            click.echo(f"{service}: {count} keys wrapped anew")
    say("The old one opens nothing here any more. When no backup needs it: `tukiverkko vault retire`.")


@vault.command()
def retire() -> None:
    """Take the old key-encryption key out of use and out of its file; refused while anything needs it.

    \b
    Example:
      tukiverkko vault retire
    """
    from chassis import rotation

    with _refusals():
        count = rotation.retire(Settings.load(), SERVICES)
    say("The old key-encryption key is out of use." if count else "There is no old key-encryption key.")


@contextmanager
def _refusals() -> Iterator[None]:
    import psycopg

    from chassis.kek import UnknownKek
    from chassis.rotation import StillInUse

    try:
        yield
    except StillInUse as refusal:
        raise LocalFault(str(refusal)) from refusal
    except UnknownKek as error:
        message = "Some keys were wrapped by a key-encryption key that is not in the file; put it behind the others."
        raise LocalFault(message) from error
    except OSError as error:
        message = f"The secret kek can not be written ({error.strerror}): put the new line before the old one yourself."
        raise LocalFault(message) from error
    except psycopg.Error as error:
        message = "The key database does not answer; `tukiverkko status` shows what runs."
        raise LocalFault(message) from error


COMMANDS = (vault,)
