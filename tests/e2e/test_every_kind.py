"""A task of every kind goes through a whole installation: from rows to a version, a deployment, an answer."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
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


def test_a_task_of_every_kind_is_trained_deployed_and_answers(
    installation: Installation, tmp_path: Path
) -> None:
    tenant = installation.as_new_tenant("every-kind")
    # Each waits for its turn.
    trainings = {name: _begin(tenant, name, kind, tmp_path) for name, kind in KINDS.items()}
    for name, kind in KINDS.items():
        number = tenant.wait_for_training(trainings[name], deadline_s=400)["version"]
        tenant.deploy(_slug(name), number)
        report = tenant.version(_slug(name), number)["report"]
        assert (report["kind"], report["headline"]["name"]) == (name, kind.headline)
        low, high = report["headline"]["ci95"]
        assert low <= report["headline"]["value"] <= high
        assert sum(report["rows"][part] for part in ("train", "validation", "test")) == NUM_ROWS
        good, bad = _answers(tenant, name, kind)
        assert kind.tells_apart(good, bad), (good, bad)


def _begin(tenant: Installation, name: str, kind: Kind, folder: Path) -> str:
    """Upload rows and start a training on them; answers its id."""
    chance = random.Random(name)
    lines = [json.dumps(_numbered(kind.row(chance), number)) for number in range(NUM_ROWS)]
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    dataset = tenant.upload_file(path, name=name, kind=name)
    tenant.create_task(_slug(name), kind=name)
    return tenant.start_training(_slug(name), dataset, RECIPE)


def _answers(tenant: Installation, name: str, kind: Kind) -> list[Prediction]:
    answer: httpx.Response = tenant.wait_until(
        lambda: (found := tenant.predict(_slug(name), kind.inputs)).status_code == 200 and found,
        what=f"{name} answers",
        deadline_s=90,
    )
    return list(answer.json()["predictions"])


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
