"""A table is read back as it was written, or refused with a word about what to do."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.artifacts.bundle import write_bundle
from hmi.base.errors import BundleBroken, BundleMismatch
from hmi.plot.fixed_point import ONE
from hmi.plot.table import (
    ISOLATED_FILE,
    TABLE_FILE,
    PlotTable,
    load_table,
    make_table,
    open_isolated,
    open_table_bundle,
    quantise,
    save_table,
    write_table_bundle,
)
from tests.hmi.plot.worlds import BACKBONE
from wire.artifacts import BundleKind, PlotTableFields
from wire.ids import Digest

FOREIGN = Digest("sha256:" + "c" * 64)
ARRAYS = ("slot_keys", "slot_rows", "row_scales", "dimension_scales", "counts", "codes")


def make(keys: list[int], hidden: int = 3, seed: int = 1) -> tuple[PlotTable, npt.NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(len(keys), hidden)).astype(np.float32)
    scales = np.linspace(0.5, 2, hidden, dtype=np.float32)
    codes, row_scales = quantise(rows, scales)
    fields = PlotTableFields(BACKBONE, "centred", hidden, {"unigram": len(keys)}, {"unigram": 1.5}, 10)
    counts = np.arange(len(keys))
    return make_table(fields, np.array(keys, np.uint64), counts, codes, row_scales, scales), rows


@given(keys=st.sets(st.integers(1, 2**64 - 1), max_size=60), others=st.sets(st.integers(1, 2**64 - 1)))
@settings(deadline=None)
def test_every_key_is_found_and_no_other(keys: set[int], others: set[int]) -> None:
    table, rows = make(sorted(keys))
    wanted = sorted(keys | others)
    found = table.find(np.array(wanted, np.uint64))
    place = {key: row for row, key in enumerate(sorted(keys))}
    assert found.tolist() == [place.get(key, -1) for key in wanted]
    np.testing.assert_allclose(table.rows(found[found >= 0]), rows, atol=0.1)
    assert table.keys.tolist() == sorted(keys)


@given(
    rows=st.lists(st.lists(st.floats(-30, 30, width=32), min_size=4, max_size=4), min_size=1, max_size=5),
    outlier=st.floats(1, 1000),
)
@settings(deadline=None)
def test_eight_bits_lose_half_a_step_at_most_and_outlier_dimensions_do_not_widen_the_others(
    rows: list[list[float]], outlier: float
) -> None:
    scales = np.array([1, 1, 1, outlier], np.float32)
    exact = np.array(rows, np.float32) * scales
    codes, row_scales = quantise(exact, scales)
    back = codes * row_scales[:, None] * scales
    largest = np.abs(np.array(rows, np.float32)).max(axis=1)
    np.testing.assert_array_less(np.abs(back - exact), (largest[:, None] / 127 * 0.501 + 1e-5) * scales)


@given(keys=st.sets(st.integers(1, 2**64 - 1), max_size=30))
@settings(deadline=None, max_examples=20)
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, keys: set[int]) -> None:
    path = tmp_path_factory.mktemp("tables") / "t.plot"
    table, _ = make(sorted(keys))
    save_table(table, path)
    loaded = load_table(path, backbone=BACKBONE)
    assert loaded.fields == table.fields
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(table, name))
        assert getattr(loaded, name).flags.aligned, "it can be read as it lies in the file"
    assert [p.name for p in path.parent.iterdir()] == ["t.plot"]


def test_a_table_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.plot"
    save_table(make([3, 5])[0], path)
    sound = path.read_bytes()
    for length in range(len(sound)):
        path.write_bytes(sound[:length])
        with pytest.raises(BundleBroken, match=r"truncated|ends within"):
            load_table(path)
    path.write_bytes(sound + b"\0")
    with pytest.raises(BundleBroken, match="1 bytes too many"):
        load_table(path)


def test_a_table_with_any_bit_flipped_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.plot"
    save_table(make([3, 5])[0], path)
    sound = path.read_bytes()
    for place in range(len(sound)):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ (1 << place % 8)]) + sound[place + 1 :])
        with pytest.raises(
            (BundleBroken, BundleMismatch), match=r"damaged|truncated|not a PLOT table|version"
        ):
            load_table(path)


def test_a_table_of_another_backbone_or_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.plot"
    save_table(make([3])[0], path)
    with pytest.raises(BundleMismatch, match="belongs to backbone"):
        load_table(path, backbone=FOREIGN)
    content = bytearray(path.read_bytes())
    content[8] = 2
    path.write_bytes(content)
    with pytest.raises(BundleMismatch, match="format version 2, this program reads 1"):
        load_table(path)


def test_what_is_no_table_or_lacks_a_section_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.plot"
    path.write_bytes(bytes(1000))
    with pytest.raises(BundleBroken, match="not a PLOT table"):
        load_table(path)
    save_table(make([3])[0], path)
    start = path.read_bytes()[: 16 + int.from_bytes(path.read_bytes()[12:16], "little")]
    start = start.replace(b'"slot_keys"', b'"some_keys"')
    path.write_bytes(start + hashlib.sha256(start).digest())
    with pytest.raises(BundleBroken, match="no section slot_keys"):
        load_table(path)


def test_a_bundle_keeps_the_table_and_the_roots_isolated_rows(tmp_path: Path) -> None:
    table, _ = make([3, 5, 9])
    isolated = np.array([[0.5, -1, 3.25]], np.float32)
    digest = write_table_bundle(table, tmp_path / "t", isolated=isolated)
    opened = open_table_bundle(tmp_path / "t", digest, backbone=BACKBONE)
    np.testing.assert_array_equal(opened.codes, table.codes)
    np.testing.assert_allclose(open_isolated(tmp_path / "t", digest), isolated, atol=0.5 / ONE)
    assert np.load(tmp_path / "t" / ISOLATED_FILE).dtype == np.int16
    with pytest.raises(BundleMismatch):
        open_table_bundle(tmp_path / "t", digest, backbone=FOREIGN)
    write_table_bundle(table, tmp_path / "no root")
    assert not (tmp_path / "no root" / ISOLATED_FILE).exists()


def test_a_bundle_that_says_something_else_than_its_table_is_refused(tmp_path: Path) -> None:
    table, other = make([3, 5])[0], make([3, 5, 9])[0]
    save_table(table, tmp_path / TABLE_FILE)
    digest = write_bundle(tmp_path, BundleKind.PLOT_TABLE, other.fields)
    with pytest.raises(BundleBroken, match="does not fit together"):
        open_table_bundle(tmp_path, digest)


def test_a_row_costs_its_width_and_at_most_32_bytes() -> None:
    table, _ = make(list(range(1, 20_001)), hidden=8)
    assert table.num_bytes <= len(table.row_scales) * (8 + 32)
