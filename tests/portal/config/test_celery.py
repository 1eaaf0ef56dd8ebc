"""The worker with its beat, as ./hmi and docker-compose start it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from portal.local.folders import ROOT
from portal.local.identity import ProcessIdentity, identify, is_alive
from portal.local.steps import python
from portal.local.waiting import wait_until
from tests.fakes.ports import free_port

WORKER_OF_AN_UPGRADE = """
from pathlib import Path
from portal.common.release import known_migrations
from portal.config.celery import app

worker = app.Worker(concurrency=1)
later = "from django.db import migrations; Migration = type('Migration', (migrations.Migration,), {})"
Path("portal/training/migrations/9999_of_a_later_release.py").write_text(later)
print(("training", "9999_of_a_later_release") in known_migrations(), len(known_migrations()) > 1)
"""


def _children(pid: int) -> list[ProcessIdentity]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    found = (identify(int(child)) for listed in lists for child in listed.read_text().split())
    return [child for child in found if child is not None]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the kernel is asked for children")
def test_nothing_of_a_worker_that_was_killed_goes_on_sending(tmp_path: Path) -> None:
    nowhere = {"HMI_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0", "HMI_LOG_LEVEL": "INFO"}
    command = python("-m", "celery", "-A", "portal.config.celery", "worker", "-B", "--concurrency", "1")
    log = tmp_path / "log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **nowhere}, stdout=output, stderr=output
        )
    with worker:
        try:
            sends = wait_until(lambda: "beat: Connection error" in log.read_text(), deadline_s=120)
            children = _children(worker.pid)
        finally:
            worker.kill()
    assert sends, log.read_text()
    assert len(children) == 2, "one of the pool, one that sends what is due"
    assert wait_until(lambda: not any(map(is_alive, children)), deadline_s=60)


def test_a_worker_does_not_take_a_release_that_comes_to_the_disk_for_its_own(tmp_path: Path) -> None:
    ours = shutil.copytree(ROOT / "platform", tmp_path / "platform")
    said = subprocess.run(
        python("-c", WORKER_OF_AN_UPGRADE),
        cwd=ours,
        env={**os.environ, "PYTHONPATH": f"{ours}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "False True\n"
