"""Bad luck inside a process that is no defect of it: handlers that fail for a while, batches that leave in disorder.

A sound system gets over these by itself; some planted defects show only with their help.
"""

from __future__ import annotations

import time
import zlib
from collections import Counter
from typing import Any

from tests.support.planting import orders
from tests.support.planting.targets import Target

TRIES = 4  # with the rest of its batch, then three times alone: so that it goes to the ladder once
GATHER_SECONDS = 0.25
_tries: Counter[str] = Counter()


def _failing(original: Any, work: Any, event: Any, *arguments: Any, **named: Any) -> Any:
    """One event in so many fails in each service until it has been on the ladder once."""
    one_in = orders.wanted("failing")
    key = str(event.id)
    if one_in and zlib.crc32(key.encode()) % one_in == 0 and _tries[key] < TRIES:
        _tries[key] += 1
        message = "planted"
        raise RuntimeError(message)
    return original(work, event, *arguments, **named)


def _gathered(original: Any, *arguments: Any, **named: Any) -> Any:
    """Larger batches, so that one holds several events of one object."""
    if orders.wanted("disorder") or orders.wanted("defect") == "swap_the_partners_order":
        time.sleep(GATHER_SECONDS)
    return original(*arguments, **named)


def _disordered(original: Any, link: Any, messages: Any, *arguments: Any, **named: Any) -> Any:
    """Batches to the services leave in reverse order."""
    if orders.wanted("disorder") and messages[0].exchange == "events":
        messages = list(reversed(messages))
    return original(link, messages, *arguments, **named)


FAULTS = [
    Target("chassis.inbox", "apply", _failing),
    Target("chassis.relay.store", "oldest", _gathered),
    Target("chassis.link", "Link.publish", _disordered),
]
