"""Under a budget the rows of most worth stay, and what stays is what it was."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.base.errors import BudgetExceeded
from hmi.plot.counting import Work
from hmi.plot.ngram import CentredScheme, Documents, Rung, rung_rows, shorter
from hmi.plot.node_budget import (
    KeepBy,
    NodeBudget,
    most_rows,
    node_budget,
    rows_to_keep,
    table_bytes,
    worth,
)
from hmi.plot.table import PlotTable
from tests.hmi.plot.worlds import HIDDEN, VOCAB, World, tables_of, world_of_long_texts, worlds


def keys_of(table: PlotTable) -> np.ndarray:
    return np.sort(table.slot_keys[table.slot_keys != 0])


NEEDED = {Rung.TRIGRAM: (Rung.LEFT, Rung.RIGHT), Rung.LEFT: (Rung.UNIGRAM,), Rung.RIGHT: (Rung.UNIGRAM,)}


@pytest.mark.parametrize("num_nodes", [1, 2])
@pytest.mark.parametrize("share", [0, 0.3, 0.6, 1])
@pytest.mark.parametrize("keep_by", KeepBy)
def test_what_stays_fits_is_closed_and_is_what_it_was(num_nodes: int, share: float, keep_by: KeepBy) -> None:
    world = world_of_long_texts(num_nodes)
    whole = tables_of(world)[-1]
    least = table_bytes(VOCAB, HIDDEN) if num_nodes == 1 else 0
    max_bytes = max(round(share * whole.num_bytes), least)
    pruned = tables_of(world, budgets={num_nodes - 1: NodeBudget(max_bytes, keep_by)})[-1]
    kept = keys_of(pruned)
    assert len(kept) == min(most_rows(max_bytes, HIDDEN), whole.num_rows)
    assert (len(kept) < whole.num_rows) == (share < 1)
    assert pruned.num_bytes <= max_bytes or pruned.num_rows == 0
    for rung, parts in NEEDED.items():
        for part in parts:
            assert np.isin(shorter(kept[rung_rows(kept, rung)], part), kept).all()
    np.testing.assert_array_equal(pruned.rows(pruned.find(kept)), whole.rows(whole.find(kept)))
    assert sum(pruned.fields.num_rows.values()) == pruned.num_rows
    if num_nodes == 1:
        assert pruned.fields.num_rows["unigram"] == VOCAB


def best_rows(keys: np.ndarray, scores: np.ndarray, num_rows: int) -> list[int]:
    """The rows worth most, with what they need, one at a time."""
    lifted = dict(zip(keys.tolist(), scores.tolist(), strict=True))
    rungs: dict[int, Rung] = {}
    for rung in Rung:
        here = keys[rung_rows(keys, rung)]
        rungs |= dict.fromkeys(here.tolist(), rung)
        for part in NEEDED.get(rung, ()):
            for key, needed in zip(here.tolist(), shorter(here, part).tolist(), strict=True):
                lifted[needed] = max(lifted[needed], lifted[key])
    best = sorted(lifted, key=lambda key: (-lifted[key], -rungs[key], key))[:num_rows]
    return [int(row) for row in np.searchsorted(keys, np.sort(np.array(best, np.uint64)))]


@pytest.mark.parametrize(("num_tokens", "vocab"), [(300, 5), (80_000, 60)])
@pytest.mark.parametrize("is_in_files", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.97, 1])
def test_the_rows_of_highest_score_stay_with_what_they_need(
    num_tokens: int, vocab: int, is_in_files: bool, share: float, tmp_path: Path
) -> None:
    """Of equals the shorter; also where rows are looked at some at a time."""
    random = np.random.default_rng(2)
    text = Documents.pack([random.integers(0, vocab, num_tokens).astype(np.int32)])
    keys = np.unique(CentredScheme.keys(text))
    scores = random.integers(-5, 20, len(keys)).astype(np.float64)
    scores[rung_rows(keys, Rung.UNIGRAM)] = np.inf
    most = round(share * len(keys))
    kept = rows_to_keep(
        CentredScheme(),
        keys,
        scores,
        num_always=vocab,
        budget=NodeBudget(table_bytes(most, HIDDEN)),
        hidden=HIDDEN,
        work=Work(tmp_path, max_bytes=1000) if is_in_files else None,
    )
    assert len(kept) == most
    assert kept.tolist() == best_rows(keys, scores, len(kept))


@given(rows=st.integers(0, 10_000), hidden=st.integers(1, 800))
def test_so_many_rows_fit_and_not_one_more(rows: int, hidden: int) -> None:
    """It was one fewer: a root was told that its vocabulary needs 163 bytes and that its budget is 163."""
    assert most_rows(table_bytes(rows, hidden), hidden) == rows
    assert most_rows(table_bytes(rows + 1, hidden) - 1, hidden) == rows
    assert most_rows(0, hidden) == 0


@given(world=worlds(max_nodes=1))
@settings(deadline=None, max_examples=10)
def test_a_table_takes_what_its_number_of_rows_says(world: World) -> None:
    (table,) = tables_of(world)
    assert table.num_bytes == table_bytes(table.num_rows, HIDDEN)


def test_worth_is_the_distance_from_the_prior_less_what_chance_makes() -> None:
    counts = np.array([4, 4, 1], np.float32)
    means = np.array([[3, 0], [1, 0], [3, 0]], np.float32)
    priors = np.array([[1, 0], [1, 0], [1, 0]], np.float32)
    assert worth(counts, means, priors, 2.0).tolist() == [14.0, -2.0, 2.0]


def test_rows_of_pure_noise_are_worth_nothing_on_average() -> None:
    random = np.random.default_rng(1)
    counts = random.integers(1, 30, 4000).astype(np.float32)
    means = random.normal(size=(4000, 8)) * np.sqrt(0.5 / counts[:, None])
    found = worth(counts, means.astype(np.float32), np.zeros((4000, 8), np.float32), within=0.5 * 8)
    assert abs(found.mean()) < 0.1


def test_a_root_whose_vocabulary_does_not_fit_is_refused() -> None:
    world = World((), ((),), np.ones((VOCAB, HIDDEN), np.float32))
    with pytest.raises(BudgetExceeded, match="vocabulary rows alone") as caught:
        tables_of(world, budgets={0: NodeBudget(50)})
    assert (caught.value.needed_bytes, caught.value.free_bytes) == (table_bytes(VOCAB, HIDDEN), 50)


def test_a_job_without_a_limit_keeps_all_rows_and_one_with_it_those_of_most_worth() -> None:
    assert node_budget(None) is None
    assert node_budget(1000) == NodeBudget(1000, KeepBy.WORTH)
