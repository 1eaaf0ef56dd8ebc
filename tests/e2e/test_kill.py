"""kill -9 of each process in turn, in a training and under requests: the job ends, answers stay the same, and
each is counted once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest

from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.stress, pytest.mark.timeout(900)]

TEXTS = [
    "The striker scored twice in the second half.",
    "Shares fell after the bank cut its forecast.",
    "The minister faced questions in parliament.",
    "A new handset plays music and video.",
    "The film won three awards.",
]
RECIPE = {"epochs": 12, "patience": 12, "distil": False, "compare_computed": False}
"""Long enough for every process to die during it."""
VICTIMS = ["postgres", "valkey", "worker", "estimator", "scheduler", "service", "portal", "proxy"]


def test_a_training_survives_the_death_of_every_process(installation: Installation) -> None:
    with installation.operator() as session:
        wanted = {"name": "under load", "scopes": ["predict"]}
        made = session.post(f"/api/v1/tenants/{installation.tenant}/keys", json=wanted).json()
    key = made["secret"]
    before = installation.predict_all("bbc-news", TEXTS, key=key)
    installation.create_task("killed")
    dataset = installation.upload(_rows(), name="killed")
    training = installation.start_training("killed", dataset, RECIPE)
    with _load(installation, key) as load:
        installation.wait_until(
            lambda: installation.training(training)["step"], what="it trains", deadline_s=300
        )
        for pid in (pids := installation.training_pids()):
            os.kill(pid, signal.SIGKILL)
        assert pids
        for victim in VICTIMS:
            assert installation.training(training)["state"] in ("queued", "running"), "it ended too early"
            old = installation.kill(victim)
            installation.wait_until(
                partial(_is_started_again, installation, victim, old),
                what=f"{victim} is started again",
                deadline_s=120,
            )
            installation.wait_until(
                lambda: _ready(installation), what=f"ready after {victim}", deadline_s=180
            )
        done = installation.wait_for_training(training, deadline_s=600)
    with installation.api() as api:
        versions = api.get("tasks/killed/versions").json()["results"]
    assert [version["number"] for version in versions] == [done["version"]] == [1]
    assert installation.training_pids() == []
    after = installation.predict_all("bbc-news", TEXTS, key=key)
    for one, other in zip(before, after, strict=True):
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-5)
    assert set(load.answers) == {tuple(one["label"] for one in before)}, "answers under load differed"
    answered = len(load.answers) + 2
    counted = partial(_num_counted, installation, made["id"])
    installation.wait_until(lambda: counted() >= answered, what="answers are counted", deadline_s=120)
    assert counted() <= answered + load.num_cut_off, "counted twice"


@dataclass
class Load:
    """What came of the requests under load."""

    answers: list[tuple[str, ...]] = field(default_factory=list)  # labels
    num_cut_off: int = 0  # answered or not: nobody was told


def _num_counted(installation: Installation, key_id: str) -> int:
    """Requests with this key, by the usage that its tenant is shown."""
    with installation.api() as api:
        rows = api.get("usage", params={"by": "key"}).json()["results"]
    return sum(int(row["num_requests"]) for row in rows if row["key_id"] == key_id)


def _is_started_again(installation: Installation, name: str, old: int) -> bool:
    return installation.pid(name) not in {0, old}


def _rows() -> list[tuple[str, str]]:
    good = ["lovely", "excellent", "brilliant", "delightful", "superb"]
    bad = ["dreadful", "terrible", "awful", "boring", "horrid"]
    things = ["film", "phone", "meal", "book", "hotel", "song", "game", "car", "jacket", "lamp"]
    places = [
        "at home",
        "in town",
        "last week",
        "for my sister",
        "on the train",
        "this morning",
        "again",
        "by chance",
    ]
    return [
        (f"The {thing} I bought {place} was {word}, number {n}.", label)
        for n, (thing, place) in enumerate((t, p) for t in things for p in places)
        for label, words in (("good", good), ("bad", bad))
        for word in words
    ]


def _ready(installation: Installation) -> bool:
    portal = httpx.get(f"{installation.base_url}/readyz", timeout=60).status_code == 200
    served = (
        installation.predict("bbc-news", TEXTS[:1], key=installation.secret("demo_api_key")).status_code
        == 200
    )
    return portal and served


@contextmanager
def _load(installation: Installation, key: str) -> Iterator[Load]:
    """Requests all the while; what fails while a process is down is retried."""
    stop = threading.Event()
    load = Load()

    def ask() -> None:
        while not stop.wait(0.2):
            try:
                answer = installation.predict("bbc-news", TEXTS, key=key)
            except httpx.HTTPError:
                load.num_cut_off += 1
                continue
            if answer.status_code == 200:
                load.answers.append(tuple(p["label"] for p in answer.json()["predictions"]))
            elif answer.status_code >= 500:  # of the proxy: the service may have begun to answer
                load.num_cut_off += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield load
    finally:
        stop.set()
        thread.join()
