"""./hmi plot build on a real installation: trees are swapped under load, or by the next start."""

import json
import random
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.installation import Installation
from tests.fakes.ports import free_ports

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
WORDS = {"sport": "match team goal striker league cup", "tech": "chip software network phone data cloud"}
RECIPE = {"epochs": 1, "min_steps": 40, "max_tokens": 16, "distil": False, "compare_computed": False}


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hmi-plot-build-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user and has to get there
    yield folder
    shutil.rmtree(folder)


def _start(folder: Path, port: int) -> Installation:
    started = Installation.start(ROOT, var=folder / "var", port=port, demo=False)

    def is_ready() -> bool:
        return httpx.get(f"{started.base_url}/readyz", timeout=10).status_code == 200

    started.wait_until(is_ready, what="it is ready", deadline_s=600)
    return started


def _build(folder: Path, *words: str) -> dict[str, Any]:
    command = [str(ROOT / "hmi"), "plot", "build", "--var", str(folder / "var"), "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    built: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return built


def _text(folder: Path, name: str) -> str:
    file = folder / f"{name}.txt"
    chosen = random.Random(name)
    lines = [" ".join(chosen.choices(WORDS["sport"].split(), k=12)) for _ in range(300)]
    file.write_text("\n\n".join(lines))
    return str(file)


class _Acme:
    """A tenant with one deployed task, in a domain of its own, that lets its held-out rows be used."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._installation = installation
        self._key = installation.create_tenant("acme")
        with installation.operator() as session:
            session.base_url = httpx.URL(f"{installation.base_url}/api/v1/tenants/acme/")
            dataset = self._post(session, "datasets", files={"file": ("rows.csv", self._rows(), "text/csv")})
            self._post(session, "tasks", json={"name": "Topics", "slug": "topics"})
            asked = {"dataset": dataset["id"], "recipe": RECIPE}
            training = self._post(session, "tasks/topics/trainings", json=asked)

            def has_ended() -> bool:
                found = session.get(f"trainings/{training['id']}").json()
                assert found["state"] in ("queued", "running", "succeeded"), found
                return bool(found["state"] == "succeeded")

            installation.wait_until(has_ended, what="the training ends", deadline_s=400)
            self._post(session, "tasks/topics/deployments", json={"version": 1})
            assert session.put("tasks/topics/gate-consent").status_code == 200

    def tree(self) -> str:
        """That answers now. Fails for any answer but a prediction."""
        answer = self._installation.predict("topics", ["the team wins the cup"], key=self._key)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["model"]["tree_version"])

    def answers(self) -> bool:
        answer = self._installation.predict("topics", ["the team wins"], key=self._key)
        return answer.status_code == 200

    def _rows(self) -> bytes:
        chosen = random.Random(1)
        rows = [
            f"{' '.join(chosen.choices(words.split(), k=9))},{label}"
            for label, words in WORDS.items()
            for _ in range(80)
        ]
        return "\n".join(["text,label", *rows]).encode()

    def _post(self, session: httpx.Client, path: str, **sent: Any) -> dict[str, Any]:
        answer = session.post(path, **sent)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


def test_a_running_installation_swaps_under_load_and_a_stopped_one_at_its_next_start(folder: Path) -> None:
    port = free_ports(5)
    installation = _start(folder, port)
    try:
        acme = _Acme(installation, folder)
        installation.wait_until(acme.answers, what="the task is served", deadline_s=30)
        before = acme.tree()
        failed: list[AssertionError] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                try:
                    acme.tree()
                except AssertionError as exc:
                    failed.append(exc)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            built = _build(folder, "--text", _text(folder, "first"))
            assert built["is_registered"] and built["num_tokens"] > 3000
            installation.wait_until(lambda: acme.tree() != before, what="the service swaps", deadline_s=120)
        finally:
            stop.set()
            asking.join()
        assert failed == []
        swapped = acme.tree()
        make = ["manage", "--var", str(folder / "var"), "domains", "create", "press"]
        subprocess.run([str(ROOT / "hmi"), *make], check=True, timeout=120)
        counted = _build(folder, "--domain", "press", "--text", _text(folder, "second"))
        assert (counted["event"], counted["is_new"], counted["num_texts"]) == ("text_added", True, 300)
    finally:
        installation.interrupt(deadline_s=120)
    stopped = _build(folder, "--text", _text(folder, "second"))
    assert not stopped["is_registered"]
    assert stopped["num_texts"] == built["num_texts"] + 300
    again = _start(folder, port)
    try:
        again.wait_until(lambda: acme.answers() and acme.tree() != swapped, what="it swaps", deadline_s=120)
    finally:
        again.interrupt(deadline_s=120)
    assert again.leftovers() == []
