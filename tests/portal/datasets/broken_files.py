"""Broken files of every kind, made by code, each with what the upload doctor is to say of it."""

import gzip
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

NUM_ROWS = 30
ROWS = [(f"film number {n} was a long evening", "pos" if n % 2 else "neg") for n in range(NUM_ROWS)]
HEADER = "text,label\n"
GOOD = HEADER + "".join(f"{text},{label}\n" for text, label in ROWS)
GOOD_LINES = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS)
RUSSIAN = HEADER + "".join(
    f"Этот фильм очень понравился зрителям {n},да\nСовсем скучно и долго {n},нет\n" for n in range(8)
)
JAPANESE = HEADER + "".join(f"とても面白い映画でした{n},良\nつまらない映画でした{n},悪\n" for n in range(8))


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """``code`` of the finding, part of its ``message``, and the id of the ``fix`` offered first, if any."""

    name: str
    data: bytes
    code: str
    message: str
    fix: str | None = None
    file_name: str = "data.csv"
    rows: tuple[int, ...] | None = None
    is_refused: bool = False  # cannot be read at all: nothing is kept


def _file(
    name: str,
    data: str | bytes,
    code: str,
    message: str,
    fix: str | None = None,
    *,
    file_name: str = "data.csv",
    rows: tuple[int, ...] | None = None,
    is_refused: bool = False,
) -> BrokenFile:
    raw = data.encode() if isinstance(data, str) else data
    return BrokenFile(name, raw, code, message, fix, file_name, rows, is_refused)


def _zip(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("data.csv", content)
    return packed.getvalue()


_TEXTS = pa.array([text for text, _ in ROWS])
_LABELS = pa.array([label for _, label in ROWS])


def _parquet(text: Any = _TEXTS, label: Any = _LABELS) -> bytes:
    return _parquet_of(pa.table({"text": text, "label": label}))


def _parquet_of(table: pa.Table) -> bytes:
    written = io.BytesIO()
    pq.write_table(table, written, compression="zstd")
    return written.getvalue()


def _broken_strings() -> pa.Array:
    """Texts as a program writes them that takes Latin-1 for UTF-8; pyarrow believes it."""
    raw = pa.array([b"caf\xe9 at night", *(text.encode() for text, _ in ROWS[1:])])
    return pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())


def _with_noise(data: bytes) -> bytes:
    return data[:40] + bytes(b ^ 0x5A for b in data[40:80]) + data[80:]


def _wide(encoding: str) -> bytes:
    return GOOD.encode(encoding)


def _lines(*more: str) -> str:
    return GOOD_LINES + "".join(line + "\n" for line in more)


NOT_TEXT = [
    _file("zip", _zip(GOOD.encode()), "dataset_bad_format", "ZIP archive", is_refused=True),
    _file("empty_zip", b"PK\x05\x06" + b"\0" * 18, "dataset_bad_format", "empty ZIP", is_refused=True),
    _file("gzip", gzip.compress(GOOD.encode()), "dataset_bad_format", "gzip archive", is_refused=True),
    _file("bzip2", b"BZh91AY&SY", "dataset_bad_format", "bzip2 archive", is_refused=True),
    _file("xz", b"\xfd7zXZ\0\0", "dataset_bad_format", "xz archive", is_refused=True),
    _file("seven_zip", b"7z\xbc\xaf\x27\x1c", "dataset_bad_format", "7-Zip archive", is_refused=True),
    _file("old_excel", b"\xd0\xcf\x11\xe0\xa1\xb1", "dataset_bad_format", "old Excel", is_refused=True),
    _file("parquet_of_six_bytes", b"PAR1\x15\x04", "dataset_bad_format", "Parquet file", is_refused=True),
    _file(
        "parquet_cut_off",
        _parquet()[:-40],
        "dataset_bad_format",
        "was cut off",
        file_name="a.parquet",
        is_refused=True,
    ),
    _file(
        "parquet_with_a_damaged_page",
        _with_noise(_parquet()),
        "dataset_bad_format",
        "damaged",
        file_name="a.parquet",
        is_refused=True,
    ),
    _file("parquet_without_rows", _parquet(text=[], label=[]), "dataset_empty", "empty", is_refused=True),
    _file(
        "parquet_with_two_columns_of_one_name",
        _parquet_of(pa.table([_TEXTS, _LABELS, _LABELS], names=["text", "label", "label"])),
        "dataset_bad_format",
        "one name",
        is_refused=True,
    ),
    _file(
        "parquet_without_a_text_column",
        _parquet_of(pa.table({"a": pa.array([1.5] * NUM_ROWS), "b": pa.array([2.5] * NUM_ROWS)})),
        "dataset_missing_column",
        "columns found are: 'a', 'b'",
        is_refused=True,
    ),
    _file(
        "parquet_with_fractions_for_labels",
        _parquet(label=[n % 4 / 2 for n in range(NUM_ROWS)]),
        "label_type",
        "15 labels are of another type",
        "drop:label_type",
    ),
    _file(
        "parquet_with_absent_texts",
        _parquet(text=[None if n == 6 else text for n, (text, _) in enumerate(ROWS)]),
        "empty_texts",
        "row 7",
        "drop:empty_texts",
        rows=(7,),
    ),
    _file(
        "parquet_with_broken_characters",
        _parquet(text=_broken_strings()),
        "damaged_characters",
        "row 1",
        "drop:damaged_characters",
        rows=(1,),
    ),
    _file("pdf", b"%PDF-1.7\n", "dataset_bad_format", "PDF", is_refused=True),
    _file("picture", b"\x89PNG\r\n\x1a\n", "dataset_bad_format", "picture", is_refused=True),
    _file("sqlite", b"SQLite format 3\0", "dataset_bad_format", "SQLite database", is_refused=True),
    _file("web_page", "<!DOCTYPE html>\n<p>hi", "dataset_bad_format", "web page", is_refused=True),
    _file("xml", "<?xml version='1.0'?>\n<r/>", "dataset_bad_format", "web page or XML", is_refused=True),
    _file(
        "json_document",
        json.dumps([{"text": "a", "label": "b"}], indent=1),
        "dataset_bad_format",
        "one JSON document",
        file_name="data.json",
        is_refused=True,
    ),
]

EMPTY = [
    _file("no_bytes", b"", "dataset_empty", "The file is empty", is_refused=True),
    _file("only_blank_lines", "\n \n\n", "dataset_empty", "The file is empty", is_refused=True),
    _file("only_a_mark", b"\xef\xbb\xbf", "dataset_empty", "The file is empty", is_refused=True),
    _file("only_a_header", HEADER, "dataset_empty", "a header but no rows", is_refused=True),
    _file("one_row", "text,label\na,b\n", "dataset_too_few_rows", "1 row is there", is_refused=True),
    _file("few_rows", HEADER + "a,x\nb,y\n" * 4, "dataset_too_few_rows", "at least 10", is_refused=True),
    _file("one_label", GOOD.replace("neg", "pos"), "dataset_one_label", "the label 'pos'", is_refused=True),
    _file(
        "a_label_a_row",
        HEADER + "".join(f"t{n},l{n}\n" for n in range(1001)),
        "dataset_too_many_labels",
        "more than 1,000",
        is_refused=True,
    ),
    _file("one_column", "text\n" + "a\n" * 20, "dataset_missing_column", "named 'label'", is_refused=True),
]

ENCODINGS = [
    _file("utf_16", _wide("utf-16"), "encoding", "The file is UTF-16", "re_encode:encoding:utf-16"),
    _file("utf_16_le", _wide("utf-16-le"), "encoding", "(little endian)", "re_encode:encoding:utf-16-le"),
    _file("utf_16_be", _wide("utf-16-be"), "encoding", "(big endian)", "re_encode:encoding:utf-16-be"),
    _file("utf_32", _wide("utf-32"), "encoding", "The file is UTF-32", "re_encode:encoding:utf-32"),
    _file(
        "windows_1252",
        (GOOD + "“déjà vu”,pos\n").encode("cp1252"),
        "encoding",
        "Windows-1252",
        "re_encode:encoding:cp1252",
        rows=(NUM_ROWS + 2,),
    ),
    _file(
        "latin_1",
        (GOOD + "déjà \x81vu,pos\n").encode("latin-1"),
        "encoding",
        "Latin-1",
        "re_encode:encoding:latin-1",
    ),
    _file(
        "windows_1251",
        RUSSIAN.encode("cp1251"),
        "encoding",
        "Windows-1251",
        "re_encode:encoding:cp1251",
        rows=(2,),
    ),
    _file(
        "shift_jis",
        JAPANESE.encode("shift_jis"),
        "encoding",
        "Shift JIS",
        "re_encode:encoding:shift_jis",
    ),
    _file(
        "utf_8_with_a_broken_byte",
        (GOOD + "éééééééééééé,pos\n").encode() + b"caf\xe9,neg\n",
        "encoding",
        "broken characters",
        "re_encode:encoding:utf-8",
    ),
    _file(
        "utf_8_cut_inside_a_character",
        GOOD.encode() + "éééééééééé,pos\n".encode() + b"fin,neg\xe2\x82",
        "encoding",
        "broken characters",
        "re_encode:encoding:utf-8",
    ),
    _file("byte_order_mark", b"\xef\xbb\xbf" + GOOD.encode(), "byte_order_mark", "byte order mark"),
    _file(
        "read_wrongly_before",
        GOOD + "dÃ©jÃ\xa0 vu et trÃ¨s bien,pos\n",
        "wrong_decoding",
        "wrong encoding",
        "repair:wrong_decoding",
        rows=(NUM_ROWS + 2,),
    ),
    _file(
        "replacement_characters",
        GOOD + "caf\ufffd,pos\n",
        "damaged_characters",
        "U+FFFD",
        "drop:damaged_characters",
    ),
    _file(
        "nul_in_a_text",
        GOOD + "film\0,pos\n",
        "nul_characters",
        f"row {NUM_ROWS + 2}",
        "remove_nul:nul_characters",
    ),
    _file("nul_in_a_label", GOOD + "film,p\0os\n", "nul_characters", "NUL", "remove_nul:nul_characters"),
    _file("nul_padding", GOOD + "film \0\0\0,pos\n", "nul_characters", "NUL", "remove_nul:nul_characters"),
    _file(
        "nul_in_json",
        _lines('{"text": "a\\u0000b", "label": "pos"}'),
        "nul_characters",
        "NUL",
        "remove_nul:nul_characters",
        file_name="data.jsonl",
    ),
]

DELIMITERS_AND_HEADERS = [
    _file("semicolons", GOOD.replace(",", ";"), "delimiter", "semicolon"),
    _file("vertical_bars", GOOD.replace(",", "|"), "delimiter", "vertical bar"),
    _file(
        "white_space_in_the_header",
        GOOD.replace(HEADER, " text , label\n", 1),
        "header_white_space",
        "' text '",
    ),
    _file("nul_in_the_header", GOOD.replace("text", "te\0xt", 1), "header_white_space", "'te\\x00xt'"),
    _file(
        "nul_in_a_header_of_other_names",
        GOOD.replace(HEADER, "wor\0ds,kind\n", 1),
        "dataset_missing_column",
        "'words', 'kind'",
        "set_header:dataset_missing_column:named",
    ),
    _file(
        "a_name_twice_but_for_white_space",
        "text,label,label \n" + "".join(f"{text},{label},{n}\n" for n, (text, label) in enumerate(ROWS)),
        "dataset_missing_column",
        "Several columns may be the label",
        "set_header:dataset_missing_column:absent",
    ),
    _file(
        "no_header",
        GOOD.removeprefix(HEADER),
        "dataset_missing_column",
        "named 'text'",
        "set_header:dataset_missing_column:absent",
    ),
    _file(
        "other_names",
        GOOD.replace(HEADER, "words,kind\n", 1),
        "dataset_missing_column",
        "'words', 'kind'",
        "set_header:dataset_missing_column:named",
    ),
    _file(
        "a_name_twice",
        "text,label,label\n" + "".join(f"{text},{label},{n}\n" for n, (text, label) in enumerate(ROWS)),
        "dataset_missing_column",
        "Several columns may be the label",
        "set_header:dataset_missing_column:absent",
    ),
    _file(
        "names_without_words",
        ",\n" + GOOD.removeprefix(HEADER),
        "dataset_missing_column",
        "named 'text'",
        "set_header:dataset_missing_column:absent",
    ),
    _file(
        "other_fields_in_json",
        GOOD_LINES.replace('"text"', '"words"').replace('"label"', '"kind"'),
        "dataset_missing_column",
        "'words', 'kind'",
        "set_header:dataset_missing_column:named",
        file_name="data.jsonl",
    ),
    _file(
        "more_columns",
        "id,text,label\n" + "".join(f"{n},{text},{label}\n" for n, (text, label) in enumerate(ROWS)),
        "columns_ignored",
        "1 column is not read: 'id'",
    ),
    _file("blank_lines", GOOD.replace("\n", "\n\n"), "blank_lines", "31 blank lines"),
    _file("mixed_line_ends", GOOD.replace("\n", "\r\n", 9), "mixed_line_ends", "LF, CR LF"),
    _file("old_macintosh_ends", GOOD.replace("\n", "\r", 9), "mixed_line_ends", "LF, CR"),
]

ROWS_AND_QUOTES = [
    _file(
        "too_many_values",
        GOOD + "bad, very bad,neg\n",
        "ragged_rows",
        f"row {NUM_ROWS + 2}",
        "drop:ragged_rows",
        rows=(NUM_ROWS + 2,),
    ),
    _file("too_few_values", GOOD + "alone\n", "ragged_rows", "1 rows", "drop:ragged_rows"),
    _file("many_ragged_rows", GOOD + "alone\n" * 50, "ragged_rows", "and 30 more", "drop:ragged_rows"),
    _file(
        "an_unclosed_quote",
        GOOD + '"open,pos\n' + "more,neg\n" * 5,
        "bad_quotes",
        f"row {NUM_ROWS + 2}",
        "literal_quotes:bad_quotes",
        rows=(NUM_ROWS + 2,),
    ),
    _file(
        "a_quote_inside",
        GOOD + '"closed" and more,neg\n',
        "bad_quotes",
        "do not match",
        "literal_quotes:bad_quotes",
    ),
    _file(
        "an_unclosed_quote_in_the_header",
        '"text,label\n' + GOOD.removeprefix(HEADER),
        "dataset_bad_format",
        "the header, do not match",
        is_refused=True,
    ),
    _file(
        "a_huge_value",
        GOOD + "x" * 1_000_001 + ",pos\n",
        "too_long_values",
        "1,000,000 characters",
        "drop:too_long_values",
        rows=(NUM_ROWS + 2,),
    ),
    _file(
        "a_huge_line",
        GOOD + "x" * 4_000_001 + ",pos\nlast,pos\n",
        "too_long_values",
        f"row {NUM_ROWS + 2}",
        "drop:too_long_values",
        rows=(NUM_ROWS + 2,),
    ),
    _file("a_huge_header", "x" * 4_000_001, "dataset_bad_format", "this is no table", is_refused=True),
    _file(
        "a_quote_over_the_rest",
        GOOD + '"open,pos\n' + "some more text,neg\n" * 60_000,
        "bad_quotes",
        f"row {NUM_ROWS + 2}",
        "literal_quotes:bad_quotes",
    ),
    _file("cut_off_in_a_row", GOOD + "the last te", "truncated", "cut off", "drop:truncated"),
    _file(
        "cut_off_in_json",
        GOOD_LINES + '{"text": "the last te',
        "truncated",
        "cut off",
        "drop:truncated",
        file_name="data.jsonl",
    ),
]

JSON_LINES = [
    _file("broken_json", _lines("{broken", "{}"), "not_an_object", "1 lines", "drop:not_an_object"),
    _file("a_list_in_json", _lines("[1]"), "not_an_object", "not JSON objects", "drop:not_an_object"),
    _file(
        "deep_json", _lines("{" + '"a":{' * 100_000), "not_an_object", "objects", "drop:not_an_object"
    ),
    _file(
        "half_a_surrogate",
        _lines('{"text": "\\ud800", "label": "pos"}'),
        "not_an_object",
        "objects",
        "drop:not_an_object",
    ),
    _file("absent_fields", _lines('{"text": "a"}'), "absent_fields", "lack", "drop:absent_fields"),
    _file(
        "numbers_for_texts", _lines('{"text": 5, "label": "pos"}'), "text_type", "not strings",
        "drop:text_type",
    ),
    _file(
        "fractions_for_labels", _lines('{"text": "a", "label": 1.5}'), "label_type", "another type",
        "drop:label_type",
    ),
    _file("null_text", _lines('{"text": null, "label": "pos"}'), "empty_texts", "empty", "drop:empty_texts"),
    _file("no_objects", "[1]\n[2]\n", "dataset_bad_format", "No line is a JSON object",
          file_name="data.jsonl", is_refused=True),
]  # fmt: skip

VALUES = [
    _file("empty_text", GOOD + ",pos\n", "empty_texts", f"row {NUM_ROWS + 2}", "drop:empty_texts"),
    _file("blank_text", GOOD + "  ,pos\n", "empty_texts", "empty", "drop:empty_texts"),
    _file("empty_label", GOOD + "film,\n", "empty_labels", "empty", "drop:empty_labels"),
    _file(
        "long_label",
        GOOD + f"film,{'x' * 201}\n",
        "unusable_labels",
        "200 characters",
        "drop:unusable_labels",
    ),
    _file(
        "label_of_two_lines", GOOD + 'film,"a\nb"\n', "unusable_labels", "line breaks", "drop:unusable_labels"
    ),
    _file(
        "duplicate", GOOD + GOOD.splitlines()[1] + "\n", "duplicate_texts", "row 32", "drop:duplicate_texts"
    ),
    _file(
        "duplicate_in_capitals",
        GOOD + GOOD.splitlines()[1].replace("film", "FILM") + "\n",
        "duplicate_texts",
        "row 32",
        "drop:duplicate_texts",
    ),
    _file(
        "near_duplicate",
        GOOD + "film number 0 was a long evening!,neg\n",
        "near_duplicates",
        "row 32",
        "drop:near_duplicates",
    ),
    _file(
        "contradiction",
        GOOD + "film number 0 was a long evening,pos\n",
        "conflicting_labels",
        "row 32",
        "drop:conflicting_labels",
    ),
    _file(
        "leakage",
        "text,label,split\n"
        + "".join(f"{text},{label},train\n" for text, label in ROWS)
        + "film number 1 was a long evening,pos,test\n",
        "leakage",
        "row 32",
        "drop:leakage",
    ),
    _file(
        "long_text", GOOD + "word " * 10_001 + ",pos\n", "long_texts", "50,000 characters", "cut:long_texts"
    ),
    _file("padded_text", GOOD + "  a film ,pos\n", "untrimmed_texts", "row 32", "trim:untrimmed_texts"),
    _file("padded_label", GOOD + "a film, pos \n", "labels_trimmed", "row 32"),
    _file(
        "small_class", GOOD + "a film,mixed\n", "small_classes", "'mixed' (1)", "drop_labels:small_classes"
    ),
    _file(
        "labels_of_two_spellings",
        GOOD + "a film,Pos\n",
        "similar_labels",
        "'Pos'/'pos'",
        "merge_labels:similar_labels",
    ),
    _file(
        "labels_of_two_unicode_forms",
        GOOD + "a film,caf\u00e9\nanother film,cafe\u0301\n",
        "similar_labels",
        "'cafe\u0301'/'caf\u00e9'",
        "merge_labels:similar_labels",
    ),
    _file(
        "label_unknown",
        GOOD + "a film,unknown\n" * 6,
        "placeholder_labels",
        "unknown",
        "drop:placeholder_labels",
    ),
    _file(
        "e_mail_address",
        GOOD + "write to ada@example.com please,pos\n",
        "personal_data",
        "row 32",
        "mask:personal_data",
    ),
    _file(
        "phone_number",
        GOOD + "call +49 30 1234567 now,pos\n",
        "personal_data",
        "row 32",
        "mask:personal_data",
    ),
    _file(
        "account_number",
        GOOD + "pay to DE89 3704 0044 0532 0130 00 today,pos\n",
        "personal_data",
        "row 32",
        "mask:personal_data",
    ),
    _file(
        "card_number",
        GOOD + "card 4111 1111 1111 1111 was refused,pos\n",
        "personal_data",
        "row 32",
        "mask:personal_data",
    ),
]

BROKEN_FILES = [
    *NOT_TEXT,
    *EMPTY,
    *ENCODINGS,
    *DELIMITERS_AND_HEADERS,
    *ROWS_AND_QUOTES,
    *JSON_LINES,
    *VALUES,
]
