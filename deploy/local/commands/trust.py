"""Commands about whom tokens are believed from: trusted issuers, and the keys that our own tokens are signed with."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from chassis.settings import Settings
from deploy.local.commands.screen import say
from deploy.local.faults import LocalFault

if TYPE_CHECKING:
    from uuid import UUID

PUBLISH_SECONDS = 6
"""How long a key is published before it signs: three times what a process needs to hear of it."""


@click.group()
def issuer() -> None:
    """Trusted issuers: whose tokens may be exchanged for ours.

    \b
    Example:
      tukiverkko issuer list
    """


@issuer.command("add")
@click.option("--org", "org_key", required=True, help="Key of the organisation.")
@click.option("--scope", "scopes", multiple=True, required=True, help="A role; may be repeated.")
@click.option("--issuer", "name", required=True, help="The issuer as its tokens name it (iss).")
@click.option("--jwks-uri", required=True, help="Where it publishes its keys; https only.")
@click.option("--audience", required=True, help="What its tokens for us have as audience (aud).")
@click.option("--claim", required=True, help="The claim that tells whose token it is, for example azp.")
@click.option("--value", required=True, help="The value of that claim for this organisation.")
def issuer_add(org_key: str, scopes: tuple[str, ...], name: str, **trust: str) -> None:
    """Trust an issuer for one organisation, with at most these roles.

    \b
    Example:
      tukiverkko issuer add --org lt-police --scope sender_client --issuer https://id.example/realms/police \\
        --jwks-uri https://id.example/realms/police/certs --audience tukiverkko --claim azp --value case-system
    """
    from deploy.local.commands.rooms import database
    from services.access.usecases import operated

    settings = Settings.load()
    wanted = operated.Trust(issuer=name, **trust)
    with database(settings, "access") as db:
        row_id = operated.add_issuer(db, settings, org_key=org_key, trust=wanted, roles=scopes)
    say(f"Issuer {row_id} is trusted for {org_key}.")


@issuer.command("list")
def issuer_list() -> None:
    """List all trusted issuers: one JSON object per line.

    \b
    Example:
      tukiverkko issuer list
    """
    from dataclasses import asdict

    from deploy.local.commands.rooms import database
    from services.access.usecases import operated

    with database(Settings.load(), "access") as db:
        for row in operated.list_issuers(db):
            click.echo(json.dumps(asdict(row), default=str))


@issuer.command("remove")
@click.argument("issuer_id", type=click.UUID)
def issuer_remove(issuer_id: UUID) -> None:
    """Trust an issuer no more; what it led to ends within five seconds.

    \b
    Example:
      tukiverkko issuer remove 6b0e0c52-6d0f-4b1f-9a4e-0f6f0e0b7a11
    """
    from deploy.local.commands.rooms import database
    from services.access.usecases import operated

    with database(Settings.load(), "access") as db:
        operated.remove_issuer(db, issuer_id)
    say(f"Issuer {issuer_id} is trusted no more.")


@click.group()
def keys() -> None:
    """The keys that access tokens are signed with.

    \b
    Example:
      tukiverkko keys rotate
    """


@keys.command("rotate")
@click.option("--publish-only", is_flag=True, help="Publish the next key and let the old one sign on.")
def keys_rotate(*, publish_only: bool) -> None:
    """Publish the next signing key, wait until every process knows it, then sign with it; the old one stays known.

    \b
    Example:
      tukiverkko keys rotate
    """
    from chassis import signing

    home = Settings.load().home
    try:
        published = signing.publish_next(home)
        say(f"Key {published} is published.")
        if not publish_only:
            time.sleep(PUBLISH_SECONDS)
            say(f"Key {signing.sign_with_next(home)} signs from now on.")
    except (OSError, ValueError) as error:
        message = f"The signing keys in {home} cannot be changed: {getattr(error, 'strerror', None) or 'unreadable'}."
        raise LocalFault(message) from error


COMMANDS = (issuer, keys)
