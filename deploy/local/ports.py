"""Ports of one network: whether they are free, and who else may be there."""

from __future__ import annotations

import errno
import socket

from chassis.settings import SERVICES
from deploy.local.faults import LocalFault

OFFSETS = {
    "gateway": 0,
    **{name: place for place, name in enumerate(SERVICES, 1)},
    "postgres": 10,
    "rabbitmq": 11,
    "rabbitmq management": 12,
    "erlang distribution": 13,
    "epmd": 14,
    "keystore": 15,
    "relay": 20,
    "sender": 21,
}


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nobody listens on `port`: tried without SO_REUSEPORT, which would let a forgotten process share it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is no listener
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def require_free(base: int, names: tuple[str, ...]) -> None:
    """Raise LocalFault naming the first port of `names` that is taken."""
    for name in names:
        if not is_free(base + OFFSETS[name]):
            message = (
                f"Port {base + OFFSETS[name]} ({name}) is taken by another program; "
                "stop it or choose another base by TUKIVERKKO_PORT."
            )
            raise LocalFault(message)
