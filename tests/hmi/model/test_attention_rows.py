"""How documents lie in rows of attention."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.model.attention_rows import ROW_TOKENS, AttentionRows, attend, most_scores
from hmi.model.packing import PackedAttention
from tests.tiny.device import DEVICE

HEADS, SIZE = 2, 4


def rows_of(
    lengths: list[int], num_padding: int = 0, *, by_products: bool = False
) -> tuple[AttentionRows, np.ndarray]:
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    rows = AttentionRows.of(
        offsets,
        num_padding=num_padding,
        num_heads=HEADS,
        device=DEVICE,
        dtype=torch.float32,
        by_products=by_products,
    )
    return rows, offsets


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 150), min_size=1, max_size=20), st.integers(0, 63), st.booleans())
def test_it_is_the_attention_that_training_uses(
    lengths: list[int], num_padding: int, by_products: bool
) -> None:
    rows, offsets = rows_of(lengths, num_padding, by_products=by_products)
    generator = torch.Generator().manual_seed(1)
    num_tokens = int(offsets[-1])
    states = torch.randn(num_tokens + num_padding, 3 * HEADS * SIZE, generator=generator)
    expected = PackedAttention.of(offsets, states.device).attend(states[:num_tokens], HEADS)
    answers = attend(rows, states.to(DEVICE)).cpu()
    assert answers.shape == (num_tokens + num_padding, HEADS * SIZE)
    torch.testing.assert_close(answers[:num_tokens], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("lengths", "groups"),
    [
        ([20, 44, 30, 34], [(2, ROW_TOKENS)]),
        ([64, 1], [(2, ROW_TOKENS)]),
        ([6] * 11, [(2, ROW_TOKENS)]),
        ([60] * 5, [(8, ROW_TOKENS)]),
        ([65, 96, 97, 3], [(1, 128), (2, 96), (1, ROW_TOKENS)]),
    ],
)
def test_short_documents_share_rows_and_long_ones_have_their_own(
    lengths: list[int], groups: list[tuple[int, int]]
) -> None:
    rows, _ = rows_of(lengths)
    assert [(group.num_rows, group.length) for group in rows.groups] == groups


LENGTHS = st.one_of(st.integers(1, 256), st.sampled_from([33, 65, 97, 129, 161, 193, 225, 256]))


@settings(max_examples=200, deadline=None)
@given(st.lists(LENGTHS, min_size=1, max_size=24), st.integers(0, 40))
def test_no_batch_has_more_scores_than_are_reserved(lengths: list[int], num_tokens_left: int) -> None:
    rows, _ = rows_of(lengths)
    most = most_scores(
        max_tokens=sum(lengths) + num_tokens_left, max_rows=len(lengths), max_positions=max(lengths)
    )
    assert sum(group.num_rows * group.length**2 for group in rows.groups) <= most


def test_the_batch_with_the_most_scores_has_rows_that_are_filled_up() -> None:
    rows, _ = rows_of([225] * 5 + [193] * 3)
    has = sum(group.num_rows * group.length**2 for group in rows.groups)
    assert has == 8 * 256**2 + 4 * 224**2
    assert has <= most_scores(max_tokens=5 * 225 + 3 * 193, max_rows=8, max_positions=256) <= 1.1 * has
