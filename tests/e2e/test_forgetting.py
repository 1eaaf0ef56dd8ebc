"""A domain learns from two datasets and forgets one: what is left is what it was before it saw that.

Through the REST API, with the real programs, one of which is killed."""

import os
import signal
from typing import Any

import pytest

from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

RECIPE = {"epochs": 1, "min_steps": 1, "distil": False, "compare_computed": False}
KEPT = ("lovely", "dreadful", "film", "last week")
FORGOTTEN = ("superb", "horrid", "lamp", "for my sister")


def test_what_is_left_is_what_was_there_before(installation: Installation) -> None:
    acme = installation.as_new_tenant("acme")
    with acme.api() as api:
        assert api.post("domains", json={"name": "Shop", "slug": "shop"}).status_code == 201
    _learn(acme, "kept", KEPT)
    alone = _newest_tree(acme)
    version = _learn(acme, "forgotten", FORGOTTEN)
    both = _newest_tree(acme)
    assert (alone["num_segments"], both["num_segments"]) == (1, 2)
    asked = acme.predict("forgotten", ["The lamp was superb."])
    assert asked.status_code == 200, asked.text

    _delete_and_kill(acme, str(version["dataset"]))
    left = _newest_tree(acme)
    assert left["num_segments"] == 1
    assert left["digest"] == alone["digest"] != both["digest"], "the very tree of before, made anew"
    assert left["num_bytes"] == alone["num_bytes"] < both["num_bytes"]
    (receipt,) = _listed(acme, "deletions")
    assert {one["digest"]: one["replaced_by"] for one in receipt["trees"]}[both["digest"]] == left["digest"]
    gone = {tree["digest"] for tree in _listed(acme, "domains/shop/trees") if tree["destroyed_at"]}
    assert both["digest"] in gone
    assert not any((acme.var / "store").rglob(f"*{version['dataset']}*")), "something of it is stored"
    # Whoever was trained on it still answers, by the tree that is left.
    answer = acme.wait_until(
        lambda: _answer_by(acme, str(left["digest"])), what="the other tree serves", deadline_s=90
    )
    assert answer["model"]["tree_version"] == left["digest"]


def _learn(tenant: Installation, task: str, words: tuple[str, ...]) -> dict[str, Any]:
    """Upload rows, train a task of the domain on them and deploy it; answers the training."""
    dataset = tenant.upload(_rows(words), name=task)
    tenant.create_task(task, domain="shop")
    training = tenant.wait_for_training(tenant.start_training(task, dataset, RECIPE), deadline_s=300)
    tenant.deploy(task, training["version"])
    tenant.wait_until(
        lambda: tenant.predict(task, ["A film."]).status_code == 200, what=f"{task} answers", deadline_s=90
    )
    return training


def _delete_and_kill(tenant: Installation, dataset: str) -> None:
    """And wait until its domain has forgotten it, although the program that does it is killed once."""
    with tenant.operator() as session:  # no key may delete
        assert session.delete(f"/api/v1/tenants/{tenant.tenant}/datasets/{dataset}").status_code == 204
    pids = tenant.wait_until(
        lambda: tenant.job_pids("domain"), what="the domain is made anew", deadline_s=120
    )
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    tenant.wait_until(
        lambda: all(one["forgotten_at"] for one in _listed(tenant, "deletions")),
        what="it is forgotten",
        deadline_s=300,
    )


def _newest_tree(tenant: Installation) -> dict[str, Any]:
    return next(tree for tree in _listed(tenant, "domains/shop/trees") if not tree["retired_at"])


def _listed(tenant: Installation, path: str) -> list[dict[str, Any]]:
    with tenant.api() as api:
        answer = api.get(path)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["results"])


def _answer_by(tenant: Installation, tree: str) -> dict[str, Any] | None:
    answer = tenant.predict("forgotten", ["The lamp was superb."])
    content = dict(answer.json())
    return content if answer.status_code == 200 and content["model"]["tree_version"] == tree else None


def _rows(words: tuple[str, ...]) -> list[tuple[str, str]]:
    good, bad, thing, when = words
    return [
        (f"The {thing} I bought {when} in shop number {n} was {word}.", label)
        for n in range(40)
        for word, label in ((good, "good"), (bad, "bad"))
    ]
