"""What the service counts for Prometheus. No label holds a tenant, a task or any text."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from hmi.engine.batch import BatchRecord

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)
_TOKENS = (16, 64, 256, 1024, 2048, 4096, 8192, 16384)


class ServiceMetrics:
    """The service's registry and its metrics. Thread-safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "hmi_requests", "HTTP requests answered", ["route", "status"], registry=self.registry
        )
        self._request_seconds = Histogram(
            "hmi_request_seconds",
            "HTTP request duration",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._answered: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._batch_rows = Histogram(
            "hmi_batch_rows", "Documents in a batch", buckets=_COUNTS, registry=self.registry
        )
        self._batch_tokens = Histogram(
            "hmi_batch_tokens", "Tokens in a batch", buckets=_TOKENS, registry=self.registry
        )
        self._batch_adapters = Histogram(
            "hmi_batch_adapters", "Distinct adapters in a batch", buckets=_COUNTS, registry=self.registry
        )
        self._batch_tenants = Histogram(
            "hmi_batch_tenants", "Distinct tenants in a batch", buckets=_COUNTS, registry=self.registry
        )
        self._stage_seconds = Histogram(
            "hmi_stage_seconds",
            "Duration of a batch's stage",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._tier_bytes = Gauge(
            "hmi_tier_bytes",
            "Bytes reserved in a memory tier, by kind",
            ["tier", "kind"],
            registry=self.registry,
        )

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        if (route, status) not in self._answered:
            # Looked up by label each time, they would cost as much again as what they count.
            self._answered[route, status] = (
                self._requests.labels(route, str(status)),
                self._request_seconds.labels(route),
            )
        count, duration = self._answered[route, status]
        count.inc()
        duration.observe(seconds)

    def observe_batch(self, batch: BatchRecord) -> None:
        self._batch_rows.observe(batch.num_rows)
        self._batch_tokens.observe(batch.num_tokens)
        self._batch_adapters.observe(len(batch.adapters))
        self._batch_tenants.observe(len(batch.tenants))
        self._stage_seconds.labels("place").observe(batch.placing_ms / 1000)
        self._stage_seconds.labels("retrieve").observe(batch.retrieve_ms / 1000)
        self._stage_seconds.labels("compute").observe(batch.compute_ms / 1000)

    def watch(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """A gauge that is read when somebody asks for the metrics."""
        Gauge(name, help_text, registry=self.registry).set_function(value)

    def set_tier_bytes(self, tier: str, kind: str, num_bytes: int) -> None:
        self._tier_bytes.labels(tier, kind).set(num_bytes)

    def text(self) -> bytes:
        return generate_latest(self.registry)
