"""Does work of the processor in eventlet's thread pool: no green thread waits for it (architecture.md, trap 16).

Outside a service process, in a command or a test, there is none to hold up and the work is done at once. It helps with
work that lets go of the interpreter: hashing, sealing, packing, unpacking.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

Made = TypeVar("Made")


def apart(work: Callable[..., Made], *given: object) -> Made:
    """What `work` makes of what is given."""
    eventlet: Any = sys.modules.get("eventlet")  # not imported for its own sake: it objects to every later fork
    if eventlet is None or not eventlet.patcher.is_monkey_patched("thread"):
        return work(*given)
    from eventlet import tpool  # noqa: PLC0415 - as above

    made: Made = tpool.execute(work, *given)
    return made
