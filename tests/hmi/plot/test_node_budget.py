"""Under a budget the rows of most worth stay, and what stays is what it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.base.errors import BudgetExceeded
from hmi.plot.ngram import Rung, rung_rows, shorter
from hmi.plot.node_budget import KeepBy, NodeBudget, most_rows, table_bytes, worth
from hmi.plot.table import PlotTable
from tests.hmi.plot.worlds import HIDDEN, VOCAB, World, tables_of, worlds


def keys_of(table: PlotTable) -> np.ndarray:
    return np.sort(table.slot_keys[table.slot_keys != 0])


@given(world=worlds(max_nodes=2), share=st.floats(0, 1), keep_by=st.sampled_from(KeepBy))
@settings(deadline=None, max_examples=40)
def test_what_stays_fits_is_closed_and_is_what_it_was(world: World, share: float, keep_by: KeepBy) -> None:
    whole = tables_of(world)
    last = len(whole) - 1
    least = 400 if last == 0 else 0
    max_bytes = max(round(share * whole[last].num_bytes), least)
    pruned = tables_of(world, budgets={last: NodeBudget(max_bytes, keep_by)})[last]
    kept = keys_of(pruned)
    assert len(kept) == min(most_rows(max_bytes, HIDDEN), whole[last].num_rows)
    assert pruned.num_bytes <= max_bytes or pruned.num_rows == 0
    for rung, needed in ((Rung.TRIGRAM, Rung.LEFT), (Rung.TRIGRAM, Rung.RIGHT), (Rung.LEFT, Rung.UNIGRAM)):
        assert np.isin(shorter(kept[rung_rows(kept, rung)], needed), kept).all()
    np.testing.assert_array_equal(pruned.rows(pruned.find(kept)), whole[last].rows(whole[last].find(kept)))
    assert sum(pruned.fields.num_rows.values()) == pruned.num_rows
    if last == 0:
        assert pruned.fields.num_rows["unigram"] == VOCAB


@given(rows=st.integers(0, 10_000), hidden=st.integers(1, 800))
def test_so_many_rows_fit_and_not_one_more(rows: int, hidden: int) -> None:
    most = most_rows(table_bytes(rows, hidden), hidden)
    assert table_bytes(most, hidden) <= table_bytes(rows, hidden)
    assert most >= rows - 1


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
    with pytest.raises(BudgetExceeded, match="vocabulary rows alone"):
        tables_of(world, budgets={0: NodeBudget(50)})
