"""`hmi-client` from a key to a file of predictions, against a running installation."""

import csv
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

LABELS = ("sport", "tech")
TRAINING_ROWS = 30  # of each label
TEXT_CHARS = 160
RECIPE = ("distil=false", "compare_computed=false")  # one training instead of two


def test_the_client_gets_from_a_key_to_predictions(installation: Installation, tmp_path: Path) -> None:
    """Seven commands, each with what the one before has printed; most of what it predicts is right."""
    learnt, unseen = _rows(installation)
    _write(tmp_path / "news.csv", learnt)
    _write(tmp_path / "new.csv", unseen)
    client = _Client(tmp_path)

    client.run("login", "--url", installation.base_url, "--tenant", "demo", typed=_key(installation))
    assert client.run("create-task", "By the client", "--slug", "by-client") == "by-client"
    dataset = client.run("upload", "news.csv")
    recipe = [word for value in RECIPE for word in ("--set", value)]
    version = client.run("train", "by-client", "--dataset", dataset, "--watch", *recipe)
    assert version == "1"
    client.run("deploy", "by-client")
    client.run("download-adapter", "by-client", version, "--out", "taken.tar")
    client.run("predict", "by-client", "new.csv", "--out", "predictions.csv")

    with tarfile.open(tmp_path / "taken.tar") as taken:
        assert {"adapter_config.json", "manifest.json"} <= set(taken.getnames())
    with (tmp_path / "predictions.csv").open(newline="", encoding="utf-8") as file:
        predictions = list(csv.DictReader(file))
    assert [row["text"] for row in predictions] == [text for text, _ in unseen]
    num_right = sum(row["label"] == label for row, (_, label) in zip(predictions, unseen, strict=True))
    assert num_right >= 0.8 * len(unseen)
    assert {float(row["score"]) <= 1 for row in predictions} == {True}


class _Client:
    """`python -m hmi_client` in a folder that holds its login too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, *arguments: str, typed: str = "") -> str:
        """What the command prints for programs; fails with what it prints for people."""
        done = subprocess.run(
            [sys.executable, "-m", "hmi_client", *arguments],
            cwd=self._folder,
            env={**os.environ, "XDG_CONFIG_HOME": str(self._folder / "config")},
            input=f"{typed}\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout.strip()


def _key(installation: Installation) -> str:
    with installation.operator() as session:
        made = session.post(
            "/api/v1/tenants/demo/keys", json={"name": "client", "scopes": ["manage", "predict"]}
        )
    assert made.status_code == 201, made.text
    return str(made.json()["secret"])


def _rows(installation: Installation) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Beginnings of the demo's texts: some to learn from, others to predict."""
    found: dict[str, list[tuple[str, str]]] = {label: [] for label in LABELS}
    with (installation.var / "cache" / "demo" / "bbc.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["label"] in found:
                found[row["label"]].append((row["text"][:TEXT_CHARS], row["label"]))
    learnt = [pair for rows in found.values() for pair in rows[:TRAINING_ROWS]]
    unseen = [pair for rows in found.values() for pair in rows[TRAINING_ROWS : TRAINING_ROWS + 10]]
    return learnt, unseen


def _write(path: Path, rows: list[tuple[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
