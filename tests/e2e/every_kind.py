"""A task of every kind, with rows that are learnt in seconds."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.installation import Installation

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
LEFT_OUT = 0.1
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


@dataclass(frozen=True)
class EveryKind:
    """A tenant with a task of every kind; their trainings are queued, one behind the other."""

    tenant: Installation
    trainings: dict[str, str]  # kind -> training

    def version_of(self, name: str) -> int:
        """Once its training has ended."""
        ended = self.tenant.wait_for_training(self.trainings[name], deadline_s=400)
        return int(ended["version"])


def begin_every_kind(installation: Installation, folder: Path) -> EveryKind:
    """Upload rows of every kind and start a training on them."""
    tenant = installation.as_new_tenant("every-kind")
    return EveryKind(tenant, {name: _begin(tenant, name, kind, folder) for name, kind in KINDS.items()})


def slug_of(name: str) -> str:
    """Of the kind's task."""
    return name.replace("_", "-")


def _begin(tenant: Installation, name: str, kind: Kind, folder: Path) -> str:
    """Its training's id."""
    chance = random.Random(name)
    lines = [json.dumps(_numbered(kind.row(chance), number)) for number in range(NUM_ROWS)]
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    dataset = tenant.upload_file(path, name=name, kind=name)
    tenant.create_task(slug_of(name), kind=name)
    return tenant.start_training(slug_of(name), dataset, RECIPE)


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
    """Of some rows the span is left out: a report names them."""
    word, label = chance.choice([(word, "praise") for word in GOOD] + [(word, "blame") for word in BAD])
    start = len("the ")
    span = {"start": start, "end": start + len(word), "label": label}
    return {
        "text": f"the {word} {chance.choice(THINGS)}",
        "spans": [] if chance.random() < LEFT_OUT else [span],
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
