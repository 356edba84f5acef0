"""Life signs of a process: /health/live, /health/ready and /metrics, answered without a worker and without a token.

A provider registers what it can tell:  health.CHECKS.add("database", ping, vital=True).  A check returns None when
all is well and a short reason code otherwise; a vital one makes the process not ready, another only `degraded`.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import eventlet
import orjson
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from chassis.http.messages import Request, Response

ROUTE = "health"
CHECK_SECONDS = 1.0
FRESH_SECONDS = 1.0
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
Check = Callable[[], str | None]


class Checks:
    """The checks of one process and their last results, so that probes can not overload what they ask."""

    def __init__(self) -> None:
        """Start with no check: such a process is ready."""
        self._checks: dict[str, tuple[Check, bool]] = {}
        self._results: tuple[float, dict[str, str]] = (0.0, {})

    def add(self, name: str, check: Check, *, vital: bool) -> None:
        """Register a check; the same name again replaces it."""
        self._checks[name] = (check, vital)
        self._results = (0.0, {})

    def results(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the reasons of failing vital checks and of failing others, at most a second old."""
        then, reasons = self._results
        if time.monotonic() - then > FRESH_SECONDS:
            reasons = {name: reason for name in self._checks if (reason := self._run(name))}
            self._results = (time.monotonic(), reasons)
        vital = {name: reason for name, reason in reasons.items() if self._checks[name][1]}
        return vital, {name: reason for name, reason in reasons.items() if name not in vital}

    def _run(self, name: str) -> str | None:
        try:
            with eventlet.Timeout(CHECK_SECONDS):
                return self._checks[name][0]()
        except eventlet.Timeout:
            return "timeout"
        except Exception as error:  # noqa: BLE001 - whatever fails is a failed check; its text stays inside
            return type(error).__name__


class Tally(Collector):
    """Counts of answers; plain dicts, because one green thread runs at a time and locks cost more than the count."""

    def __init__(self) -> None:
        """Start at zero."""
        self.answers: dict[tuple[str, str, int], int] = {}
        self.times: dict[str, list[float]] = {}
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self.counters: dict[str, tuple[str, str, Callable[[], Mapping[str, int]]]] = {}

    def add(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer."""
        key = (route, method, status)
        self.answers[key] = self.answers.get(key, 0) + 1
        row = self.times.get(route)
        if row is None:
            row = self.times[route] = [0.0] * (len(BUCKETS) + 2)
        row[bisect_left(BUCKETS, seconds)] += 1
        row[-1] += seconds

    def collect(self) -> Iterable[Metric]:
        """Say it in Prometheus' words."""
        answers = CounterMetricFamily("http_requests", "Answers given", labels=["route", "method", "status"])
        for (route, method, status), count in self.answers.items():
            answers.add_metric([route, method, str(status)], count)
        times = HistogramMetricFamily("http_request_seconds", "Time to the end of the answer", labels=["route"])
        for route, row in self.times.items():
            times.add_metric([route], buckets=_buckets(row), sum_value=row[-1])
        yield answers
        yield times
        for name, (text, read) in self.gauges.items():
            yield GaugeMetricFamily(name, text, value=read())
        for name, (text, label, counts) in self.counters.items():
            family = CounterMetricFamily(name, text, labels=[label])
            for value, number in sorted(counts().items()):
                family.add_metric([value], number)
            yield family


class Page:
    """One life sign; answered by the connection itself, so that busy workers do not hide a living process."""

    def __init__(self, make: Callable[[], Response]) -> None:
        """Answer with whatever `make` returns."""
        self._make = make

    def answer(self, request: Request, values: dict[str, Any]) -> Response:  # noqa: ARG002 - every endpoint has these
        """Return the page."""
        request.route = ROUTE
        return self._make()


CHECKS = Checks()
TALLY = Tally()
REGISTRY = CollectorRegistry()
REGISTRY.register(TALLY)
ProcessCollector(registry=REGISTRY)
count = TALLY.add


def gauge(name: str, text: str, read: Callable[[], float]) -> None:
    """Show a number in /metrics, read at the moment it is asked for."""
    TALLY.gauges[name] = (text, read)


def counter(name: str, text: str, label: str, counts: Callable[[], Mapping[str, int]]) -> None:
    """Show counts by one label in /metrics, read at the moment they are asked for."""
    TALLY.counters[name] = (text, label, counts)


def pages(accepting: Callable[[], bool]) -> dict[str, Page]:
    """The three pages; `accepting` tells whether the process still takes work."""
    return {
        "/health/live": Page(lambda: _json(200, {"status": "live"})),
        "/health/ready": Page(lambda: _ready(accepting=accepting())),
        "/metrics": Page(_metrics),
    }


def _ready(*, accepting: bool) -> Response:
    failing, degraded = CHECKS.results() if accepting else ({"process": "stopping"}, {})
    body = {"status": "not_ready" if failing else "ready", "failing": failing, "degraded": degraded}
    response = _json(503 if failing else 200, body)
    if failing:
        response.headers.append(("Retry-After", "5"))
    return response


def _metrics() -> Response:
    kind = "text/plain; version=0.0.4; charset=utf-8"
    return Response(200, [("Content-Type", kind)], generate_latest(REGISTRY))


def _json(status: int, body: dict[str, Any]) -> Response:
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    return Response(status, headers, orjson.dumps(body))


def _buckets(row: list[float]) -> list[tuple[str, float]]:
    total = 0.0
    buckets = []
    for bound, number in zip((*map(str, BUCKETS), "+Inf"), row, strict=False):
        total += number
        buckets.append((bound, total))
    return buckets
