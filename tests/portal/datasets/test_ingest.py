"""From a file to the store: both files or none, in bounded memory."""

import hashlib
import io
import json
import tracemalloc
from pathlib import Path

import pytest

from portal.common.store import ObjectStore, StoreUnavailable
from portal.datasets.columns import ColumnChoice
from portal.datasets.findings import DatasetRefused
from portal.datasets.ingest import IngestedFile, UploadLimits, ingest
from portal.datasets.places import DatasetPlaces
from portal.datasets.reader import FileFormat
from wire.errors import ErrorCode
from wire.ids import DatasetId, TenantId

PLACES = DatasetPlaces(TenantId("acme"), DatasetId("films"))
CSV = "id,Text,Label\n" + "".join(f'{n},"film, {n}",{"pos" if n % 2 else "neg"}\n' for n in range(20))


def ingest_into(
    folder: Path, content: bytes, *, max_rows: int = 1000, max_bytes: int = 1 << 20
) -> IngestedFile:
    return ingest(
        io.BytesIO(content),
        file_name="films.csv",
        choice=ColumnChoice(),
        limits=UploadLimits(max_bytes=max_bytes, max_rows=max_rows),
        store=ObjectStore(f"file://{folder}"),
        places=PLACES,
    )


def files_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_writes_the_original_bytes_and_the_cleaned_rows(tmp_path: Path) -> None:
    done = ingest_into(tmp_path, CSV.encode())
    assert files_under(tmp_path) == {PLACES.original_uri, PLACES.rows_uri}
    assert (tmp_path / PLACES.original_uri).read_bytes() == CSV.encode()
    assert (done.num_bytes, done.sha256) == (len(CSV), hashlib.sha256(CSV.encode()).hexdigest())
    rows = [json.loads(line) for line in (tmp_path / PLACES.rows_uri).read_text().splitlines()]
    assert rows[0] == {"row": 2, "text": "film, 0", "label": "neg"}
    assert len(rows) == done.summary.num_rows == 20
    assert (done.format, done.columns.text, done.columns.label) == (FileFormat.CSV, "Text", "Label")
    assert [warning.code for warning in done.warnings] == ["columns_ignored"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (CSV + "20,ragged\n", ErrorCode.DATASET_RAGGED_ROWS),
        (CSV + "20,,pos\n", ErrorCode.DATASET_EMPTY_VALUES),
        (CSV + "20,\udce9,pos\n", ErrorCode.DATASET_BAD_ENCODING),
        (CSV + '20,"open,pos\n', ErrorCode.DATASET_BAD_FORMAT),
        ("text,label\n", ErrorCode.DATASET_EMPTY),
    ],
)
def test_a_refused_file_leaves_nothing(tmp_path: Path, content: str, code: ErrorCode) -> None:
    with pytest.raises(DatasetRefused) as caught:
        ingest_into(tmp_path, content.encode(errors="surrogateescape"))
    assert caught.value.code is code
    assert files_under(tmp_path) == set()


def test_a_file_with_too_many_rows_or_bytes_leaves_nothing(tmp_path: Path) -> None:
    for limits in ({"max_rows": 19}, {"max_bytes": 100}):
        with pytest.raises(DatasetRefused) as caught:
            ingest_into(tmp_path, CSV.encode(), **limits)
        assert caught.value.code is ErrorCode.DATASET_TOO_LARGE
    assert files_under(tmp_path) == set()


def test_an_original_that_cannot_be_written_takes_the_rows_with_it(tmp_path: Path) -> None:
    (tmp_path / PLACES.original_uri / "in the way").mkdir(parents=True)
    with pytest.raises(StoreUnavailable):
        ingest_into(tmp_path, CSV.encode())
    assert files_under(tmp_path) == set()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    upload = tmp_path / "upload.csv"
    with upload.open("w") as file:
        file.write("text,label\n")
        for number in range(40_000):
            file.write(f'"text {number} {"some words, and more " * 24}",label {number % 7}\n')
    assert upload.stat().st_size > 20_000_000
    tracemalloc.start()
    try:
        with upload.open("rb") as file:
            done = ingest(
                file,
                file_name="upload.csv",
                choice=ColumnChoice(),
                limits=UploadLimits(max_bytes=200 << 20, max_rows=200_000),
                store=ObjectStore(f"file://{tmp_path}/store"),
                places=PLACES,
            )
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert done.summary.num_rows == 40_000
    assert peak_bytes < 16_000_000  # a few chunks, and some hundred bytes a row for finding duplicates
