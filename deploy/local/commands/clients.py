"""Commands about systems that ask for tokens by themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chassis.settings import Settings
from deploy.local.commands.screen import say
from deploy.local.faults import LocalFault

if TYPE_CHECKING:
    from uuid import UUID

    from services.access.usecases.clients import Made

ORG = click.option("--org", "org_key", required=True, help="Key of the organisation.")
SCOPE = click.option("--scope", "scopes", multiple=True, required=True, help="A role; may be repeated.")
CLIENT = click.argument("client_id", type=click.UUID)


JWK = click.option(
    "--jwk",
    type=click.Path(path_type=Path),
    help="File with the client's PUBLIC key as a JWK; without it the client gets a secret.",
)


@click.group()
def client() -> None:
    """Systems of organisations that ask for tokens by themselves.

    \b
    Example:
      tukiverkko client create --org lt-police --name "Case system" --scope sender_client
    """


@client.command("create")
@ORG
@click.option("--name", required=True, help="What the organisation calls it.")
@SCOPE
@JWK
def client_create(org_key: str, name: str, scopes: tuple[str, ...], jwk: Path | None) -> None:
    """Register a client; its secret is shown once.

    \b
    Example:
      tukiverkko client create --org lt-police --name "Case system" --scope sender_client
    """
    from deploy.local.commands.rooms import database
    from services.access.usecases import operated

    method = "private_key_jwt" if jwk is not None else "client_secret"
    with database(Settings.load(), "access") as db:
        made = operated.create_client(db, org_key=org_key, name=name, roles=scopes, method=method, jwk=_read(jwk))
    _show(made)


@client.command("list")
@ORG
def client_list(org_key: str) -> None:
    """List an organisation's clients, newest first: one JSON object per line, never a secret.

    \b
    Example:
      tukiverkko client list --org lt-police
    """
    from deploy.local.commands.rooms import database
    from services.access.usecases import operated

    with database(Settings.load(), "access") as db:
        for row in operated.list_clients(db, org_key=org_key):
            click.echo(json.dumps(row, default=str))


@client.command("rotate")
@CLIENT
@ORG
@JWK
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 168),
    default=24,
    show_default=True,
    help="How long the old one lives on; 0 ends it at once, with its tokens.",
)
def client_rotate(client_id: UUID, org_key: str, jwk: Path | None, overlap_hours: int) -> None:
    """Give a client another secret, shown once, or another key.

    \b
    Example:
      tukiverkko client rotate 6b0e0c52-6d0f-4b1f-9a4e-0f6f0e0b7a11 --org lt-police
    """
    from deploy.local.commands.rooms import database
    from services.access.usecases import operated

    with database(Settings.load(), "access") as db:
        made = operated.rotate_client(
            db, org_key=org_key, client_id=client_id, jwk=_read(jwk), overlap_hours=overlap_hours
        )
    _show(made)


@client.command("revoke")
@CLIENT
@ORG
def client_revoke(client_id: UUID, org_key: str) -> None:
    """End a client for good; its tokens end within five seconds.

    \b
    Example:
      tukiverkko client revoke 6b0e0c52-6d0f-4b1f-9a4e-0f6f0e0b7a11 --org lt-police
    """
    from deploy.local.commands.rooms import database
    from services.access.usecases import operated

    with database(Settings.load(), "access") as db:
        operated.revoke_client(db, org_key=org_key, client_id=client_id)
    say(f"Client {client_id} is revoked.")


def _read(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path} holds no JSON that can be read."
        raise LocalFault(message) from error
    if not isinstance(found, dict):
        message = f"{path} holds no JWK, which is one JSON object."
        raise LocalFault(message)
    return found


def _show(made: Made) -> None:
    say(f"client_id      {made.id}")
    if made.secret is not None:
        say(f"client_secret  {made.secret}")
        say("Keep the secret now: only its hash is stored.")


COMMANDS = (client,)
