"""What the relay tells about itself: figures per service, kept thread-safe, and their text for /metrics."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass


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


class Figures:
    """All lanes of one relay process."""

    def __init__(self, services: tuple[str, ...]) -> None:
        self._lock = threading.Lock()
        self._lanes = {service: Lane() for service in services}

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
        return "\n".join(lines) + "\n"
