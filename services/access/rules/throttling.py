"""Delays after failed tries that slow a perpetrator down and lock nobody out (access-and-privacy.md section 2).

What is delayed is one account *from one network*, and one network as a whole: never an account for everybody, because
then whoever knows a leader's login could keep her out.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import math

from chassis.errors import TooManyRequests

ACCOUNT_FREE = 4
NETWORK_FREE = 40
"""A house shares one address, and each of its people mistypes now and then."""

FIRST_DELAY = dt.timedelta(seconds=2)
LONGEST_DELAY = dt.timedelta(minutes=30)
FORGOTTEN_AFTER = dt.timedelta(hours=24)
_PREFIX = {4: 24, 6: 56}


def network_of(address: str) -> str:
    """The network of an address: IPv4 /24, IPv6 /56; an IPv4 address in IPv6 clothes is taken for what it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network(f"{found}/{_PREFIX[found.version]}", strict=False))


def delay(failures: int, free: int) -> dt.timedelta:
    """How long to wait after so many failures in a row: nothing for the first `free`, then doubling to half an hour."""
    if failures <= free:
        return dt.timedelta(0)
    return min(FIRST_DELAY * (1 << min(failures - free - 1, 20)), LONGEST_DELAY)


def check_open(blocked_until: dt.datetime | None, now: dt.datetime) -> None:
    """Raises TooManyRequests while a delay runs."""
    if blocked_until is not None and blocked_until > now:
        seconds = math.ceil((blocked_until - now).total_seconds())
        raise TooManyRequests("sign_in.too_many_tries", "Too many failed tries; wait a little.", retry_after=seconds)
