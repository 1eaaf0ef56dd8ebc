"""The operator's text is read from files of five kinds; what cannot be read is named."""

import gzip
from pathlib import Path

import pyarrow as arrow
import pytest
from pyarrow import parquet

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


STRINGS = (arrow.string(), arrow.large_string(), arrow.dictionary(arrow.int32(), arrow.string()))


@pytest.mark.parametrize("kind", STRINGS, ids=str)
def test_it_reads_the_text_column_of_a_parquet_file_in_its_order(
    tmp_path: Path, kind: arrow.DataType
) -> None:
    texts = [f"text {number} ä" for number in range(3000)]
    with_gaps = [*texts[:1500], None, " ", *texts[1500:]]
    columns = {"label": arrow.array(range(3002)), "text": arrow.array(with_gaps, kind)}
    parquet.write_table(arrow.table(columns), tmp_path / "a.parquet", row_group_size=2000)
    assert list(read_texts(find_text_files([tmp_path]))) == texts


def test_a_large_row_group_is_not_read_as_a_whole(tmp_path: Path) -> None:
    """A group of 58 MB, whose first texts come for a fraction of it."""
    texts = [f"{number} {number * 7919 % 10007} " * 40 for number in range(130_000)]
    table = arrow.table({"text": texts})
    assert table.nbytes > 50_000_000
    parquet.write_table(
        table, tmp_path / "a.parquet", row_group_size=len(texts), use_dictionary=False, compression="NONE"
    )
    del table, texts
    before = arrow.total_allocated_bytes()
    walk = read_texts([tmp_path / "a.parquet"])
    most = 0
    for _ in zip(range(5000), walk, strict=False):
        most = max(most, arrow.total_allocated_bytes() - before)
    assert most < 20_000_000


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"words": ["a"]}, "no single column 'text'"),
        ({"text": [1, 2]}, "is of int64, not of strings"),
        ({"text": [["a"], ["b"]]}, "not of strings"),
    ],
)
def test_it_names_a_parquet_file_without_a_column_of_texts(
    tmp_path: Path, columns: "dict[str, list[object]]", problem: str
) -> None:
    parquet.write_table(arrow.table(columns), tmp_path / "a.parquet")
    with pytest.raises(InvalidInput, match=problem):
        list(read_texts([tmp_path / "a.parquet"]))


def test_it_names_a_parquet_file_that_is_cut_or_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(arrow.table({"text": [f"text {number}" for number in range(2000)]}), path)
    sound = path.read_bytes()
    for damaged in (b"", sound[:100], sound[: len(sound) // 2], b"PAR1" + bytes(len(sound) - 8) + b"PAR1"):
        path.write_bytes(damaged)
        with pytest.raises(InvalidInput, match=r"a\.parquet"):
            list(read_texts([path]))


def test_a_parquet_file_whose_text_is_not_utf_8_is_named(tmp_path: Path) -> None:
    latin = arrow.array([b"caf\xe9"], arrow.binary()).view(arrow.string())
    parquet.write_table(arrow.table({"text": latin}), tmp_path / "a.parquet")
    with pytest.raises(InvalidInput, match="UTF-8"):
        list(read_texts([tmp_path / "a.parquet"]))


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
