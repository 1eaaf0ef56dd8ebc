"""States on disk: what was computed comes back, in any order, and a half-written file is no file."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hmi.build.batching import BatchPlan
from hmi.build.states import (
    ComputeStates,
    StateBatch,
    document_ranges,
    open_states,
    select,
    write_states,
)
from hmi.model.token_chunks import CHUNK_TOKENS
from hmi.plot.ngram import Documents

HIDDEN = 4


def documents_of(lengths: list[int]) -> Documents:
    ids = np.arange(sum(lengths), dtype=np.int32)
    return Documents(ids, np.concatenate(([0], np.cumsum(lengths))).astype(np.int64))


def states_of(documents: Documents) -> ComputeStates:
    def compute(start: int, end: int) -> npt.NDArray[np.float32]:
        ids = select(documents, range(start, end)).token_ids
        return np.repeat(ids[:, None], HIDDEN, axis=1).astype(np.float32)

    return compute


def test_an_evened_batch_has_whole_chunks_and_the_same_documents() -> None:
    states = torch.arange(70 * HIDDEN, dtype=torch.float32).reshape(70, HIDDEN)
    batch = StateBatch(states, np.array([0, 30, 70]))
    evened = batch.evened()
    assert len(evened.states) == 3 * CHUNK_TOKENS and evened.offsets.tolist() == [0, 30, 70, 96]
    assert torch.equal(evened.states[:70], states) and not evened.states[70:].any()
    assert evened.evened() is evened


def test_a_batch_holds_the_states_of_its_documents_in_the_order_asked(tmp_path: Path) -> None:
    documents = documents_of([3, 1, 4, 2])
    heard: list[int] = []
    write_states(tmp_path / "s", documents, states_of(documents), on_documents=heard.append)
    assert heard[-1] == 4
    states = open_states(tmp_path / "s", documents, hidden=HIDDEN)
    assert states is not None
    batch = states.batch(np.array([3, 0]))
    assert batch.offsets.tolist() == [0, 2, 5]
    assert batch.states[:, 0].tolist() == [8.0, 9.0, 0.0, 1.0, 2.0]
    assert batch.states.shape == (5, HIDDEN)


def test_states_that_were_not_finished_are_not_there(tmp_path: Path) -> None:
    documents = documents_of([3, 1])

    def fails(start: int, end: int) -> npt.NDArray[np.float32]:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        write_states(tmp_path / "s", documents, fails, on_documents=lambda done: None)
    assert open_states(tmp_path / "s", documents, hidden=HIDDEN) is None


def test_ranges_keep_within_the_tokens_and_cover_every_document_once() -> None:
    lengths = np.array([5, 5, 5, 30, 1, 1], np.int64)
    assert list(document_ranges(lengths, 10)) == [(0, 2), (2, 3), (3, 4), (4, 6)]
    assert list(document_ranges(np.zeros(0, np.int64), 10)) == []


def test_every_epoch_takes_each_row_once_in_an_order_of_its_own() -> None:
    lengths = np.random.default_rng(0).integers(2, 50, 1000)
    plan = BatchPlan(lengths, batch_rows=16, seed=7)
    first, second = plan.epoch(0), plan.epoch(1)
    assert len(first) == plan.steps_per_epoch == 63
    for epoch in (first, second):
        assert sorted(int(row) for batch in epoch for row in batch) == list(range(1000))
    assert [b.tolist() for b in first] != [b.tolist() for b in second]
    assert [b.tolist() for b in first] == [b.tolist() for b in BatchPlan(lengths, 16, 7).epoch(0)]


def test_rows_of_like_length_share_a_batch() -> None:
    lengths = np.random.default_rng(0).integers(2, 200, 1000)
    spread = np.mean([np.ptp(lengths[batch]) for batch in BatchPlan(lengths, 16, 7).epoch(0)])
    assert spread < 30  # of 198
