"""A task of every kind goes through a whole installation: from rows to a version, a deployment, an answer."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

RECIPE = {
    "epochs": 1,
    "min_steps": 40,
    "batch_rows": 8,
    "max_tokens": 16,
    "learning_rate": 5e-3,
    "distil": False,
    "compare_computed": False,
}
NUM_ROWS = 96
GOOD, BAD = ("lovely", "excellent", "superb"), ("dreadful", "terrible", "awful")
THINGS = ("film", "meal", "hotel", "jacket", "song", "lamp")
GOOD_TEXT, BAD_TEXT = "the superb hotel was excellent", "the dreadful meal was awful"

Row = dict[str, Any]
Prediction = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """Rows of a kind whose words tell what they are labelled with, and two inputs whose answers differ."""

    headline: str
    row: Callable[[random.Random], Row]
    inputs: tuple[Any, Any]
    tells_apart: Callable[[Prediction, Prediction], bool]


def test_a_task_of_every_kind_is_trained_deployed_and_answers(installation: Installation) -> None:
    tenant = _Tenant(installation)
    trainings = {name: tenant.begin(name, kind) for name, kind in KINDS.items()}  # each waits for its turn
    for name, kind in KINDS.items():
        version = tenant.deployed(name, trainings[name])
        report = version["report"]
        assert (report["kind"], report["headline"]["name"]) == (name, kind.headline)
        low, high = report["headline"]["ci95"]
        assert low <= report["headline"]["value"] <= high
        assert sum(report["rows"][part] for part in ("train", "validation", "test")) == NUM_ROWS
        good, bad = tenant.answers(name, list(kind.inputs))
        assert kind.tells_apart(good, bad), (good, bad)


class _Tenant:
    """One with a task of every kind."""

    def __init__(self, at: Installation) -> None:
        self._at = at
        self._key = at.create_tenant("every-kind", scopes=("predict", "manage"))

    def begin(self, name: str, kind: Kind) -> str:
        """Upload rows and start a training on them; answers its id."""
        chance = random.Random(name)
        lines = [json.dumps(_numbered(kind.row(chance), number)) for number in range(NUM_ROWS)]
        files = {"file": (f"{name}.jsonl", "\n".join(lines).encode(), "application/x-ndjson")}
        with self._api() as api:
            uploaded = _content(api.post("datasets", files=files, data={"name": name, "kind": name}))
            assert uploaded["state"] == "ready", uploaded
            slug = _slug(name)
            _content(api.post("tasks", json={"name": name, "slug": slug, "kind": name}))
            asked = {"dataset": uploaded["id"], "recipe": RECIPE}
            return str(_content(api.post(f"tasks/{slug}/trainings", json=asked))["id"])

    def deployed(self, name: str, training: str) -> dict[str, Any]:
        """The version that the training has made, once it serves."""

        def ended() -> dict[str, Any] | None:
            with self._api() as api:
                job = _content(api.get(f"trainings/{training}"))
            return job if job["state"] in {"succeeded", "failed", "cancelled"} else None

        done = self._at.wait_until(ended, what=f"{name} is trained", deadline_s=400)
        assert done["state"] == "succeeded", done
        with self._api() as api:
            _content(api.post(f"tasks/{_slug(name)}/deployments", json={"version": done["version"]}))
            return _content(api.get(f"tasks/{_slug(name)}/versions/{done['version']}"))

    def answers(self, name: str, inputs: list[Any]) -> list[Prediction]:
        answer: httpx.Response = self._at.wait_until(
            lambda: (found := self._ask(name, inputs)).status_code == 200 and found,
            what=f"{name} answers",
            deadline_s=90,
        )
        return list(answer.json()["predictions"])

    def _ask(self, name: str, inputs: list[Any]) -> httpx.Response:
        return self._at.predict(_slug(name), inputs, key=self._key)

    def _api(self) -> httpx.Client:
        return self._at.api("every-kind", key=self._key)


def _content(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    return dict(answer.json())


def _slug(name: str) -> str:
    return name.replace("_", "-")


def _numbered(row: Row, number: int) -> Row:
    """No two texts are equal."""
    return {**row, "text": f"{row['text']} {number}"}


def _review(chance: random.Random, words: tuple[str, ...]) -> str:
    return f"the {chance.choice(words)} {chance.choice(THINGS)} was {chance.choice(words)}"


def _single(chance: random.Random) -> Row:
    is_good = chance.random() < 0.5
    return {"text": _review(chance, GOOD if is_good else BAD), "label": "good" if is_good else "bad"}


def _pair(chance: random.Random) -> Row:
    """A feeling, and what it was not about."""
    row = _single(chance)
    return {**row, "text2": f"a {chance.choice(THINGS)} again"}


def _several(chance: random.Random) -> Row:
    row = _single(chance)
    is_late = chance.random() < 0.4
    return {
        "text": f"{row['text']} {'and late' if is_late else 'and here'}",
        "label": [row["label"], *(["late"] if is_late else [])],
    }


def _score(chance: random.Random) -> Row:
    num_good = chance.randrange(3)
    words = chance.choices(GOOD, k=num_good) + chance.choices(BAD, k=2 - num_good)
    return {
        "text": f"the {words[0]} {chance.choice(THINGS)} was {words[1]}",
        "label": str(1.0 + 2 * num_good),
    }


def _marked(chance: random.Random) -> Row:
    word, label = chance.choice([(word, "praise") for word in GOOD] + [(word, "blame") for word in BAD])
    start = len("the ")
    return {
        "text": f"the {word} {chance.choice(THINGS)}",
        "spans": [{"start": start, "end": start + len(word), "label": label}],
    }


def _have_labels(good: Prediction, bad: Prediction) -> bool:
    return (good["label"], bad["label"]) == ("good", "bad")


def _with_pair(text: str) -> dict[str, str]:
    return {"text": text, "pair": "a song again"}


KINDS = {
    "single_label": Kind("accuracy", _single, (GOOD_TEXT, BAD_TEXT), _have_labels),
    "sentence_pair": Kind("accuracy", _pair, (_with_pair(GOOD_TEXT), _with_pair(BAD_TEXT)), _have_labels),
    "multi_label": Kind(
        "micro_f1",
        _several,
        (f"{GOOD_TEXT} and late", f"{BAD_TEXT} and here"),
        lambda good, bad: "good" in good["labels"] and "bad" in bad["labels"],
    ),
    "score": Kind(
        "r2", _score, (GOOD_TEXT, BAD_TEXT), lambda good, bad: bool(good["value"] > bad["value"] + 1)
    ),
    "token_classification": Kind(
        "span_f1",
        _marked,
        ("the superb hotel", "the awful meal"),
        lambda good, bad: [span["label"] for span in good["spans"] + bad["spans"]] == ["praise", "blame"],
    ),
}
