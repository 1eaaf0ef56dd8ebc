"""The operator's text is read from files of four kinds; what cannot be read is named."""

import gzip
from pathlib import Path

import pytest

from hmi.base.errors import InvalidInput
from hmi.build.operator_text import find_text_files, read_texts, texts_sha256


def test_it_reads_each_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\nline two\n\n\nthree\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"text": "four", "source": "x"}\n{"text": " "}\n', encoding="utf-8")
    (tmp_path / "c.csv").write_text('label,text\nx,"five,\nstill"\n', encoding="utf-8-sig")
    deeper = tmp_path / "deeper"
    deeper.mkdir()
    with gzip.open(deeper / "d.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write('{"text": "sieben ä"}\n')
    (deeper / "README.md").write_text("not text")
    files = find_text_files([tmp_path])
    assert list(read_texts(files)) == ["one line two", "three", "four", "five,\nstill", "sieben ä"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    assert len(find_text_files([tmp_path, tmp_path / "a.txt"])) == 1


def test_the_hash_is_of_content_and_not_of_place(tmp_path: Path) -> None:
    for name, content in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(content)
    a, b, c = (texts_sha256(find_text_files([tmp_path / name])) for name in "abc")
    assert a == b != c


def test_it_refuses_a_path_that_is_absent_or_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"")
    with pytest.raises(InvalidInput, match="does not exist"):
        find_text_files([tmp_path / "absent.txt"])
    with pytest.raises(InvalidInput, match=r"none of \.txt"):
        find_text_files([tmp_path / "a.pdf"])


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.txt", b"caf\xe9", "UTF-8"),
        ("a.csv", b"label\nx\n", "no column 'text'"),
        ("a.jsonl", b'{"text": "a"}\n{"no": 1}\n', "line 2"),
        ("a.jsonl", b"\xff\xfe", "line 1"),
        ("a.jsonl.gz", b"not gzip", "cannot be read"),
    ],
)
def test_it_names_a_file_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=problem):
        list(read_texts(find_text_files([tmp_path])))
