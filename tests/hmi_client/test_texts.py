"""Reading texts, and writing predictions."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from hmi_client.errors import ClientError
from hmi_client.login import Login, login_read, login_save
from hmi_client.progress import Bar
from hmi_client.texts import Input, PredictionFile, batched, texts_of


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", '\ufeffid,text\n1,one\n2,"t,wo"\n'),
        ("a.tsv", "id\ttext\n1\tone\n2\tt,wo\n"),
        ("a.jsonl", '{"text": "one"}\n\n{"text": "t,wo"}\n'),
        ("a.txt", "one\n\nt,wo\n \n"),
    ],
)
def test_texts_are_read_from_each_format(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    assert list(texts_of(file, column="text")) == ["one", "t,wo"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"a,b\n1,2\n", "no column 'text'; there are: a, b"),
        ("a.csv", b"text\n\xff\n", "not UTF-8"),
        ("a.csv", b'text\n"open\n', "Line"),
        ("a.jsonl", b"{}\n", "Line 1"),
        ("a.pdf", b"", "give a .csv"),
        ("a.csv", b"id,text\n1,one\n2, \n", "Row 2 of a.csv has no text in 'text'"),
        ("a.jsonl", b'{"text": "one"}\n{"text": null}\n', "Row 2 of a.jsonl has no text"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ClientError, match=message):
        list(texts_of(file, column="text"))


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="cannot be read"):
        list(texts_of(tmp_path / "a.csv", column="text"))


def test_texts_come_in_batches() -> None:
    assert list(batched(iter("abcde"), 2)) == [["a", "b"], ["c", "d"], ["e"]]


@pytest.mark.parametrize(
    ("text", "prediction", "row"),
    [
        ("a,b", {"label": "pos", "score": 0.75}, {"text": "a,b", "label": "pos", "score": "0.750000"}),
        (
            {"text": "a", "pair": "b"},
            {"label": "same", "score": 0.5},
            {"text": "a", "pair": "b", "label": "same", "score": "0.500000"},
        ),
        (
            "a",
            {"labels": ["new", "büro"], "scores": {"new": 0.9, "büro": 0.62345678, "old": 0.1}},
            {
                "text": "a",
                "labels": "new;büro",
                "scores": '{"new": 0.9, "büro": 0.623457, "old": 0.1}',
            },
        ),
        ("a", {"labels": [], "scores": {"new": 0.1}}, {"text": "a", "labels": "", "scores": '{"new": 0.1}'}),
        ("a", {"value": 3.25}, {"text": "a", "value": "3.25"}),
        (
            "Bo is in",
            {"spans": [{"start": 0, "end": 2, "label": "NAME", "score": 0.9}]},
            {"text": "Bo is in", "spans": '[{"start": 0, "end": 2, "label": "NAME", "score": 0.9}]'},
        ),
    ],
    ids=["single_label", "sentence_pair", "multi_label", "no_label", "score", "token_classification"],
)
def test_predictions_of_every_kind_are_written_beside_their_texts(
    text: Input, prediction: dict[str, Any], row: dict[str, str]
) -> None:
    out = io.StringIO(newline="")
    PredictionFile(out).add([text], [prediction])
    assert list(csv.DictReader(io.StringIO(out.getvalue(), newline=""))) == [row]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", "question,answer\none,two\n"), ("a.jsonl", '{"question": "one", "answer": "two"}\n')],
)
def test_two_texts_of_a_row_are_read(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    pairs = texts_of(file, column="question", pair_column="answer")
    assert list(pairs) == [{"text": "one", "pair": "two"}]


def test_two_texts_do_not_come_from_plain_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one\n")
    with pytest.raises(ClientError, match="two texts a row"):
        list(texts_of(file, column="text", pair_column="pair"))


def test_a_login_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "hmi" / "client.json"
    for key in ("first", "second"):
        login_save(file, Login("http://a", "acme", key))
    assert login_read(file) == Login("http://a", "acme", "second")
    assert file.stat().st_mode & 0o077 == 0


def test_a_login_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "hmi").write_text("no folder")
    with pytest.raises(ClientError, match="cannot be written"):
        login_save(tmp_path / "hmi" / "client.json", Login("https://hmi.example.com", "acme", "hmi_key"))


def test_without_a_login_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="hmi-client login"):
        login_read(tmp_path / "client.json")


def test_a_bar_in_a_log_file_is_a_line_every_ten_percent() -> None:
    out = io.StringIO()
    bar = Bar(out, "upload")
    for percent in range(101):
        bar.show(percent / 100)
    bar.close()
    assert out.getvalue().splitlines() == [f"upload {percent}%" for percent in range(0, 101, 10)]
