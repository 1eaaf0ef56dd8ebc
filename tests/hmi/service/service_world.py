"""The service over HTTP with a real engine, a tiny backbone and a fake catalog."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from hmi.base.clock import Clock, SystemClock
from hmi.cli.serve import EventSinks, make_service
from hmi.service.catalog_reader import CatalogReaderConfig
from tests.fakes.catalog import FakeCatalog
from tests.fakes.events import FakeEventTable
from tests.fakes.settings import service_settings
from tests.tiny.store import TinyStore
from wire.usage import ComparisonEvent, UsageEvent

ACME, GLOBEX = "hmi_acme-secret", "hmi_globex-secret"
LABELS = ("good", "bad", "new")
WAIT_S = 60


class Service:
    """A running application with its catalog."""

    def __init__(
        self,
        client: TestClient,
        catalog: FakeCatalog,
        usage: FakeEventTable[UsageEvent],
        comparisons: FakeEventTable[ComparisonEvent],
        store: TinyStore,
    ) -> None:
        self.client = client
        self.catalog = catalog
        self.usage = usage
        self.comparisons = comparisons
        self.store = store

    def predict(
        self, body: Any = None, *, key: str | None = ACME, task: str = "reviews", **headers: str
    ) -> Any:
        sent = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        content = (
            body
            if isinstance(body, bytes)
            else json.dumps({"inputs": ["the film was good"]} if body is None else body)
        )
        return self.client.post(f"/v1/tasks/{task}/predict", content=content, headers=sent)

    def wait_until(self, condition: Any) -> None:
        """Ask /readyz until ``condition`` holds: each answer lets the service's own tasks run."""
        end = SystemClock().monotonic() + WAIT_S
        while not condition():
            assert SystemClock().monotonic() < end, "it never came"
            self.client.get("/readyz")

    def change(self, change: Callable[[], None]) -> None:
        """Change the catalog where the service lives: on its event loop."""
        assert self.client.portal is not None
        self.client.portal.call(change)

    def check(self, name: str) -> Any:
        """One check of /readyz."""
        return self.client.get("/readyz").json()["checks"][name]

    @property
    def is_ready(self) -> bool:
        return bool(self.client.get("/readyz").status_code == 200)


@contextmanager
def running(
    store: TinyStore,
    folder: Path,
    *,
    catalog: FakeCatalog | None = None,
    refresh_wait_s: float = 60,
    clock: Clock | None = None,
    **changes: Any,
) -> Iterator[Service]:
    catalog = demo_catalog(store) if catalog is None else catalog
    usage: FakeEventTable[UsageEvent] = FakeEventTable()
    comparisons: FakeEventTable[ComparisonEvent] = FakeEventTable()
    settings = service_settings(store.url, folder, **changes)
    service = make_service(
        settings,
        source=catalog,
        sinks=EventSinks(usage, comparisons),
        clock=SystemClock() if clock is None else clock,
        reader_config=CatalogReaderConfig(
            poll_s=30,
            staleness_s=settings.key_staleness_s,
            min_interval_s=0,
            retry_s=0.001,
            refresh_wait_s=refresh_wait_s,
        ),
    )
    with TestClient(service.app, raise_server_exceptions=False) as client:
        made = Service(client, catalog, usage, comparisons, store)
        made.wait_until(lambda: catalog.num_reads > 0 or catalog.is_away)
        if catalog.backbone is not None:
            made.wait_until(lambda: made.is_ready)
        yield made


def demo_catalog(store: TinyStore) -> FakeCatalog:
    catalog = FakeCatalog()
    catalog.backbone = store.backbone_ref
    catalog.add_key(ACME, "acme")
    catalog.add_key(GLOBEX, "globex")
    catalog.deploy("acme", "reviews", adapter=adapter(store, 1), tree=store.trees["film"])
    catalog.deploy("globex", "prices", adapter=adapter(store, 2), tree=store.trees["market"])
    careful = store.publish_adapter(
        labels=LABELS, seed=1, max_tokens=8, label_set_thresholds=tuple(1 - n / 49 for n in range(50))
    )
    catalog.deploy("acme", "careful", adapter=careful, tree=store.trees["film"])
    catalog.deploy("acme", "draft", adapter=None, tree=None)
    return catalog


def adapter(store: TinyStore, seed: int) -> Any:
    return store.publish_adapter(labels=LABELS, seed=seed, max_tokens=8)


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]
