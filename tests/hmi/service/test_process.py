"""The service as a process against a real PostgreSQL: roles, notifications, kill -9, SIGTERM."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
import pytest
from psycopg import sql

from hmi.cli.main import EXIT_FAILURE
from tests.conftest import DatabaseUrls
from tests.fakes.ports import free_port
from tests.fakes.stalling_proxy import StallingProxy
from tests.tiny.store import TinyStore
from wire.artifacts import BundleRef
from wire.domains import K_TENANTS

pytestmark = pytest.mark.database

KEY = "hmi_process-test"
WAIT_S = 60
TEXT = {"inputs": ["the film was good"]}
NUM_DRAINED, NUM_DRAINED_TEXTS = 8, 512
NUM_UNKNOWN = 40


class Catalog:
    """The portal's tables, written as its administrator."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)

    def insert(self, table: LiteralString, **values: Any) -> str:
        identifier = str(uuid.uuid4())
        row = {"id": identifier, "created_at": "2026-01-01T00:00:00Z", **values}
        self.connection.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(sql.Placeholder() * len(row)),
            ),
            list(row.values()),
        )
        return identifier

    def backbone(self, ref: BundleRef) -> str:
        return self.insert(
            "backbone", name="tiny", uri=ref.uri, digest=ref.digest, num_bytes=1, is_default=True
        )

    def tenant(self, slug: str) -> str:
        return self.insert("tenant", name=slug, slug=slug, is_active=True)

    def key(self, tenant: str, secret: str) -> str:
        return self.insert(
            "api_key",
            tenant_id=tenant,
            name="test",
            key_sha256=hashlib.sha256(secret.encode()).digest(),
            prefix=secret[:12],
            scopes=["predict"],
            kind="service",
        )

    def task(self, tenant: str, slug: str) -> str:
        domain = self.insert("domain", tenant_id=tenant, name=slug, slug=slug, min_tenants=K_TENANTS)
        return self.insert(
            "task", tenant_id=tenant, domain_id=domain, name=slug, slug=slug, kind="single_label", labels="[]"
        )

    def deploy(
        self, tenant: str, task: str, number: int, backbone: str, adapter: BundleRef, tree: BundleRef
    ) -> None:
        domain = self.one("SELECT domain_id FROM task WHERE id = %s", task)
        tree_version = self.insert(
            "tree_version",
            tenant_id=tenant,
            domain_id=domain,
            backbone_id=backbone,
            uri=tree.uri,
            digest=tree.digest,
            num_bytes=1,
            coverage="{}",
            segments="[]",
        )
        version = self.insert(
            "adapter_version",
            tenant_id=tenant,
            task_id=task,
            number=number,
            state="published",
            backbone_id=backbone,
            tree_version_id=tree_version,
            bundle_uri=adapter.uri,
            bundle_digest=adapter.digest,
            num_bytes=1,
            labels="[]",
            report="{}",
            training_job_id=str(uuid.uuid4()),
        )
        with self.connection.transaction():
            self.connection.execute(
                "UPDATE deployment SET state = 'superseded', ended_at = now() WHERE task_id = %s", [task]
            )
            self.insert("deployment", tenant_id=tenant, task_id=task, version_id=version, state="active")

    def one(self, query: LiteralString, *values: Any) -> Any:
        row = self.connection.execute(query, values).fetchone()
        assert row is not None
        return row[0]


class Process:
    """`python -m hmi.cli serve` with its address."""

    def __init__(self, urls: DatabaseUrls, store: TinyStore, cache: Path, *, flush_s: float = 0.2) -> None:
        self.port = free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HMI_")},
            "HMI_STORE_URL": store.url,
            "HMI_CATALOG_URL": urls.catalog,
            "HMI_USAGE_URL": urls.usage,
            "HMI_CACHE_DIR": str(cache),
            "HMI_SERVICE_PORT": str(self.port),
            "HMI_DEVICE_BYTES": "64MiB",
            "HMI_HOST_BYTES": "64MiB",
            "HMI_MAX_ADAPTER_RANK": "8",
            "HMI_MAX_BATCH_ADAPTERS": "4",
            "HMI_USAGE_FLUSH_S": str(flush_s),
            "HMI_CATALOG_POLL_S": "20",
            "HMI_THREADS": "1",
            "HMI_MAX_INPUTS": str(NUM_DRAINED_TEXTS),
            "HMI_MAX_QUEUE_REQUESTS": str(NUM_DRAINED * NUM_DRAINED_TEXTS),
        }
        self.answered: list[httpx.Response] = []
        self.log = cache / "log.txt"
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "hmi.cli", "serve"], env=self.environment, stderr=log, stdout=log
            )
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            timeout=WAIT_S,
            headers={"Authorization": f"Bearer {KEY}"},
        )

    def predict(self, task: str, key: str = KEY) -> httpx.Response:
        response = self.client.post(
            f"/v1/tasks/{task}/predict", json=TEXT, headers={"Authorization": f"Bearer {key}"}
        )
        if response.status_code == 200:
            self.answered.append(response)
        return response

    def wait_for_status(self, status: int, *, key: str = KEY) -> None:
        """Ask until it is answered so; fails with the last answer and what the service has written."""
        end = time.monotonic() + WAIT_S
        while (answer := self.predict("reviews", key)).status_code != status:
            assert time.monotonic() < end, f"{answer.text}\n{self.log.read_text()[-4000:]}"
            time.sleep(0.05)  # another process cannot be waited for otherwise

    def is_ready(self) -> bool:
        assert self.child.poll() is None, self.log.read_text()
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def num_open_requests(self) -> int:
        """Accepted and not yet answered, as the metrics say."""
        lines = self.client.get("/metrics").text.splitlines()
        [value] = [line.split()[1] for line in lines if line.startswith("hmi_open_requests ")]
        return int(float(value))

    def stop(self, number: signal.Signals) -> int:
        self.child.send_signal(number)
        code = self.child.wait(WAIT_S)
        self.client.close()
        return code


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)  # another process cannot be waited for otherwise


@pytest.fixture
def catalog(database_urls: DatabaseUrls) -> Iterator[Catalog]:
    address = database_urls.owner.rpartition("@")[2]
    admin = f"{database_urls.admin.rpartition('@')[0]}@{address}"
    made = Catalog(admin)
    yield made
    for table in ("deployment", "api_key", "adapter_version", "tree_version", "task", "domain", "backbone"):
        made.connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    made.connection.close()


def test_the_way_from_an_empty_catalog_to_a_graceful_end(
    database_urls: DatabaseUrls, catalog: Catalog, tiny_store: TinyStore, tmp_path: Path
) -> None:
    process = Process(database_urls, tiny_store, tmp_path)
    try:
        # It starts without a backbone, says so, and picks it up.
        wait_until(lambda: "connected" in _readyz(process))
        assert "no backbone" in _readyz(process)
        backbone = catalog.backbone(tiny_store.backbone_ref)
        wait_until(process.is_ready)

        # A key and a deployment made just now work at once.
        tenant = catalog.tenant(f"acme-{uuid.uuid4().hex[:8]}")
        key = catalog.key(tenant, KEY)
        task = catalog.task(tenant, "reviews")
        first, second = tiny_store.publish_adapter(seed=91), tiny_store.publish_adapter(seed=92)
        catalog.deploy(tenant, task, 1, backbone, first, tiny_store.trees["film"])
        before = process.predict("reviews")
        assert before.status_code == 200, before.text
        assert before.json()["model"]["adapter_digest"] == first.digest

        # A new version takes over when it is announced, or polled for: nobody asks for it.
        catalog.deploy(tenant, task, 2, backbone, second, tiny_store.trees["market"])
        wait_until(lambda: process.predict("reviews").json()["model"]["version"] == 2)

        # Connections that the database drops are made again, and nobody notices.
        catalog.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'hmi-service%'"
        )
        assert process.predict("reviews").status_code == 200
        catalog.key(tenant, KEY + "2")
        process.wait_for_status(200, key=KEY + "2")

        # Usage arrives once; a kill -9 loses none of it, and the same request has the same answer afterwards.
        with ThreadPoolExecutor(4) as pool:
            answers = [r.json() for r in pool.map(lambda _: process.predict("reviews"), range(20))]
        process.stop(signal.SIGKILL)
        process.start()
        wait_until(process.is_ready)
        after = process.predict("reviews").json()
        one, other = after["predictions"][0], answers[0]["predictions"][0]
        assert one["label"] == other["label"]
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-4)  # batches may be mixed otherwise
        counted: LiteralString = "SELECT count(*) FROM usage_event WHERE tenant_id = %s"
        wait_until(lambda: catalog.one(counted, tenant) == len(process.answered))

        # A revoked key stops likewise.
        catalog.connection.execute("UPDATE api_key SET revoked_at = now() WHERE id = %s", [key])
        process.wait_for_status(401)

        assert process.stop(signal.SIGTERM) == 0, process.log.read_text()
        assert KEY not in process.log.read_text()
        assert "the film was good" not in process.log.read_text()
    finally:
        process.child.kill()
        process.child.wait()
        process.client.close()


def _deploy_reviews(catalog: Catalog, tiny_store: TinyStore, *, seed: int) -> str:
    """A task of a new tenant, with a key; answers the tenant."""
    backbone = catalog.backbone(tiny_store.backbone_ref)
    tenant = catalog.tenant(f"acme-{uuid.uuid4().hex[:8]}")
    catalog.key(tenant, KEY)
    task = catalog.task(tenant, "reviews")
    adapter = tiny_store.publish_adapter(seed=seed)
    catalog.deploy(tenant, task, 1, backbone, adapter, tiny_store.trees["film"])
    return tenant


def test_a_request_under_way_is_answered_when_the_service_ends(
    database_urls: DatabaseUrls, catalog: Catalog, tiny_store: TinyStore, tmp_path: Path
) -> None:
    _deploy_reviews(catalog, tiny_store, seed=93)
    process = Process(database_urls, tiny_store, tmp_path)
    try:
        wait_until(process.is_ready)
        assert process.predict("reviews").status_code == 200
        statuses: list[int] = []

        def ask() -> None:
            texts = ["film good bad"] * NUM_DRAINED_TEXTS
            try:
                answer = httpx.post(
                    f"http://127.0.0.1:{process.port}/v1/tasks/reviews/predict",
                    json={"inputs": texts},
                    headers={"Authorization": f"Bearer {KEY}"},
                    timeout=WAIT_S,
                )
                statuses.append(answer.status_code)
            except httpx.TransportError:
                statuses.append(0)  # no answer at all: the connection was dropped

        threads = [threading.Thread(target=ask) for _ in range(NUM_DRAINED)]
        for thread in threads:
            thread.start()

        def are_under_way() -> bool:
            """All have been accepted, and some wait."""
            num_answered = len(statuses)  # first: one that ends meanwhile is then counted in neither
            num_open = process.num_open_requests()
            assert num_answered < NUM_DRAINED, "they were answered too quickly: give them more texts"
            return num_open > 1 and num_open + num_answered == NUM_DRAINED

        wait_until(are_under_way)
        process.child.send_signal(signal.SIGTERM)
        assert len(statuses) < NUM_DRAINED, "nothing was under way any more: give them more texts"
        assert process.child.wait(WAIT_S) == 0
        for thread in threads:
            thread.join(WAIT_S)
        assert statuses == [200] * NUM_DRAINED
    finally:
        process.child.kill()
        process.child.wait()
        process.client.close()


def test_a_database_that_hangs_slows_no_known_key_and_keeps_no_unknown_one(
    database_urls: DatabaseUrls, catalog: Catalog, tiny_store: TinyStore, tmp_path: Path
) -> None:
    tenant = _deploy_reviews(catalog, tiny_store, seed=94)
    with StallingProxy.to(database_urls.catalog) as proxy:
        urls = replace(
            database_urls, catalog=proxy.leads(database_urls.catalog), usage=proxy.leads(database_urls.usage)
        )
        process = Process(urls, tiny_store, tmp_path)
        try:
            wait_until(process.is_ready)
            assert process.predict("reviews").status_code == 200
            proxy.stall()
            num_threads = _num_threads(process)
            with ThreadPoolExecutor(NUM_UNKNOWN) as pool:
                asking = [pool.submit(process.predict, "reviews", f"{KEY}-{n}") for n in range(NUM_UNKNOWN)]
                answers = []
                while not all(one.done() for one in asking):
                    answers.append(process.predict("reviews"))
                refused = [one.result() for one in asking]
            assert {answer.status_code for answer in answers} == {200}
            assert {answer.status_code for answer in refused} == {503}
            assert {answer.json()["error"]["code"] for answer in refused} == {"catalog_stale"}
            assert {answer.headers["retry-after"] for answer in refused} == {"1"}
            # Of every caller the same two connections that read, and one for each kind of event.
            assert proxy.most_open <= 4
            assert _num_threads(process) == num_threads

            # What was made while it hung works once it goes on, and what was answered meanwhile is counted.
            catalog.key(tenant, KEY + "-late")
            assert process.predict("reviews", KEY + "-late").status_code == 503
            proxy.go_on()
            process.wait_for_status(200, key=KEY + "-late")
            process.wait_for_status(401, key=KEY + "-0")
            counted: LiteralString = "SELECT count(*) FROM usage_event WHERE tenant_id = %s"
            wait_until(lambda: catalog.one(counted, tenant) == len(process.answered))

            proxy.stall()
            assert process.predict("reviews", KEY + "-1").status_code == 503
            assert process.stop(signal.SIGTERM) == 0, process.log.read_text()
        finally:
            process.child.kill()
            process.child.wait()
            process.client.close()


def test_a_disk_that_hangs_holds_no_service_up_that_is_told_to_end(
    database_urls: DatabaseUrls, catalog: Catalog, tiny_store: TinyStore, tmp_path: Path
) -> None:
    tenant = _deploy_reviews(catalog, tiny_store, seed=95)
    process = Process(database_urls, tiny_store, tmp_path, flush_s=3600)
    try:
        wait_until(process.is_ready)
        assert process.predict("reviews").status_code == 200
        process.stop(signal.SIGKILL)
        [kept] = (tmp_path / "packed").iterdir()
        os.mkfifo(kept / "hangs")  # whoever opens it to read waits for a writer
        process.start()
        wait_until(lambda: "opening backbone" in _readyz(process))
        assert process.stop(signal.SIGTERM) == EXIT_FAILURE
        written = process.log.read_text()
        assert "plane_not_closed" in written
        assert "ended_by_force" in written
        # What was answered is counted.
        assert catalog.one("SELECT count(*) FROM usage_event WHERE tenant_id = %s", tenant) == 1
    finally:
        process.child.kill()
        process.child.wait()
        process.client.close()


def _num_threads(process: Process) -> int:
    return len(list(Path(f"/proc/{process.child.pid}/task").iterdir()))


def _readyz(process: Process) -> str:
    assert process.child.poll() is None, process.log.read_text()
    try:
        return process.client.get("/readyz").text
    except httpx.TransportError:
        return ""
