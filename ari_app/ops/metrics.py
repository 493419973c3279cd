"""GET /metrics: counters and timings in Prometheus' text format.

Labels come from our own tables (the route's pattern, never the path that was asked for), so their number is bounded and
no id or token becomes a label.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class HttpMetrics:
    """What is counted of each dialect's requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("dialect", "endpoint", "status")
        self._requests = Counter("ariapp_http_requests", "REST requests by answer", labels, registry=registry)
        self._seconds = Histogram(
            "ariapp_http_request_seconds",
            "Time to answer a REST request",
            ("dialect", "endpoint"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._registry = registry
        self.in_flight = Gauge("ariapp_http_requests_in_flight", "REST requests being answered", registry=registry)

    def observe(self, dialect: str, endpoint: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(dialect, endpoint, str(status)).inc()
        self._seconds.labels(dialect, endpoint).observe(seconds)

    def refused(self, dialect: str, by_key: Mapping[str, int]) -> None:
        """Count also what a dialect refuses because a key asks too often; by_key is read when it is asked for."""
        name = f"ariapp_{dialect}_rate_limited_requests"
        self._registry.register(Counts(name, "Requests refused: too many with a key", "key", by_key))


def live_gauges(registry: CollectorRegistry, figures: Mapping[str, Callable[[], float]]) -> None:
    """Gauges `ariapp_live_<name>`, each read when it is asked for."""
    for name, figure in figures.items():
        gauge = Gauge(f"ariapp_live_{name}", f"Live {name.replace('_', ' ')}", registry=registry)
        gauge.set_function(figure)


class Counts(Collector):
    """A counter whose figures somebody else keeps, read when they are asked for: what they count costs nothing more."""

    def __init__(self, name: str, what: str, label: str, figures: Mapping[str, int]) -> None:
        """`figures` is read at each request; the values of `label` are its keys, which must be few."""
        self._name, self._what, self._label, self._figures = name, what, label, figures

    def collect(self) -> Iterable[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._what, labels=(self._label,))
        for key, value in sorted(self._figures.items()):
            family.add_metric((key,), value)
        return [family]


def handler(registry: CollectorRegistry) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The aiohttp handler for a registry."""

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return metrics
