"""Both installations leave the service the time that it may take to end."""

from pathlib import Path

import yaml

from hmi.cli.serve import DRAIN_S
from hmi.service.app import CLOSE_S, LAST_FLUSH_S
from portal.local.control import DOWN_DEADLINE_S
from portal.local.programs import SERVICE_STOP_S

NUM_WRITERS = 2  # of usage, and of what trials compared
COMPOSE = Path(__file__).resolve().parents[2] / "docker-compose.yml"


def test_nobody_kills_the_service_while_it_ends() -> None:
    takes_s = DRAIN_S + CLOSE_S + NUM_WRITERS * LAST_FLUSH_S
    assert takes_s < SERVICE_STOP_S < DOWN_DEADLINE_S
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    for name in ("inference-cpu", "inference-gpu"):
        assert services[name]["stop_grace_period"] == f"{SERVICE_STOP_S:.0f}s"
