"""A domain learns from two datasets and forgets one: what is left is what it was before it saw that.

Through the REST API, with the real programs, one of which is killed."""

import os
import signal
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

RECIPE = {"epochs": 1, "min_steps": 1, "distil": False, "compare_computed": False}
KEPT = ("lovely", "dreadful", "film", "last week")
FORGOTTEN = ("superb", "horrid", "lamp", "for my sister")


def test_what_is_left_is_what_was_there_before(installation: Installation) -> None:
    acme = Tenant.join(installation, "acme")
    acme.learn("kept", KEPT)
    alone = acme.newest_tree()
    version = acme.learn("forgotten", FORGOTTEN)
    both = acme.newest_tree()
    assert (alone["num_segments"], both["num_segments"]) == (1, 2)
    asked = installation.predict("forgotten", ["The lamp was superb."], key=acme.key)
    assert asked.status_code == 200, asked.text

    acme.delete(str(version["dataset"]), kill_its_program=True)
    left = acme.newest_tree()
    assert left["num_segments"] == 1
    assert left["digest"] == alone["digest"] != both["digest"], "the very tree of before, made anew"
    assert left["num_bytes"] == alone["num_bytes"] < both["num_bytes"]
    (receipt,) = acme.get("deletions")
    assert {one["digest"]: one["replaced_by"] for one in receipt["trees"]}[both["digest"]] == left["digest"]
    gone = {tree["digest"] for tree in acme.get("domains/shop/trees") if tree["destroyed_at"]}
    assert both["digest"] in gone
    assert not any((installation.var / "store").rglob(f"*{version['dataset']}*")), "something of it is stored"
    # Whoever was trained on it still answers, by the tree that is left.
    answer = installation.wait_until(
        lambda: _answer_by(installation, acme, str(left["digest"])),
        what="the other tree serves",
        deadline_s=90,
    )
    assert answer["model"]["tree_version"] == left["digest"]


@dataclass
class Tenant:
    """One with a domain of its own."""

    at: Installation
    slug: str
    key: str

    @classmethod
    def join(cls, at: Installation, slug: str) -> "Tenant":
        made = cls(at, slug, at.create_tenant(slug, scopes=("predict", "manage")))
        made.post("domains", {"name": "Shop", "slug": "shop"})
        return made

    def learn(self, task: str, words: tuple[str, ...]) -> dict[str, Any]:
        """Upload rows, train a task of the domain on them and deploy it; answers the training."""
        lines = "".join(f"{text},{label}\n" for text, label in _rows(words))
        files = {"file": (f"{task}.csv", f"text,label\n{lines}".encode(), "text/csv")}
        with self._api() as api:
            uploaded = _content(api.post("datasets", files=files, data={"name": task}))
        self.post("tasks", {"name": task, "slug": task, "domain": "shop"})
        begun = self.post(f"tasks/{task}/trainings", {"dataset": uploaded["id"], "recipe": RECIPE})
        ended: dict[str, Any] = self.at.wait_until(
            lambda: self._ended(f"trainings/{begun['id']}"), what=f"{task} is trained", deadline_s=300
        )
        assert ended["state"] == "succeeded", ended
        self.post(f"tasks/{task}/deployments", {"version": ended["version"]})
        self.at.wait_until(
            lambda: self.at.predict(task, ["A film."], key=self.key).status_code == 200,
            what=f"{task} answers",
            deadline_s=90,
        )
        return ended

    def delete(self, dataset: str, *, kill_its_program: bool) -> None:
        """And wait until its domain has forgotten it, although the program that does it is killed once."""
        with self.at.operator() as session:  # no key may delete
            assert session.delete(f"/api/v1/tenants/{self.slug}/datasets/{dataset}").status_code == 204
        if kill_its_program:
            pids = self.at.wait_until(
                lambda: self.at.job_pids("domain"), what="the domain is made anew", deadline_s=120
            )
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        self.at.wait_until(
            lambda: all(one["forgotten_at"] for one in self.get("deletions")),
            what="it is forgotten",
            deadline_s=300,
        )

    def newest_tree(self) -> dict[str, Any]:
        return next(tree for tree in self.get("domains/shop/trees") if not tree["retired_at"])

    def get(self, path: str) -> list[dict[str, Any]]:
        with self._api() as api:
            return list(_content(api.get(path))["results"])

    def post(self, path: str, given: dict[str, Any]) -> dict[str, Any]:
        with self._api() as api:
            return _content(api.post(path, json=given))

    def _ended(self, path: str) -> dict[str, Any] | None:
        with self._api() as api:
            job = _content(api.get(path))
        return job if job["state"] in {"succeeded", "failed", "cancelled"} else None

    def _api(self) -> httpx.Client:
        return self.at.api(self.slug, key=self.key)


def _content(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    return dict(answer.json())


def _answer_by(installation: Installation, acme: Tenant, tree: str) -> dict[str, Any] | None:
    answer = installation.predict("forgotten", ["The lamp was superb."], key=acme.key)
    content = dict(answer.json())
    return content if answer.status_code == 200 and content["model"]["tree_version"] == tree else None


def _rows(words: tuple[str, ...]) -> list[tuple[str, str]]:
    good, bad, thing, when = words
    return [
        (f"The {thing} I bought {when} in shop number {n} was {word}.", label)
        for n in range(40)
        for word, label in ((good, "good"), (bad, "bad"))
    ]
