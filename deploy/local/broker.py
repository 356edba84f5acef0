"""Makes the virtual host of a network with its users, rights, exchanges and queues through the management interface."""

from __future__ import annotations

import functools
import time
from urllib.parse import quote

import urllib3

from chassis import addresses, definitions, topology
from chassis.settings import SERVICES, Settings
from deploy.local.faults import LocalFault
from deploy.local.rabbit import ADMIN

FOLLOWS = {
    "directory": ("group", "response", topology.REPUBLISH),
    "referrals": ("organisation", "service", "placement", topology.REPUBLISH),
    "groups": ("organisation", "referral", topology.REPUBLISH),
    "access": ("organisation",),
    "subscriptions": (topology.EVERYTHING,),
}
"""Bindings that exist before the services' first start, so that no event is unroutable; each service adds its own."""

TELLS = {
    "directory": ("membership", "organisation", "partnership", "service"),
    "referrals": ("area_offer", "referral", "response"),
    "groups": (
        "attendance",
        "attendance_report",
        "certificate",
        "export",
        "glass",
        "group",
        "intake",
        "leader",
        "placement",
        "programme",
        "session",
        "signup",
        "statistics",
    ),
}
"""The nouns that each service may speak of at the broker."""

MANAGEMENT_SECONDS = 20.0
OPENING_SECONDS = 20.0
REFUSED_FROM = 300
_pool = functools.cache(addresses.pool)  # one for each broker that is asked


def make_vhost(settings: Settings, *, with_users: bool = True) -> None:
    """Make the virtual host; repeating it changes nothing. Tests that share a broker leave its users alone."""
    wanted = broker_definitions(settings)
    if not with_users:
        wanted.pop("users")
    _await_management(settings)
    manage(settings, "PUT", f"vhosts/{quote(settings.vhost, safe='')}", {})
    manage(settings, "POST", "definitions", wanted)


def broker_definitions(settings: Settings) -> dict[str, object]:
    """All that the broker must know, with the passwords of this home as hashes."""
    passwords = {name: settings.secret(f"amqp_{name}") for name in (*SERVICES, ADMIN)}
    return definitions.definitions(FOLLOWS, TELLS, passwords, vhost=settings.vhost, administrator=ADMIN)


def drop_vhost(settings: Settings) -> None:
    """Remove the virtual host with all that is in it."""
    manage(settings, "DELETE", f"vhosts/{quote(settings.vhost, safe='')}", None)


def manage(settings: Settings, method: str, path: str, body: object) -> object:
    """One request to the broker's management interface as its administrator. Raises LocalFault when it refuses."""
    headers = urllib3.make_headers(basic_auth=f"{ADMIN}:{settings.secret('amqp_admin')}")
    url = f"{settings.management_url}/api/{path}"
    pool = _pool(settings.management_url, settings.amqp_ca)
    answer = pool.request(method, url, json=body, headers=headers, timeout=MANAGEMENT_SECONDS, retries=False)
    if answer.status >= REFUSED_FROM:
        message = f"The broker refused {method} {path}: {answer.status} {answer.data[:200].decode('utf-8', 'replace')}"
        raise LocalFault(message)
    return answer.json() if answer.data else None


def _await_management(settings: Settings) -> None:
    """The plugin's port opens a moment after the broker's own."""
    deadline = time.monotonic() + OPENING_SECONDS
    while True:
        try:
            manage(settings, "GET", "whoami", None)
        except urllib3.exceptions.HTTPError as error:
            if time.monotonic() > deadline:
                message = f"The broker's management interface does not answer at {settings.management_url}."
                raise LocalFault(message) from error
            time.sleep(0.1)
        else:
            return
