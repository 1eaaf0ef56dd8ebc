"""Parquet uploads: types, bounds, and the same rows as from any other file."""

import datetime
import io
import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.common.store import ObjectStore
from portal.datasets.declared import Declared
from portal.datasets.doctor import UploadLimits
from portal.datasets.examine_process import ExaminationBroke, ExamineJob, examine_apart, examine_here
from portal.datasets.findings import DatasetRefused
from portal.datasets.plan import plan_of
from portal.datasets.reader import FileFormat
from tests.fakes.portal import Cast
from tests.portal.datasets.broken_files import ROWS
from tests.portal.datasets.examining import LIMITS, codes, examined, kept


def _file(table: pa.Table) -> bytes:
    written = io.BytesIO()
    pq.write_table(table, written)
    return written.getvalue()


def _table(**more: object) -> pa.Table:
    columns = {"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS], **more}
    return pa.table(columns)


def test_a_parquet_file_gives_the_same_rows_as_a_csv_file(tmp_path: Path) -> None:
    parquet = examined(tmp_path, _file(_table()), name="data.parquet")
    from_parquet = kept(tmp_path)
    csv = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
    examined(tmp_path, csv)
    assert [(row["text"], row["label"]) for row in from_parquet] == [
        (row["text"], row["label"]) for row in kept(tmp_path)
    ]
    assert parquet.format is FileFormat.PARQUET
    assert (parquet.report.num_rows_kept, parquet.text_column, parquet.label_column) == (30, "text", "label")


def test_it_is_known_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    assert examined(tmp_path, _file(_table()), name="data.csv").format is FileFormat.PARQUET
    csv = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
    assert examined(tmp_path, csv, name="data.parquet").format is FileFormat.CSV


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (pa.array([n % 2 for n in range(30)], pa.int8()), {"0", "1"}),
        (pa.array([float(n % 2) for n in range(30)]), {"0", "1"}),  # as pandas keeps integers beside gaps
        (pa.array([n % 2 == 0 for n in range(30)]), {"true", "false"}),
        (pa.array(["a" if n % 2 else "b" for n in range(30)]).dictionary_encode(), {"a", "b"}),
        (pa.array(["a" if n % 2 else "b" for n in range(30)], pa.large_string()), {"a", "b"}),
        (pa.array([datetime.date(2026, 1, 1 + n % 2) for n in range(30)]), {"2026-01-01", "2026-01-02"}),
    ],
    ids=str,
)
def test_typed_labels_are_read_as_what_they_say(tmp_path: Path, labels: pa.Array, wanted: set[str]) -> None:
    outcome = examined(tmp_path, _file(_table(label=labels)))
    assert set(outcome.label_rows) == wanted
    assert not outcome.report.blocking


@pytest.mark.parametrize("texts", [[0.5] * 30, [text.encode() for text, _ in ROWS]], ids=["numbers", "bytes"])
def test_a_text_column_that_holds_no_texts_is_told(tmp_path: Path, texts: list[object]) -> None:
    outcome = examined(tmp_path, _file(_table(text=texts)))
    assert "text_type" in codes(outcome)
    assert outcome.report.num_rows_unusable == 30


def test_columns_of_odd_types_are_passed_over(tmp_path: Path) -> None:
    table = _table(
        vector=pa.array([[0.5] * 8] * 30),
        at=pa.array(list(range(30)), pa.timestamp("ns")),
        span=pa.array(list(range(30)), pa.duration("us")),
        raw=pa.array([b"\xff"] * 30),
        nested=pa.array([{"a": [1]}] * 30),
    )
    outcome = examined(tmp_path, _file(table))
    assert codes(outcome) == ["columns_ignored"]
    assert outcome.report.num_rows_kept == 30


def test_row_groups_come_one_after_the_other(tmp_path: Path) -> None:
    written = io.BytesIO()
    pq.write_table(_table(), written, row_group_size=7)
    assert examined(tmp_path, written.getvalue()).report.num_rows_kept == 30
    assert [row["text"] for row in kept(tmp_path)] == [text for text, _ in ROWS]


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    table = _table(text=pa.array(["film " * 20_000] * 30).dictionary_encode())
    data = _file(table)
    assert len(data) < 500_000
    with pytest.raises(DatasetRefused) as caught:
        examined(tmp_path, data, limits=UploadLimits(max_bytes=1_000_000, max_rows=100))
    assert caught.value.code == "dataset_too_large"
    assert not (tmp_path / "rows.jsonl").exists()


def test_memory_does_not_grow_with_the_row_group(tmp_path: Path) -> None:
    letters = random.Random(7)
    texts = [letters.randbytes(500).hex() for _ in range(12_000)]
    data = _file(pa.table({"text": texts, "label": ["a", "b"] * 6_000}))  # 12 MB in one row group
    before, counting = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(counting)
    try:
        assert examined(tmp_path, data).report.num_rows_kept == 12_000
    finally:
        pa.set_memory_pool(before)
    assert counting.max_memory() < 6_000_000


def _job(folder: Path, data: bytes, name: str) -> ExamineJob:
    store = ObjectStore(f"file://{folder}")
    with store.write("original") as file:
        file.write(data)
    return ExamineJob(
        store_url=store.url,
        original_uri="original",
        rows_uri="rows.jsonl",
        file_name=name,
        plan=plan_of((), Declared()),
        limits=LIMITS,
    )


@pytest.mark.parametrize("data", [_file(_table()), b"text,label\nragged\na,b\n", b"\x89PNG"], ids=range(3))
def test_a_process_of_its_own_gives_the_same_examination(tmp_path: Path, data: bytes) -> None:
    job = _job(tmp_path, data, "a.csv")
    assert examine_apart(job) == examine_here(job)


def _bomb() -> bytes:
    """1.9 GB in 64 rows of one batch, which have one text in common."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 64, pa.int32()), pa.array(["a" * 30_000_000]))
    written = io.BytesIO()
    table = pa.table({"text": text, "label": ["x"] * 64})
    pq.write_table(table, written, compression="zstd", dictionary_pagesize_limit=1 << 30)
    return written.getvalue()


def test_a_small_file_that_takes_all_memory_is_refused_by_its_process(tmp_path: Path) -> None:
    data = _bomb()
    assert len(data) < 10_000
    found = examine_apart(_job(tmp_path, data, "a.parquet"))
    assert [finding.code for finding in found.report.findings] == ["dataset_too_large"]
    assert "1 GiB of memory" in found.report.findings[0].message


@pytest.mark.database
def test_an_upload_in_one_piece_that_takes_all_memory_is_refused_and_leaves_nothing(
    cast: Cast, store_folder: Path
) -> None:
    file = SimpleUploadedFile("a.parquet", _bomb())
    answer = cast.acme.client().post(f"{cast.acme.path}/datasets", {"file": file})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "dataset_too_large")
    own = store_folder / "tenants" / str(cast.acme.tenant.id)  # what other tests left stands beside it
    assert [path for path in own.rglob("*") if path.is_file()] == []


def test_it_ends_when_nobody_waits_for_it_any_more() -> None:
    watched, held = os.pipe()
    command = [sys.executable, "-P", "-m", "portal.datasets.examine_process", str(watched)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(watched,)) as child:
        os.close(watched)
        os.close(held)
        assert child.wait(60) == 3


def test_a_process_that_breaks_is_told(tmp_path: Path) -> None:
    job = _job(tmp_path, b"", "a.csv")
    (tmp_path / "original").unlink()
    with pytest.raises(ExaminationBroke, match="FileNotFoundError"):
        examine_apart(job)
