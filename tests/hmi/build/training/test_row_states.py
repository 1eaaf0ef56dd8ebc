"""Training rows are looked up as if their own text had never been counted, whichever rows it stands in."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hmi.build.data import LabelledRow
from hmi.build.job_progress import JobProgress
from hmi.build.split import Split
from hmi.build.train_job import run_training
from hmi.build.work_folder import WorkFolder
from hmi.model.estimators import isolated_rows
from tests.hmi.build.training_world import RECIPE, Events, Killed, TrainingWorld
from wire.ids import BundleUri
from wire.tasks import TaskKind
from wire.training import Phase

PREMISE = "song song song"
"""Of words that no other text has; but it stands in three pairs."""


def premise_first(rows: Sequence[LabelledRow], *, seed: int, stands_above: Sequence[bool]) -> Split:
    num_train = len(rows) - 6
    return Split(
        tuple(range(num_train)),
        tuple(range(num_train, num_train + 3)),
        tuple(range(num_train + 3, num_train + 6)),
    )


@pytest.mark.parametrize("is_second", [False, True])
def test_a_text_of_several_pairs_is_left_out_of_each(
    world: TrainingWorld, tmp_path: Path, is_second: bool
) -> None:
    others = ("the film was very good", "a match of the team", "the bank and the market")
    pairs = [(PREMISE, other) for other in others] + [(f"film {n}", f"a match {n}") for n in range(17)]
    rows = []
    for number, texts in enumerate(pairs, start=1):
        text, pair = reversed(texts) if is_second else texts
        rows.append(
            {"row": number, "text": text, "pair": pair, "label": ("negative", "positive")[number % 2]}
        )
    name = f"pairs-{is_second}"
    uri = BundleUri(f"datasets/{name}/rows.jsonl")
    world.store.put_file(uri, "".join(json.dumps(row) + "\n" for row in rows).encode())
    job = world.job(uri, name=name, kind=TaskKind.SENTENCE_PAIR, recipe=RECIPE)
    progress = JobProgress(Events(dies_in=Phase.TRAINING))
    with pytest.raises(Killed):
        run_training(
            job, store=world.store, work=WorkFolder(tmp_path), progress=progress, split=premise_first
        )

    backbone = world.backbone
    inputs = [(str(row["text"]), str(row["pair"])) for row in rows[:3]]
    documents = backbone.tokenizer.encode(inputs, RECIPE.max_tokens).documents
    hidden = backbone.fields.hidden
    states = np.fromfile(tmp_path / "plot-train.f16", np.float16, documents.num_tokens * hidden)
    looked_up = states.reshape(-1, hidden).astype(np.float32) - backbone.residuals_of(documents).numpy()
    [song] = set(backbone.tokenizer.encode([PREMISE], 16).documents.token_ids[1:-1].tolist())
    isolated = isolated_rows(backbone, report=lambda message, step, num_steps: None)[song]
    is_song = documents.token_ids == song
    assert is_song.sum() == 9
    np.testing.assert_allclose(looked_up[is_song], np.tile(isolated, (9, 1)), atol=0.02)
