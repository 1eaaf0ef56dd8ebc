"""The demo: a tenant whose task sorts BBC news by topic, made through the REST API that everybody uses."""

import threading
import urllib.parse
from collections.abc import Callable
from typing import Any

from portal.local.api_client import ApiClient, ApiError
from portal.local.console import Console, bar
from portal.local.environment import OPERATOR_EMAIL
from portal.local.errors import InstallationError
from portal.local.folders import Folders
from portal.local.options import shown
from portal.local.secrets import write_secret
from portal.local.steps import CancelledError

TENANT = "demo"
TASK = "bbc-news"
DATASET = "BBC news"
RECIPE = {"epochs": 2, "distil": False, "compare_computed": False}
"""Enough for a demo; the default goes on for another epoch while that helps, and says what PLOT costs."""
POLL_S = 1.0
MAX_UNREACHABLE_S = 60.0
EXAMPLE = "The striker scored twice in the second half."


class Demo:
    """Every step looks first whether it has been done, so that a demo cut off goes on where it stopped."""

    def __init__(
        self, url: str, operator_password: str, folders: Folders, console: Console, stop: threading.Event
    ) -> None:
        self._url = url
        self._api = ApiClient(url)
        self._operator_password = operator_password
        self._folders = folders
        self._console = console
        self._stop = stop
        self._tenant = f"/api/v1/tenants/{TENANT}"

    def run(self) -> None:
        """Return when the task is deployed. What goes wrong is said, not raised, but for CancelledError."""
        try:
            self._api.sign_in(OPERATOR_EMAIL, self._operator_password)
            self._ensure_tenant()
            self._ensure_key("demo_api", "predict")
            manage_key = self._ensure_key("demo_manage", "manage")
            self._api.sign_out()
            self._api.use_key(manage_key)
            self._ensure_task()
            self._ensure_deployed()
        except InstallationError as exc:
            self._console.say(f"The demo could not be made: {exc}")
            self._console.say("HMI itself runs; the next ./hmi up tries again.")
            return
        self._say_how_to_call()

    def _ensure_tenant(self) -> None:
        if not self._exists(self._tenant):
            self._api.post("/api/v1/tenants", {"name": "Demo", "slug": TENANT})

    def _ensure_task(self) -> None:
        if self._exists(f"{self._tenant}/tasks/{TASK}"):
            return
        domains = self._find(f"{self._tenant}/domains", lambda domain: domain["slug"] == TASK)
        if domains is None:
            self._api.post(f"{self._tenant}/domains", {"name": "BBC news", "slug": TASK})
        self._api.post(f"{self._tenant}/tasks", {"name": "BBC news topics", "slug": TASK, "domain": TASK})

    def _ensure_key(self, name: str, scope: str) -> str:
        """The key in var/secrets; its text is told once, so without the file a new key replaces the old."""
        file = self._folders.secrets / f"{name}_key"
        keys = f"{self._tenant}/keys"
        known = self._find(keys, lambda key: key["name"] == name and not key.get("revoked_at"))
        if known is not None:
            if file.exists() and file.read_text().startswith(known["prefix"]):
                return file.read_text().strip()
            self._api.delete(f"{keys}/{known['id']}")
        secret = str(self._api.post(keys, {"name": name, "scopes": [scope]})["secret"])
        write_secret(file, secret)
        return secret

    def _ensure_deployed(self) -> None:
        task = self._api.get(f"{self._tenant}/tasks/{TASK}")
        if task["deployment"] is not None:
            return
        version = self._latest_version() or self._train()
        self._api.post(f"{self._tenant}/tasks/{TASK}/deployments", {"version": version})

    def _latest_version(self) -> int | None:
        versions = self._all(f"{self._tenant}/tasks/{TASK}/versions")
        return max((int(version["number"]) for version in versions), default=None)

    def _train(self) -> int:
        trainings = f"{self._tenant}/tasks/{TASK}/trainings"
        running = self._find(trainings, lambda job: job["state"] in ("queued", "running"))
        if running is None:
            running = self._api.post(trainings, {"dataset": self._ensure_dataset(), "recipe": RECIPE})
        with self._console.step("demo: training") as tell:
            job = self._watch(running["id"], tell)
        if job["state"] != "succeeded":
            reason = (job.get("error") or {}).get("message") or job.get("message") or "no reason given"
            raise InstallationError(f"its training {job['state']}: {reason}")
        version = self._latest_version()
        if version is None:
            raise InstallationError("its training succeeded and left no version")
        return version

    def _ensure_dataset(self) -> str:
        known = self._find(f"{self._tenant}/datasets", lambda dataset: dataset["name"] == DATASET)
        if known is not None:
            return str(known["id"])
        with self._console.step("demo: upload"):
            file = self._folders.cache / "demo" / "bbc.csv"
            return str(self._api.upload(f"{self._tenant}/datasets", file, {"name": DATASET})["id"])

    def _watch(self, job_id: str, tell: Callable[[str], None]) -> dict[str, Any]:
        """The job when it has ended; CancelledError when stop is set. A restart of the portal is sat out."""
        unreachable_s = 0.0
        while not self._stop.wait(POLL_S):
            try:
                job: dict[str, Any] = self._api.get(f"{self._tenant}/trainings/{job_id}")
            except ApiError as exc:
                unreachable_s += POLL_S
                if exc.status not in (0, 502, 503) or unreachable_s > MAX_UNREACHABLE_S:
                    raise
                continue
            unreachable_s = 0.0
            if job["state"] not in ("queued", "running"):
                return job
            tell(_in_words(job))
        raise CancelledError

    def _exists(self, path: str) -> bool:
        try:
            self._api.get(path)
        except ApiError as exc:
            if exc.status == 404:
                return False
            raise
        return True

    def _find(self, path: str, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        return next((item for item in self._all(path) if matches(item)), None)

    def _all(self, path: str) -> list[dict[str, Any]]:
        """Every page of a list."""
        items: list[dict[str, Any]] = []
        page: str | None = path
        while page:
            answer = self._api.get(page)
            items += answer["results"]
            following = urllib.parse.urlsplit(answer["next"] or "")
            page = f"{following.path}?{following.query}" if following.path else None
        return items

    def _say_how_to_call(self) -> None:
        key = shown(self._folders.secrets / "demo_api_key")
        self._console.say("The demo is deployed. Ask it:")
        self._console.say()
        self._console.say(
            f"curl -s {self._url}/v1/tasks/{TASK}/predict"
            f" -H \"Authorization: Bearer $(cat {key})\" -H 'Content-Type: application/json'"
            f' -d \'{{"inputs": ["{EXAMPLE}"]}}\''
        )
        self._console.say()


def _in_words(job: dict[str, Any]) -> str:
    doing = str(job.get("phase") or job["state"]).replace("_", " ")
    shares = [bar(round(100 * (job.get("share") or 0.0)), 100), doing]
    if job.get("validation_accuracy") is not None:
        shares.append(f"validation accuracy {job['validation_accuracy']:.1%}")
    if job.get("eta_s") is not None:
        shares.append(f"{job['eta_s']:.0f} s left")
    return " ".join(filter(None, shares))
