"""Log lines as JSON with allow-listed fields only, and W3C trace context.

No body, no exception text and no argument of a foreign library's message is ever written: an exception is logged as
its type and the places it came through. Source: http-api.md (Trace), access-and-privacy.md (logs).
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from typing import Any

import orjson

from chassis import clock

FIELDS = frozenset(
    {
        "request_id",
        "trace_id",
        "method",
        "route",
        "status",
        "ms",
        "operation",
        "code",
        "fault",
        "stack",
        "port",
        "queue",
        "event_id",
        "event_type",
        "attempt",
        "count",
        "seconds",
        "check",
        "target",
        "signal",
        "reason",
        "org_id",
        "subject",
        "network",
    }
)
"""The only extra fields that a log line may carry; others are left out."""

OWN = ("chassis", "services", "gateway", "deploy")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})").fullmatch
_service = "-"


def accept_trace(header: str | None) -> str:
    """The trace context of this hop: the given trace id with a new span, or a new trace when none fits."""
    match = _TRACEPARENT(header) if header else None
    span = os.urandom(8).hex()
    if match is None or match[1] == "0" * 32 or match[2] == "0" * 16:
        return f"00-{os.urandom(16).hex()}-{span}-01"
    return f"00-{match[1]}-{span}-{match[3]}"


def emit(fields: dict[str, Any]) -> None:
    """Write one JSON line; the caller vouches that `fields` holds allow-listed names and no personal value."""
    sys.stdout.buffer.write(orjson.dumps({"time": clock.now(), "service": _service, **fields}) + b"\n")
    sys.stdout.buffer.flush()


def log_fault(event: str, error: BaseException, **fields: str) -> None:
    """Write an error line with the kind of fault and where it happened, without its text."""
    emit({"level": "error", "event": event, **fields, **_places(error)})


class JsonFormatter(logging.Formatter):
    """One JSON object per record; foreign messages keep their template but lose their values."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its line end."""
        line: dict[str, Any] = {
            "time": clock.now(),
            "service": _service,
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage() if record.name.startswith(OWN) else str(record.msg),
        }
        line.update({name: value for name, value in record.__dict__.items() if name in FIELDS})
        if record.exc_info and record.exc_info[1]:
            line.update(_places(record.exc_info[1]))
        return orjson.dumps(line, default=str).decode()


class DropAnswered(logging.Filter):
    """Drops nameko's own report of a failed HTTP worker: the door logs it, once and without values."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record but those about a worker of the door."""
        context = record.args[0] if isinstance(record.args, tuple) and record.args else None
        return not getattr(getattr(context, "entrypoint", None), "answers_for_itself", False)


def set_up_logging(service: str, level: str = "INFO") -> None:
    """Send every record of this process to stdout as JSON."""
    global _service  # noqa: PLW0603 - the process has one name, set once at its start
    _service = service
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("nameko.containers").addFilter(DropAnswered())
    # urllib3 warns about every connection that a restarted service closed; the gateway handles those itself.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def _places(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    return {
        "fault": type(error).__name__,
        "stack": [f"{_short(frame.filename)}:{frame.lineno}:{frame.name}" for frame in frames],
    }


def _short(filename: str) -> str:
    return "/".join(filename.rsplit("/", 3)[-3:])
