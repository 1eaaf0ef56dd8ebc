"""Reading uploads: what is accepted, and how each kind of broken file is refused."""

import io
import json

import pytest

from portal.datasets.columns import ColumnChoice
from portal.datasets.encoding import check_bytes
from portal.datasets.findings import DatasetRefused
from portal.datasets.reader import FileFormat, Record, UploadReader, text_of
from wire.errors import ErrorCode

BY_NAME = ColumnChoice()


def read(
    content: str | bytes, *, name: str = "data.csv", choice: ColumnChoice = BY_NAME
) -> tuple[UploadReader, list[Record]]:
    data = content.encode() if isinstance(content, str) else content
    file = io.BytesIO(data)
    check_bytes(file, max_bytes=10_000_000)
    with text_of(file) as text:
        reader = UploadReader(text, file_name=name, choice=choice)
        records = list(reader.records())
        reader.refuse_unreadable()
    return reader, records


def records_of(
    content: str | bytes, *, name: str = "data.csv", choice: ColumnChoice = BY_NAME
) -> list[Record]:
    return read(content, name=name, choice=choice)[1]


def refusal_of(
    content: str | bytes, *, name: str = "data.csv", choice: ColumnChoice = BY_NAME
) -> DatasetRefused:
    with pytest.raises(DatasetRefused) as caught:
        read(content, name=name, choice=choice)
    return caught.value


TWO = [Record(2, "good film", "pos"), Record(3, "bad film", "neg")]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_it_finds_the_delimiter(delimiter: str) -> None:
    content = f"text{delimiter}label\ngood film{delimiter}pos\nbad film{delimiter}neg\n"
    reader, records = read(content)
    assert records == TWO
    assert reader.format is (FileFormat.TSV if delimiter == "\t" else FileFormat.CSV)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_it_reads_every_line_end(end: str) -> None:
    assert records_of(end.join(["text,label", "good film,pos", "bad film,neg", ""])) == TWO


def test_it_reads_mixed_line_ends_and_counts_lines_as_an_editor_does() -> None:
    assert records_of("text,label\r\ngood film,pos\rbad film,neg\n") == TWO


def test_it_passes_over_a_byte_order_mark() -> None:
    assert records_of(b"\xef\xbb\xbftext,label\ngood film,pos\nbad film,neg") == TWO


def test_it_keeps_quoted_delimiters_quotes_and_line_breaks() -> None:
    records = records_of('label,text\npos,"a ""good"",\r\nlong film"\nneg,bad film\n')
    assert records == [Record(2, 'a "good",\r\nlong film', "pos"), Record(4, "bad film", "neg")]


def test_rows_after_blank_lines_keep_their_line_numbers() -> None:
    reader, records = read("text,label\n\ngood film,pos\n   \nbad film,neg\n\n")
    assert [record.row for record in records] == [3, 5]
    assert reader.num_blank_lines == 3


def test_a_line_separator_inside_a_text_is_no_line_end() -> None:
    assert records_of("text,label\ngood\u2028film\x85,pos\nbad film,neg\n")[1].row == 3


@pytest.mark.parametrize("header", ["text,label", " Text , LABEL ", "content,category", "review,sentiment"])
def test_it_finds_the_columns_by_name(header: str) -> None:
    assert records_of(f"{header}\ngood film,pos\nbad film,neg\n") == TWO


def test_an_exact_name_wins_over_a_synonym() -> None:
    reader, records = read("content,text,label,class\nx,good film,pos,1\n")
    assert records == [Record(2, "good film", "pos")]
    assert reader.ignored_columns == ["content", "class"]


def test_the_uploader_names_the_columns() -> None:
    choice = ColumnChoice(text="Body", label="stars")
    assert records_of("stars,body,text\n5,fine,x\n", choice=choice) == [Record(2, "fine", "5")]


@pytest.mark.parametrize(
    ("header", "choice", "param"),
    [
        ("a,label", ColumnChoice(), "text_column"),
        ("text,b", ColumnChoice(), "label_column"),
        ("content,review,label", ColumnChoice(), "text_column"),
        ("text,label,label", ColumnChoice(), "label_column"),
        ("text,label", ColumnChoice(text="body"), "text_column"),
        ("text,label", ColumnChoice(label="text"), "label_column"),
        ("a great film,pos", ColumnChoice(), "text_column"),
    ],
)
def test_it_lists_the_columns_when_one_is_missing(header: str, choice: ColumnChoice, param: str) -> None:
    refused = refusal_of(f"{header}\nx,y\n", choice=choice)
    assert refused.code is ErrorCode.DATASET_MISSING_COLUMN
    assert refused.param == param
    assert all(repr(name) in refused.message for name in header.split(","))
    assert param in refused.message


def test_it_refuses_ragged_rows_with_their_numbers() -> None:
    refused = refusal_of("text,label\ngood film,pos\nbad, very bad,neg\nalone\nfine,pos\n")
    assert refused.code is ErrorCode.DATASET_RAGGED_ROWS
    assert refused.findings[0].rows == (3, 4)


def test_it_lists_the_first_twenty_ragged_rows_and_counts_all() -> None:
    refused = refusal_of("text,label\n" + "alone\n" * 50)
    assert refused.findings[0].rows == tuple(range(2, 22))
    assert refused.findings[0].num_rows == 50
    assert "and 30 more" in refused.message


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf"])
def test_it_refuses_an_empty_file(content: bytes) -> None:
    assert refusal_of(content).code is ErrorCode.DATASET_EMPTY


def test_it_refuses_latin_1_saying_where() -> None:
    content = b"text,label\r\ngood film,pos\r\n" + "déjà vu,neg\r\n".encode("latin-1")
    refused = refusal_of(content)
    assert refused.code is ErrorCode.DATASET_BAD_ENCODING
    assert "byte 0xE9 at byte offset 28 (row 3)" in refused.message
    assert "UTF-8" in refused.message


def test_it_finds_a_bad_byte_behind_the_first_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.datasets.encoding.CHUNK_BYTES", 7)
    content = b"text,label\r\n" + "€uro,pos\r\n".encode() * 5 + b"\xff,neg"
    refused = refusal_of(content)
    assert f"byte offset {12 + 12 * 5} (row 7)" in refused.message


def test_it_refuses_a_character_cut_off_at_the_end() -> None:
    refused = refusal_of(b"text,label\ngood,pos\nbad,neg \xe2\x82")
    assert refused.code is ErrorCode.DATASET_BAD_ENCODING
    assert "(row 3)" in refused.message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_it_refuses_other_unicode_encodings(encoding: str) -> None:
    refused = refusal_of("text,label\ngood,pos\n".encode(encoding))
    assert refused.code is ErrorCode.DATASET_BAD_ENCODING
    assert "UTF-16" in refused.message


def test_it_refuses_nul_bytes_saying_where() -> None:
    refused = refusal_of(b"text,label\ngood,pos\nb\0d,neg\n")
    assert refused.code is ErrorCode.DATASET_BAD_ENCODING
    assert "byte offset 21 (row 3)" in refused.message


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x1f\x8b", b"PAR1", b"\xd0\xcf\x11\xe0"])
def test_it_refuses_files_that_are_not_text(start: bytes) -> None:
    refused = refusal_of(start + b"\x00\xff" * 10, name="data.xlsx")
    assert refused.code is ErrorCode.DATASET_BAD_FORMAT
    assert "CSV" in refused.message


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ('text,label\ngood,pos\n"never closed,neg\nmore,pos\n', 3),
        ('text,label\ngood,pos\n"closed" and more,neg\n', 3),
        ('"text,label\ngood,pos\n', 1),
    ],
)
def test_it_refuses_quotes_that_do_not_match(content: str, row: int) -> None:
    refused = refusal_of(content)
    assert refused.code is ErrorCode.DATASET_BAD_FORMAT
    assert refused.findings[0].rows == (row,)


def test_it_refuses_a_huge_value_without_holding_the_file() -> None:
    refused = refusal_of("text,label\n" + "x" * 1_000_001 + ",pos\n")
    assert refused.code is ErrorCode.DATASET_BAD_FORMAT
    assert "longer than 1,000,000" in refused.message


def test_it_refuses_a_quote_that_swallows_the_rest_of_a_large_file() -> None:
    refused = refusal_of('text,label\n"open,pos\n' + "more text,neg\n" * 400_000)
    assert refused.code is ErrorCode.DATASET_BAD_FORMAT
    assert refused.findings[0].rows == (2,)


def test_it_refuses_more_bytes_than_allowed() -> None:
    with pytest.raises(DatasetRefused) as caught:
        check_bytes(io.BytesIO(b"x" * 101), max_bytes=100)
    assert caught.value.code is ErrorCode.DATASET_TOO_LARGE


def lines(*rows: object) -> str:
    return "\n".join(json.dumps(row) for row in rows) + "\n"


GOOD = {"text": "good film", "label": "pos"}


@pytest.mark.parametrize("name", ["data.jsonl", "data.ndjson", "data.json", "data.txt", "data"])
def test_it_reads_json_lines(name: str) -> None:
    reader, records = read(lines({"id": 1, **GOOD}, {"label": "neg", "text": "bad\nfilm"}), name=name)
    assert records == [Record(1, "good film", "pos"), Record(2, "bad\nfilm", "neg")]
    assert reader.format is FileFormat.JSONL
    assert reader.ignored_columns == ["id"]


def test_numbers_and_truth_values_are_labels_too() -> None:
    content = lines({"text": "a", "label": 1}, {"text": "b", "label": True}, {"text": "c", "label": None})
    assert [record.label for record in records_of(content)] == ["1", "true", ""]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{broken", ErrorCode.DATASET_BAD_FORMAT),
        ("[1]", ErrorCode.DATASET_BAD_FORMAT),
        ('"text"', ErrorCode.DATASET_BAD_FORMAT),
        ('{"text": 5, "label": "pos"}', ErrorCode.DATASET_BAD_FORMAT),
        ('{"text": ["a"], "label": "pos"}', ErrorCode.DATASET_BAD_FORMAT),
        ('{"text": "a", "label": 1.5}', ErrorCode.DATASET_BAD_FORMAT),
        ('{"text": "a", "label": {}}', ErrorCode.DATASET_BAD_FORMAT),
        ('{"text": "a"}', ErrorCode.DATASET_RAGGED_ROWS),
        ("{" + '"a":{' * 100_000, ErrorCode.DATASET_BAD_FORMAT),
        ('{"text": "\\ud800", "label": "pos"}', ErrorCode.DATASET_BAD_FORMAT),
    ],
)
def test_it_refuses_json_lines_of_another_shape(line: str, code: ErrorCode) -> None:
    refused = refusal_of(lines(GOOD) + line + "\n" + lines(GOOD), name="data.jsonl")
    assert refused.code is code
    assert refused.findings[0].rows == (2,)


def test_it_tells_every_kind_of_unreadable_line() -> None:
    refused = refusal_of(lines(GOOD, [1], {"text": 1, "label": "x"}, [2]), name="data.jsonl")
    assert [(finding.code, finding.rows) for finding in refused.findings] == [
        ("dataset_bad_format", (2, 4)),
        ("dataset_bad_format", (3,)),
    ]


def test_it_refuses_a_json_document() -> None:
    refused = refusal_of('[\n {"text": "a", "label": "b"}\n]\n', name="data.json")
    assert refused.code is ErrorCode.DATASET_BAD_FORMAT
    assert "JSON lines" in refused.message


def test_it_refuses_json_lines_without_the_columns() -> None:
    refused = refusal_of(lines({"a": "x", "label": "y"}), name="data.jsonl")
    assert refused.code is ErrorCode.DATASET_MISSING_COLUMN
    assert "'a', 'label'" in refused.message
