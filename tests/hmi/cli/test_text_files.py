"""Files that a person gives on the command line, read as the same rows whatever their form."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hmi.base.errors import InvalidInput
from hmi.build.expected import read_expected
from hmi.cli.text_files import Columns, read_labelled, read_texts_of
from wire.errors import ErrorCode
from wire.spans import Span
from wire.tasks import TaskKind

ROWS = [
    {"text": "good film", "label": "positive", "stars": 5},
    {"text": "«bad» film\n", "label": "negative", "stars": 1},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    match path.suffix.lower():
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case _:
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(
                    file, rows[0], delimiter="\t" if path.suffix.lower() == ".tsv" else ","
                )
                writer.writeheader()
                writer.writerows(rows)
    return path


@pytest.mark.parametrize(
    "suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".CSV", ".TSV", ".JSONL", ".Parquet"]
)
def test_rows_are_the_same_in_every_form(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"rows{suffix}", ROWS)
    rows = read_labelled(path, Columns())
    assert [(row.row, row.text, row.label) for row in rows] == [
        (1, "good film", "positive"),
        (2, "«bad» film\n", "negative"),
    ]
    scores = read_labelled(path, Columns(label="stars"), TaskKind.SCORE)
    assert [row.value for row in scores] == [5.0, 1.0]
    assert read_texts_of(path, Columns()) == [row["text"] for row in ROWS]


def test_numbers_of_a_parquet_file_may_be_labels_and_its_lists_too(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "a", "class": 3.0, "topics": ["x", "y"], "spans": [{"start": 0, "end": 1, "label": "b"}]},
        {"text": "b", "class": None, "topics": [], "spans": []},
    ]
    path = write(tmp_path / "rows.parquet", rows)
    several = read_labelled(path, Columns(label="topics"), TaskKind.MULTI_LABEL)
    assert [row.labels for row in several] == [("x", "y"), ()]
    spans = read_labelled(path, Columns(), TaskKind.TOKEN_CLASSIFICATION)
    assert [len(row.spans or ()) for row in spans] == [1, 0]
    [only] = read_labelled(write(tmp_path / "one.parquet", rows[:1]), Columns(label="class"))
    assert only.label == "3"
    with pytest.raises(InvalidInput, match="row 2: its field 'class' is empty"):
        read_labelled(path, Columns(label="class"))


def test_json_may_have_blank_lines_and_numbers_for_labels(tmp_path: Path) -> None:
    """As uploads may, and as the other forms have them."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a", "label": 0}\n\n{"text": "b", "label": 1.5}\n  \n')
    assert [(row.row, row.label) for row in read_labelled(path, Columns())] == [(1, "0"), (2, "1.5")]
    assert read_texts_of(path, Columns()) == ["a", "b"]
    path.write_text('{"text": "a", "label": 0}\n\n{"text": "b", "label": null}\n')
    with pytest.raises(InvalidInput, match="row 2: its field 'label' is empty"):
        read_labelled(path, Columns())


def test_so_may_the_lines_that_answers_are_compared_with(tmp_path: Path) -> None:
    path = tmp_path / "expected.jsonl"
    path.write_text('{"text": "a", "value": 1}\n\n{"text": "b", "value": 2}\n\n')
    assert [entry.text for entry in read_expected(path)] == ["a", "b"]
    path.write_text('{"text": "a"}\n\n{"text": 1}\n')
    with pytest.raises(InvalidInput, match=r"expected\.jsonl, line 3"):
        read_expected(path)


def test_spans_are_trimmed_and_sorted_as_those_of_uploads(tmp_path: Path) -> None:
    """No answer has white space at its ends: a span that has could never be found."""
    path = tmp_path / "rows.jsonl"
    spans = [{"start": 9, "end": 14, "label": "b"}, {"start": 0, "end": 5, "label": " a "}]
    path.write_text(json.dumps({"text": " Ann met\r\nBo  ", "spans": spans}) + "\n")
    [row] = read_labelled(path, Columns(), TaskKind.TOKEN_CLASSIFICATION)
    assert row.spans == (Span(1, 4, "a"), Span(10, 12, "b"))
    path.write_text(json.dumps({"text": "Ann", "spans": [{"start": 0, "end": 4, "label": "a"}]}) + "\n")
    with pytest.raises(InvalidInput, match="row 1: one of its spans is empty or outside the text"):
        read_labelled(path, Columns(), TaskKind.TOKEN_CLASSIFICATION)
    path.write_text(json.dumps({"text": "Ann", "spans": [{"start": 0, "end": 3, "label": " "}]}) + "\n")
    with pytest.raises(InvalidInput, match="row 1: one of its spans has no label"):
        read_labelled(path, Columns(), TaskKind.TOKEN_CLASSIFICATION)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.parquet", ROWS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidInput, match=r"rows\.parquet is no Parquet file") as caught:
        read_labelled(path, Columns())
    assert caught.value.code is ErrorCode.DATASET_BAD_FORMAT
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_labelled(tmp_path / "absent.parquet", Columns())
