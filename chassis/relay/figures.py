"""What the relay tells about itself: figures per service, kept thread-safe, and their text for /metrics."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class Lane:
    """The state of one service's way to the broker."""

    leader: bool = False
    database: bool = False
    broker: bool = False
    sealing: bool = False
    published: int = 0
    returned: int = 0
    failures: int = 0
    unpublished: int = 0
    not_accepted: int = 0
    oldest_seconds: float = 0.0
    last_error: str = ""

    @property
    def degraded(self) -> bool:
        """Whether events of this service are not getting through at the moment, or some that nobody follows wait."""
        return not self.database or (self.leader and not self.broker) or self.not_accepted > 0


MESSAGE_STATES = ("queued", "failed", "dead")
MESSAGE_METRICS = {
    "sending": "gauge",
    "carrier": "gauge",
    "mails_total": "counter",
    **dict.fromkeys(MESSAGE_STATES, "gauge"),
}


@dataclass(slots=True)
class Messages:
    """One service's messages: whether there is anything to send with, whether it answers, and how many stand where."""

    sending: bool = False
    carrier: bool = False
    sent: int = 0
    states: dict[str, int] = field(default_factory=dict)


class Figures:
    """All lanes of one relay process."""

    def __init__(self, services: tuple[str, ...]) -> None:
        self._lock = threading.Lock()
        self._lanes = {service: Lane() for service in services}
        self._messages: dict[str, Messages] = {}

    def note(self, service: str, **values: bool | float | str) -> None:
        """Set values of a lane."""
        with self._lock:
            for name, value in values.items():
                setattr(self._lanes[service], name, value)

    def add(self, service: str, **counts: int) -> None:
        """Count up."""
        with self._lock:
            lane = self._lanes[service]
            for name, count in counts.items():
                setattr(lane, name, getattr(lane, name) + count)

    def note_messages(
        self,
        service: str,
        *,
        sending: bool | None = None,
        carrier: bool | None = None,
        sent: int = 0,
        counted: Mapping[str, int] | None = None,
    ) -> None:
        """Set what is known anew of a service's messages; `sent` counts up."""
        with self._lock:
            messages = self._messages.setdefault(service, Messages())
            messages.sending = messages.sending if sending is None else sending
            messages.carrier = messages.carrier if carrier is None else carrier
            messages.sent += sent
            if counted is not None:
                messages.states = dict(counted)

    def snapshot(self) -> dict[str, dict[str, bool | float | str]]:
        """A copy of everything, for health answers and tests."""
        with self._lock:
            return {name: {**asdict(lane), "degraded": lane.degraded} for name, lane in self._lanes.items()}

    def metrics(self) -> str:
        """Prometheus text."""
        names = {
            "published": "counter",
            "returned": "counter",
            "failures": "counter",
            "unpublished": "gauge",
            "not_accepted": "gauge",
            "oldest_seconds": "gauge",
            "leader": "gauge",
            "broker": "gauge",
            "database": "gauge",
            "sealing": "gauge",
        }
        lanes = self.snapshot()
        lines = []
        for name, kind in names.items():
            metric = f"tukiverkko_outbox_{name}" + ("_total" if kind == "counter" else "")
            lines.append(f"# TYPE {metric} {kind}")
            lines += [f'{metric}{{service="{service}"}} {float(lane[name])}' for service, lane in lanes.items()]
        return "\n".join([*lines, *self._of_messages()]) + "\n"

    def _of_messages(self) -> list[str]:
        with self._lock:
            found = {
                name: (each.sending, each.carrier, each.sent, each.states) for name, each in self._messages.items()
            }
        lines = [f"# TYPE tukiverkko_messages_{name} {kind}" for name, kind in MESSAGE_METRICS.items()]
        for service, (sending, carrier, sent, states) in found.items():
            of = f'{{service="{service}"}}'
            lines += [
                f"tukiverkko_messages_sending{of} {float(sending)}",
                f"tukiverkko_messages_carrier{of} {float(carrier)}",
            ]
            lines.append(f"tukiverkko_messages_mails_total{of} {float(sent)}")
            for state in MESSAGE_STATES:
                lines.append(f"tukiverkko_messages_{state}{of} {float(states.get(state, 0))}")
        return lines
