"""What the sender tells about itself: figures per service, kept thread-safe, for health answers and /metrics."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

STATES = ("queued", "failed", "dead")
METRICS = {"sending": "gauge", "carrier": "gauge", "mails_total": "counter", **dict.fromkeys(STATES, "gauge")}


@dataclass(slots=True)
class Messages:
    """One service's messages: is there anything to send with, does it answer, how many stand where."""

    sending: bool = False
    carrier: bool = True
    database: bool = False
    mails: int = 0
    states: dict[str, int] = field(default_factory=dict)

    @property
    def degraded(self) -> bool:
        """Whether messages do not leave at the moment, or a person has to look."""
        return not (self.sending and self.carrier and self.database) or self.states.get("dead", 0) > 0


class Figures:
    """All services of one sender process."""

    def __init__(self, services: tuple[str, ...]) -> None:
        self._lock = threading.Lock()
        self._of = {service: Messages() for service in services}

    def note(
        self,
        service: str,
        *,
        sending: bool | None = None,
        carrier: bool | None = None,
        sent: int = 0,
        counted: Mapping[str, int] | None = None,
    ) -> None:
        """Set what is known anew; `sent` counts up, `counted` says that the database answers."""
        with self._lock:
            messages = self._of[service]
            messages.sending = messages.sending if sending is None else sending
            messages.carrier = messages.carrier if carrier is None else carrier
            messages.mails += sent
            if counted is not None:
                messages.states, messages.database = dict(counted), True

    def lost(self, service: str) -> None:
        """The database does not answer."""
        with self._lock:
            self._of[service].database = False

    def snapshot(self) -> dict[str, dict[str, object]]:
        """A copy of everything, for health answers and tests."""
        with self._lock:
            return {name: {**asdict(each), "degraded": each.degraded} for name, each in self._of.items()}

    def metrics(self) -> str:
        """Prometheus text."""
        lines = []
        with self._lock:
            for name, kind in METRICS.items():
                lines.append(f"# TYPE tukiverkko_messages_{name} {kind}")
                for service, each in self._of.items():
                    lines.append(f'tukiverkko_messages_{name}{{service="{service}"}} {_value(each, name)}')
        return "\n".join(lines) + "\n"


def _value(messages: Messages, name: str) -> float:
    if name in STATES:
        return float(messages.states.get(name, 0))
    return float(messages.mails if name == "mails_total" else getattr(messages, name))
