"""The long-lived programs of the embedded installation, and how each says that it is ready."""

import signal
from collections.abc import Callable
from dataclasses import dataclass

from celery import Celery

from portal.common.queue import ESTIMATE_QUEUE, HOUSEKEEPING_QUEUE, TRAINING_QUEUE
from portal.local.broker import BrokerServer
from portal.local.environment import Environments
from portal.local.folders import ROOT, Folders
from portal.local.ports import LOOPBACK, Ports
from portal.local.postgres import PostgresServer
from portal.local.process import ProcessSpec
from portal.local.proxy import answers, proxy_spec
from portal.local.secrets import Secrets
from portal.local.steps import python
from portal.local.supervisor import Supervised

SERVICE_STOP_S = 50.0
"""To answer what is open, to close, and to send what was counted; then it is killed."""


@dataclass(frozen=True, slots=True)
class Programs:
    """In the order of dependence: each works with those before it."""

    postgres: Supervised
    broker: Supervised
    service: Supervised
    portal: Supervised
    worker: Supervised
    estimator: Supervised
    scheduler: Supervised
    proxy: Supervised


def build_programs(
    *, folders: Folders, ports: Ports, host: str, secrets: Secrets, environments: Environments
) -> Programs:
    """Every program with its command, environment, readiness and deadlines."""
    return Programs(
        postgres=_postgres(folders, ports, secrets),
        broker=_broker(folders, ports, secrets),
        service=_service(folders, ports, environments),
        portal=_portal(folders, ports, environments),
        worker=_celery("worker", ("-Q", TRAINING_QUEUE), None, folders, environments),
        estimator=_celery("estimator", ("-Q", ESTIMATE_QUEUE), 1, folders, environments),
        scheduler=_celery("scheduler", ("-B", "-Q", HOUSEKEEPING_QUEUE), 2, folders, environments),
        proxy=Supervised(
            spec=proxy_spec(folders, ports, host),
            is_ready=_http_probe(ports.proxy, "/healthz"),
            ready_deadline_s=30.0,
        ),
    )


def _postgres(folders: Folders, ports: Ports, secrets: Secrets) -> Supervised:
    server = PostgresServer(
        folders.postgres / "data",
        ports.postgres,
        secrets.database_admin,
        socket_dir=folders.run / "postgres",
        log_file=folders.logs / "postgres.log",
    )
    server.prepare()
    return Supervised(spec=server.spec(), is_ready=server.is_ready, prepare=server.prepare)


def _broker(folders: Folders, ports: Ports, secrets: Secrets) -> Supervised:
    server = BrokerServer(folders.valkey, ports.broker, secrets.broker, log_file=folders.logs / "valkey.log")
    return Supervised(spec=server.spec(), is_ready=server.is_ready, prepare=server.prepare)


def _service(folders: Folders, ports: Ports, environments: Environments) -> Supervised:
    spec = ProcessSpec(
        name="service",
        command=python("-m", "hmi.cli", "serve"),
        log_file=folders.logs / "service.log",
        env=environments.service,
        cwd=ROOT,
        port=ports.service,
        stop_deadline_s=SERVICE_STOP_S,
    )
    return Supervised(spec=spec, is_ready=_http_probe(ports.service, "/readyz"), ready_deadline_s=120.0)


def _portal(folders: Folders, ports: Ports, environments: Environments) -> Supervised:
    address = ("--host", LOOPBACK, "--port", str(ports.portal))
    options = ("--proxy-headers", "--forwarded-allow-ips", LOOPBACK, "--timeout-graceful-shutdown", "5")
    spec = ProcessSpec(
        name="portal",
        command=python(
            "-m", "uvicorn", "portal.config.asgi:application", *address, *options, "--no-access-log"
        ),
        log_file=folders.logs / "portal.log",
        env=environments.portal,
        cwd=ROOT,
        port=ports.portal,
    )
    return Supervised(spec=spec, is_ready=_http_probe(ports.portal, "/healthz"))


def _celery(
    name: str, options: tuple[str, ...], num_at_once: int | None, folders: Folders, environments: Environments
) -> Supervised:
    """A Celery worker; ``num_at_once`` None: as many as its settings say. SIGQUIT ends it at once; a training
    goes on from its last checkpoint."""
    host = f"{name}@hmi"
    limit = () if num_at_once is None else ("--concurrency", str(num_at_once))
    words = ("worker", *options, *limit, "--hostname", host, "--loglevel", "INFO")
    spec = ProcessSpec(
        name=name,
        command=python("-m", "celery", "-A", "portal.config.celery", *words),
        log_file=folders.logs / f"{name}.log",
        env=environments.portal,
        cwd=ROOT,
        stop_signal=signal.SIGQUIT,
        death_signal=signal.SIGKILL,  # the broker ends as well, and without it Celery never gets done
    )
    return Supervised(spec=spec, is_ready=_celery_probe(host, environments.portal["HMI_BROKER_URL"]))


def _http_probe(port: int, path: str) -> Callable[[], bool]:
    return lambda: answers(f"http://{LOOPBACK}:{port}{path}")


def _celery_probe(host: str, broker_url: str) -> Callable[[], bool]:
    client = Celery("hmi-supervisor", broker=broker_url, set_as_current=False)

    def is_ready() -> bool:
        try:
            return bool(client.control.ping(destination=[host], timeout=0.5))
        except client.connection_for_write().connection_errors:
            return False

    return is_ready
