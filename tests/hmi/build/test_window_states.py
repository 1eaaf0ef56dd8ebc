"""States of windows are computed once, and are then what segments add up."""

from pathlib import Path

import numpy as np
import torch

from hmi.build.window_states import WindowStates
from hmi.model.backbone import Backbone
from hmi.model.estimators import contextual_states
from hmi.plot.fixed_point import to_fixed
from hmi.plot.ngram import Documents


def packed(*windows: tuple[int, ...]) -> Documents:
    return Documents.pack([np.array(window, np.int32) for window in windows])


ONE, TWO, THREE = (2, 7, 8, 3), (2, 9, 3), (2, 7, 8, 9, 3)


def test_known_windows_are_read_and_new_ones_computed_in_the_order_of_asking(
    tmp_path: Path, backbone: Backbone
) -> None:
    windows = WindowStates(backbone, tmp_path / "windows")
    windows(packed(ONE, TWO))
    asked = packed(THREE, TWO, THREE, ONE)
    expected = to_fixed(contextual_states(backbone, asked))
    np.testing.assert_array_equal(to_fixed(windows(asked)), expected)
    size = (tmp_path / "windows").stat().st_size
    np.testing.assert_array_equal(to_fixed(windows(asked)), expected)
    assert (tmp_path / "windows").stat().st_size == size


def test_no_windows_are_no_rows(tmp_path: Path, backbone: Backbone) -> None:
    assert WindowStates(backbone, tmp_path / "windows")(packed()).shape == (0, backbone.fields.hidden)


def test_what_a_killed_process_left_is_not_taken_for_states(tmp_path: Path, backbone: Backbone) -> None:
    (tmp_path / "windows").write_bytes(b"half a st")
    windows = WindowStates(backbone, tmp_path / "windows")
    np.testing.assert_array_equal(
        to_fixed(windows(packed(ONE))), to_fixed(contextual_states(backbone, packed(ONE)))
    )


def test_products_in_bfloat16_round_a_window_and_no_more(tmp_path: Path, backbone: Backbone) -> None:
    asked = packed(ONE, TWO, THREE)
    exact = contextual_states(backbone, asked)
    rounded = WindowStates(backbone, tmp_path / "windows", dtype=torch.bfloat16)(asked)
    assert 0 < np.square(rounded - exact).sum() < 1e-3 * np.square(exact).sum()
