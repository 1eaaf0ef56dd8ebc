"""Reading uploads: formats, delimiters, columns and rows as the file has them."""

import io
import json

import pytest

from portal.datasets.columns import ColumnChoice
from portal.datasets.encoding import read_bytes
from portal.datasets.findings import DatasetRefused
from portal.datasets.kinds.single_label import SingleLabelRows
from portal.datasets.ledger import Ledger
from portal.datasets.plan import FixPlan
from portal.datasets.reader import FileFormat, UploadReader, text_of
from portal.datasets.source_row import SourceRow
from wire.errors import ErrorCode

BY_NAME = ColumnChoice()


def read(
    content: str | bytes, *, name: str = "data.csv", choice: ColumnChoice = BY_NAME
) -> tuple[UploadReader, list[SourceRow]]:
    data = content.encode() if isinstance(content, str) else content
    file = io.BytesIO(data)
    read_bytes(file, max_bytes=10_000_000)
    ledger = Ledger(frozenset())
    with text_of(file) as text:
        reader = UploadReader(
            text, file_name=name, kind=SingleLabelRows(), plan=FixPlan(columns=choice), ledger=ledger
        )
        rows = list(reader.rows())
    assert not ledger.found
    return reader, rows


def rows_of(
    content: str | bytes, *, name: str = "data.csv", choice: ColumnChoice = BY_NAME
) -> list[SourceRow]:
    return read(content, name=name, choice=choice)[1]


TWO = [SourceRow(2, "good film", "pos"), SourceRow(3, "bad film", "neg")]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_it_finds_the_delimiter(delimiter: str) -> None:
    content = f"text{delimiter}label\ngood film{delimiter}pos\nbad film{delimiter}neg\n"
    reader, records = read(content)
    assert records == TWO
    assert reader.format is (FileFormat.TSV if delimiter == "\t" else FileFormat.CSV)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_it_reads_every_line_end(end: str) -> None:
    assert rows_of(end.join(["text,label", "good film,pos", "bad film,neg", ""])) == TWO


def test_it_reads_mixed_line_ends_and_counts_lines_as_an_editor_does() -> None:
    assert rows_of("text,label\r\ngood film,pos\rbad film,neg\n") == TWO


def test_it_passes_over_a_byte_order_mark() -> None:
    assert rows_of(b"\xef\xbb\xbftext,label\ngood film,pos\nbad film,neg") == TWO


def test_it_keeps_quoted_delimiters_quotes_and_line_breaks() -> None:
    records = rows_of('label,text\npos,"a ""good"",\r\nlong film"\nneg,bad film\n')
    assert records == [SourceRow(2, 'a "good",\r\nlong film', "pos"), SourceRow(4, "bad film", "neg")]


def test_rows_after_blank_lines_keep_their_line_numbers() -> None:
    reader, records = read("text,label\n\ngood film,pos\n   \nbad film,neg\n\n")
    assert [record.row for record in records] == [3, 5]
    assert reader.num_blank_lines == 3


def test_a_line_separator_inside_a_text_is_no_line_end() -> None:
    assert rows_of("text,label\ngood\u2028film\x85,pos\nbad film,neg\n")[1].row == 3


@pytest.mark.parametrize("header", ["text,label", " Text , LABEL ", "content,category", "review,sentiment"])
def test_it_finds_the_columns_by_name(header: str) -> None:
    assert rows_of(f"{header}\ngood film,pos\nbad film,neg\n") == TWO


def test_an_exact_name_wins_over_a_synonym() -> None:
    reader, records = read("content,text,label,class\nx,good film,pos,1\n")
    assert records == [SourceRow(2, "good film", "pos")]
    assert reader.ignored_columns == ["content", "class"]


def test_the_uploader_names_the_columns() -> None:
    choice = ColumnChoice(text="Body", label="stars")
    assert rows_of("stars,body,text\n5,fine,x\n", choice=choice) == [SourceRow(2, "fine", "5")]


def lines(*rows: object) -> str:
    return "\n".join(json.dumps(row) for row in rows) + "\n"


GOOD = {"text": "good film", "label": "pos"}


@pytest.mark.parametrize("name", ["data.jsonl", "data.ndjson", "data.json", "data.txt", "data"])
def test_it_reads_json_lines(name: str) -> None:
    reader, records = read(lines({"id": 1, **GOOD}, {"label": "neg", "text": "bad\nfilm"}), name=name)
    assert records == [SourceRow(1, "good film", "pos"), SourceRow(2, "bad\nfilm", "neg")]
    assert reader.format is FileFormat.JSONL
    assert reader.ignored_columns == ["id"]


def test_numbers_and_truth_values_are_labels_too() -> None:
    content = lines({"text": "a", "label": 1}, {"text": "b", "label": True}, {"text": "c", "label": None})
    assert [row.label for row in rows_of(content)] == ["1", "true", ""]


@pytest.mark.parametrize(
    ("header", "choice", "role"),
    [
        ("a,label", ColumnChoice(), "text"),
        ("text,b", ColumnChoice(), "label"),
        ("content,review,label", ColumnChoice(), "text"),
        ("text,label,label", ColumnChoice(), "label"),
        ("text,label", ColumnChoice(text="body"), "text"),
        ("text,label", ColumnChoice(label="text"), "label"),
        ("a great film,pos", ColumnChoice(), "text"),
    ],
)
def test_it_lists_the_columns_when_one_is_missing(header: str, choice: ColumnChoice, role: str) -> None:
    rows = "".join(
        ",".join([f"a rather long text {n}", str(n % 2), str(n)][: header.count(",") + 1]) + "\n"
        for n in range(9)
    )
    reader, _ = read(f"{header}\n{rows}", choice=choice)
    assert reader.missing is not None
    assert reader.missing.role == role
    assert all(repr(name) in reader.missing.problem for name in header.split(","))


def test_it_refuses_a_file_in_which_no_columns_can_be_guessed() -> None:
    with pytest.raises(DatasetRefused) as caught:
        read("a,b\nx,y\n")
    assert caught.value.code is ErrorCode.DATASET_MISSING_COLUMN
    assert caught.value.param == "text_column"


def test_it_finds_the_first_bad_byte_behind_the_first_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.datasets.encoding.CHUNK_BYTES", 7)
    content = b"text,label\r\n" + "€uro,pos\r\n".encode() * 5 + b"\xff,neg"
    found = read_bytes(io.BytesIO(content), max_bytes=1000)
    assert (found.bad_offset, found.bad_row) == (12 + 12 * 5, 7)
    assert found.num_bytes == len(content)
    assert found.ends == ("CR LF",)


def test_the_part_of_the_data_is_read_from_its_column() -> None:
    assert rows_of("text,Split,label\na,train,x\n") == [SourceRow(2, "a", "x", "train")]
    line = json.dumps({"text": "a", "label": "x", "fold": "test"})
    assert rows_of(line, name="data.jsonl") == [SourceRow(1, "a", "x", "test")]
