"""Does the report find wrong labels? A tenth of BBC's training labels is flipped; how many stand among the
suspects?"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.common import BenchTask, print_result, read_task
from benchmarks.local_job import local_job, told
from hmi.build.build_folder import build_folder
from hmi.build.data import label_indices
from hmi.build.data_insight import final_states
from hmi.build.evaluation import PlotPath
from hmi.build.label_errors import by_suspicion, cross_validated
from hmi.build.learn_domain import learn_domain, open_above
from hmi.build.linear_head import Features, fit_linear_head
from hmi.build.metrics import Indices, accuracy
from hmi.build.plot_builder import look_up_leaving_out
from hmi.build.split import split_rows
from hmi.build.states import StateSet, document_ranges, select
from hmi.build.window_states import WindowStates
from hmi.cli.local_store import LocalStore, open_local_store
from hmi.cli.train import DEFAULT_SOURCE
from hmi.model.backbone import Backbone
from hmi.plot.ngram import Documents
from hmi.plot.tree import open_leave_one_out
from wire.training import Recipe

FLIPPED_SHARE = 0.10
LISTED_SHARE = 0.15
DRAWS = 5
MAX_TOKENS = 128
SEED = 1
BATCH_TOKENS = 8_192


def main() -> int:
    args = _parser().parse_args()
    task = read_task("bbc")
    if task is None:
        print_result({"found_share": None})
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hmi-label-noise-") as folder:
        local = open_local_store(Path(folder), source=DEFAULT_SOURCE, general_text=[])
        train, test, texts = _features(task, local, Path(folder))
    draws = [_measure(train, test, texts, len(task.labels), seed) for seed in range(SEED, SEED + args.draws)]
    means = {name: round(float(np.mean([draw[name] for draw in draws])), 4) for name in draws[0]}
    found = [draw["found_share"] for draw in draws]
    print_result(
        {
            **means,
            "found_share_of_draws": [round(share, 4) for share in found],
            "flipped_share": FLIPPED_SHARE,
            "listed_share": LISTED_SHARE,
            "num_train": len(train.truth),
            "num_test": len(test.truth),
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


@dataclass(frozen=True, slots=True)
class _LabelledFeatures:
    """Pooled final states of the frozen model, with labels."""

    features: Features  # [rows, hidden]
    truth: Indices  # [rows]


def _measure(
    train: _LabelledFeatures, test: _LabelledFeatures, texts: list[str], num_labels: int, seed: int
) -> dict[str, float]:
    """One draw of flips: what the list holds, and what correcting the listed rows brings."""
    random = np.random.default_rng(seed)
    num_rows = len(train.truth)
    flipped = random.choice(num_rows, round(FLIPPED_SHARE * num_rows), replace=False)
    noisy = train.truth.copy()
    noisy[flipped] = (noisy[flipped] + random.integers(1, num_labels, len(flipped))) % num_labels
    judged = cross_validated(train.features, noisy, texts, num_labels=num_labels, seed=seed)
    num_listed = round(LISTED_SHARE * num_rows)
    listed = judged.places[by_suspicion(judged)[:num_listed]]
    # The tenant looks at every listed row and sets the labels right that are wrong.
    fixed = noisy.copy()
    fixed[listed] = train.truth[listed]

    def accuracy_of(labels: Indices) -> float:
        head = fit_linear_head(train.features, labels, num_labels)
        return accuracy(head.probabilities(test.features), test.truth)

    return {
        "found_share": float(np.isin(flipped, listed).mean()),
        "found_share_by_chance": float(np.isin(flipped, random.permutation(num_rows)[:num_listed]).mean()),
        "accuracy_noisy": accuracy_of(noisy),
        "accuracy_fixed": accuracy_of(fixed),
        "accuracy_clean": accuracy_of(train.truth),
    }


def _features(
    task: BenchTask, local: LocalStore, folder: Path
) -> tuple[_LabelledFeatures, _LabelledFeatures, list[str]]:
    """Of the training and the test rows, as a training sees them: the first leave their own text out."""
    backbone = Backbone.open(
        local.store.localize(local.backbone.uri, local.backbone.digest), digest=local.backbone.digest
    )
    split = split_rows(task.rows, seed=SEED, stands_above=[False] * len(task.rows))
    train_rows = [task.rows[place] for place in (*split.train, *split.validation)]
    test_rows = [task.rows[place] for place in split.test]
    texts = [row.text for row in train_rows]
    job = local_job(task, local, Recipe(max_tokens=MAX_TOKENS))
    above = open_above(local.store, job, backbone)
    windows = WindowStates(backbone, folder / "windows")
    with build_folder(folder / "domain") as work:
        domain = learn_domain(
            local.store,
            job,
            backbone,
            above,
            texts,
            states=windows,
            report=told("learning the domain"),
            work=replace(work, keep_tokens=None),
        )
    leaving_out = open_leave_one_out(local.store, domain.tree)

    def training(start: int, end: int) -> npt.NDArray[np.float32]:
        found = look_up_leaving_out(
            backbone, leaving_out, texts[start:end], max_tokens=MAX_TOKENS, states=windows
        )
        residuals = backbone.residuals_of(found.encoded.documents).numpy()
        return np.asarray(found.rows + residuals, np.float32)

    path = PlotPath(backbone, domain.tree)
    train_documents = backbone.tokenizer.encode(texts, MAX_TOKENS).documents
    test_documents = backbone.tokenizer.encode([row.text for row in test_rows], MAX_TOKENS).documents

    def held_out(start: int, end: int) -> npt.NDArray[np.float32]:
        return np.asarray(path(select(test_documents, range(start, end))).states.numpy(), np.float32)

    found = [
        _LabelledFeatures(
            _final(backbone, documents, states), np.array(label_indices(rows, task.labels), np.int64)
        )
        for documents, states, rows in (
            (train_documents, training, train_rows),
            (test_documents, held_out, test_rows),
        )
    ]
    return found[0], found[1], texts


def _final(
    backbone: Backbone, documents: Documents, lower: Callable[[int, int], npt.NDArray[np.float32]]
) -> npt.NDArray[np.float32]:
    tell = told("looking up")
    states = np.empty((documents.num_tokens, backbone.fields.hidden), np.float16)
    for start, end in document_ranges(documents.lengths, BATCH_TOKENS):
        states[documents.offsets[start] : documents.offsets[end]] = lower(start, end)
        tell("", end, documents.num_documents)
    tell = told("upper layers")
    return final_states(
        backbone, StateSet(states, documents.offsets), lambda done: tell("", done, documents.num_documents)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"sets of flipped rows (default: {DRAWS})")
    parser.add_argument("--full", action="store_true", help="the default is the full figure")
    return parser


if __name__ == "__main__":
    sys.exit(main())
