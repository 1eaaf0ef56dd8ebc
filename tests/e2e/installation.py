"""Handle on a running installation: its processes, its REST API, its predictions."""

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

PREDICT_BATCH = 32


@dataclass
class Installation:
    """An `./hmi up` started by a test. `api` speaks for ``tenant``, with a key of scope `manage`."""

    root: Path
    var: Path
    port: int
    process: subprocess.Popen[bytes]
    output: Path
    started_at: float = field(default_factory=time.monotonic)
    tenant: str = "demo"
    manage_key: str | None = None  # of ``tenant``; None: the demo tenant's

    @classmethod
    def start(cls, root: Path, *, var: Path, port: int, demo: bool = True) -> "Installation":
        var.parent.mkdir(parents=True, exist_ok=True)
        output = var.parent / "up.log"
        command = [str(root / "hmi"), "up", "--var", str(var), "--port", str(port)] + (
            [] if demo else ["--no-demo"]
        )
        # In float32 a served answer equals the one computed alone to 1e-4, whoever else is in its batch.
        env = {**os.environ, "HMI_COMPUTE_TYPE": "float32"}
        with output.open("ab") as log:
            process = subprocess.Popen(
                command, cwd=root, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        return cls(root=root, var=var, port=port, process=process, output=output)

    # -- places

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def secret(self, name: str) -> str:
        return (self.var / "secrets" / name).read_text().strip()

    # -- waiting

    def wait_until(self, condition: Callable[[], Any], *, what: str, deadline_s: float) -> Any:
        """First true value of `condition`; fails with the log's tail when `up` ends or time is over."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(
                    f"./hmi up ended with {self.process.returncode} before: {what}\n{self.log_tail()}"
                )
            try:
                value = condition()
            except (httpx.HTTPError, FileNotFoundError):
                value = None
            if value:
                return value
            time.sleep(0.25)  # polling another process: there is nothing to wait on
        raise AssertionError(f"not within {deadline_s} s: {what}\n{self.log_tail()}")

    def wait_for_demo(self, *, deadline_s: float) -> None:
        def answers() -> bool:
            answer = self.predict("bbc-news", ["The striker scored twice."], key=self.secret("demo_api_key"))
            return answer.status_code == 200

        self.wait_until(answers, what="the demo answers", deadline_s=deadline_s)

    def log_tail(self, num_lines: int = 60) -> str:
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-num_lines:])

    # -- stopping

    def interrupt(self, *, deadline_s: float) -> None:
        """Ctrl-C, once."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(deadline_s)

    def leftovers(self) -> list[str]:
        """Command lines of processes that still work in this installation's folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if int(entry.name) != os.getpid() and (str(self.var) in command or f"={self.var}" in environment):
                found.append(f"{entry.name} {command}")
        return found

    # -- processes

    def pid(self, name: str) -> int:
        """Process id of a supervised process, as `./hmi status --json` reports it."""
        return int(self.status()[name]["pid"])

    def status(self) -> dict[str, dict[str, Any]]:
        done = subprocess.run(
            [str(self.root / "hmi"), "status", "--var", str(self.var), "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        return {process["name"]: process for process in json.loads(done.stdout)["processes"]}

    def kill(self, name: str) -> int:
        """kill -9 one supervised process; returns the old pid."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def training_pids(self) -> list[int]:
        """Training processes of this installation."""
        return self.job_pids("train")

    def job_pids(self, command_name: str) -> list[int]:
        """Processes of this installation that run a command of `hmi.cli`."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"hmi.cli.main" in command or b"hmi.cli" in command:
                words = [word.decode(errors="replace") for word in command]
                if command_name in words and any(str(self.var) in word for word in words):
                    found.append(int(entry.name))
        return found

    # -- the public interfaces

    def as_new_tenant(self, slug: str) -> "Installation":
        """The same installation, seen by a tenant of its own; ``manage_key`` may predict, too."""
        key = self.create_tenant(slug, scopes=("predict", "manage"))
        return replace(self, tenant=slug, manage_key=key)

    def api(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.base_url}/api/v1/tenants/{self.tenant}/",
            headers={"Authorization": f"Bearer {self.manage_key or self.secret('demo_manage_key')}"},
            timeout=60,
        )

    @contextmanager
    def operator(self) -> Iterator[httpx.Client]:
        """A signed-in session of the operator, as a browser would hold it."""
        with httpx.Client(base_url=self.base_url, timeout=60) as client:
            client.get("/_allauth/browser/v1/config").raise_for_status()
            answer = client.post(
                "/_allauth/browser/v1/auth/login",
                json={"email": "operator@hmi.local", "password": self.secret("operator_password")},
                headers={"X-CSRFToken": client.cookies["csrftoken"]},
            )
            assert answer.status_code == 200, answer.text
            client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
            client.headers["Referer"] = self.base_url
            yield client

    def create_tenant(self, slug: str, *, scopes: Sequence[str] = ("predict",)) -> str:
        """A tenant of the operator's; returns the secret of a key with ``scopes``."""
        with self.operator() as session:
            made = session.post("/api/v1/tenants", json={"name": slug, "slug": slug})
            assert made.status_code == 201, made.text
            key = session.post(
                f"/api/v1/tenants/{slug}/keys", json={"name": "application", "scopes": list(scopes)}
            )
            assert key.status_code == 201, key.text
            return str(key.json()["secret"])

    def predict(
        self, task: str, texts: Sequence[str | dict[str, str]], *, key: str | None = None
    ) -> httpx.Response:
        """``key`` None: the tenant's own."""
        return httpx.post(
            f"{self.base_url}/v1/tasks/{task}/predict",
            headers={"Authorization": f"Bearer {key or self.manage_key}"},
            json={"inputs": list(texts)},
            timeout=60,
        )

    def predict_all(self, task: str, texts: list[str], *, key: str) -> list[dict[str, Any]]:
        predictions: list[dict[str, Any]] = []
        for first in range(0, len(texts), PREDICT_BATCH):
            answer = self.predict(task, texts[first : first + PREDICT_BATCH], key=key)
            assert answer.status_code == 200, answer.text
            predictions += answer.json()["predictions"]
        return predictions

    # -- a tenant's way

    def upload(self, rows: list[tuple[str, str]], *, name: str) -> str:
        """Upload labelled rows as CSV; returns the dataset's id."""
        path = self.var.parent / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows(rows)
        return self.upload_file(path, name=name)

    def upload_file(self, path: Path, **fields: str) -> str:
        """``fields`` of the form beside the file; returns the id of the dataset, which is fit to train on."""
        with self.api() as api, path.open("rb") as file:
            answer = api.post("datasets", files={"file": (path.name, file)}, data=fields)
        assert answer.status_code == 201, answer.text
        assert answer.json()["state"] == "ready", answer.text
        return str(answer.json()["id"])

    def create_task(self, slug: str, **fields: str) -> None:
        with self.api() as api:
            answer = api.post("tasks", json={"name": slug, "slug": slug, **fields})
        assert answer.status_code == 201, answer.text

    def start_training(self, task: str, dataset: str, recipe: dict[str, Any] | None = None) -> str:
        with self.api() as api:
            answer = api.post(f"tasks/{task}/trainings", json={"dataset": dataset, "recipe": recipe or {}})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def training(self, training_id: str) -> dict[str, Any]:
        with self.api() as api:
            answer = api.get(f"trainings/{training_id}")
        answer.raise_for_status()
        return dict(answer.json())

    def trainings(self, task: str) -> list[dict[str, Any]]:
        """The task's trainings, the newest first."""
        with self.api() as api:
            answer = api.get(f"tasks/{task}/trainings")
        answer.raise_for_status()
        return list(answer.json()["results"])

    def wait_for_training(self, training_id: str, *, deadline_s: float) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            training = self.training(training_id)
            return training if training["state"] in {"succeeded", "failed", "cancelled"} else None

        training: dict[str, Any] = self.wait_until(ended, what="the training ends", deadline_s=deadline_s)
        assert training["state"] == "succeeded", training
        return training

    def deploy(self, task: str, version: int) -> None:
        with self.api() as api:
            answer = api.post(f"tasks/{task}/deployments", json={"version": version})
        assert answer.status_code == 201, answer.text

    def version(self, task: str, number: int) -> dict[str, Any]:
        with self.api() as api:
            answer = api.get(f"tasks/{task}/versions/{number}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())
