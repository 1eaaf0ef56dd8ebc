"""Copies on disk of what was made of bundles: never other bytes than were put, never more than the limit."""

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.artifacts.packed_copies import PackedCopies
from wire.ids import Digest

FILE_BYTES = 116  # of a content of 100
DIGESTS = [Digest(f"sha256:{number:064x}") for number in range(5)]


def content_of(number: int) -> bytes:
    return bytes([number]) * 100


def put(copies: PackedCopies, number: int) -> None:
    copies.put(DIGESTS[number], content_of(number), loaded_bytes=number)


def get(copies: PackedCopies, number: int) -> bytes | None:
    content = copies.get(DIGESTS[number])
    return None if content is None else bytes(content)


def open_copies(folder: Path, *, num_files: int = 3, form: str = "a") -> PackedCopies:
    return PackedCopies(folder, form, max_bytes=num_files * FILE_BYTES)


def kept(copies: PackedCopies) -> list[int]:
    return [number for number, digest in enumerate(DIGESTS) if copies.loaded_bytes(digest) is not None]


def test_what_was_put_is_found_with_the_bytes_that_it_takes_once_loaded(tmp_path: Path) -> None:
    copies = open_copies(tmp_path)
    assert get(copies, 2) is None
    put(copies, 2)
    put(copies, 2)
    assert get(copies, 2) == content_of(2)
    assert copies.loaded_bytes(DIGESTS[2]) == 2
    assert copies.num_bytes == FILE_BYTES
    copies.check_integrity()


def test_the_least_recently_used_goes_when_room_is_needed(tmp_path: Path) -> None:
    copies = open_copies(tmp_path)
    for number in (0, 1, 2):
        put(copies, number)
    get(copies, 0)
    put(copies, 3)
    assert kept(copies) == [0, 2, 3]
    copies.check_integrity()


def test_what_is_larger_than_the_limit_is_not_kept(tmp_path: Path) -> None:
    copies = open_copies(tmp_path, num_files=1)
    put(copies, 1)
    copies.put(DIGESTS[0], bytes(101), loaded_bytes=1)
    assert kept(copies) == [1], "it cost others their place"
    copies.check_integrity()


@pytest.mark.parametrize("place", [0, 7, 9, 17, 115])
def test_a_changed_byte_makes_it_no_copy(tmp_path: Path, place: int) -> None:
    copies = open_copies(tmp_path)
    put(copies, 1)
    (path,) = (tmp_path / "a").iterdir()
    changed = bytearray(path.read_bytes())
    changed[place] ^= 1
    path.write_bytes(changed)
    assert get(copies, 1) is None
    assert kept(copies) == []
    copies.check_integrity()


@pytest.mark.parametrize("length", [0, 3, 15, 100])
def test_a_file_that_is_cut_short_is_no_copy(tmp_path: Path, length: int) -> None:
    copies = open_copies(tmp_path)
    put(copies, 1)
    (path,) = (tmp_path / "a").iterdir()
    path.write_bytes(path.read_bytes()[:length])
    assert open_copies(tmp_path).get(DIGESTS[1]) is None
    assert get(copies, 1) is None


def test_a_file_that_somebody_removed_is_no_copy(tmp_path: Path) -> None:
    copies = open_copies(tmp_path)
    put(copies, 1)
    next((tmp_path / "a").iterdir()).unlink()
    assert get(copies, 1) is None
    copies.check_integrity()


def test_what_an_earlier_process_left_is_used_as_far_as_the_limit_reaches(tmp_path: Path) -> None:
    copies = open_copies(tmp_path)
    for number in (0, 1, 2):
        put(copies, number)
    (tmp_path / "a" / ".half.part").write_bytes(b"half")
    smaller = open_copies(tmp_path, num_files=2)
    assert len(kept(smaller)) == 2
    assert all(get(smaller, number) == content_of(number) for number in kept(smaller))
    smaller.check_integrity()


def test_copies_of_another_form_are_removed(tmp_path: Path) -> None:
    put(open_copies(tmp_path), 0)
    other = open_copies(tmp_path, form="b")
    assert kept(other) == []
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_what_the_catalog_no_longer_names_is_removed_from_the_disk(tmp_path: Path) -> None:
    copies = open_copies(tmp_path)
    for number in (0, 1, 2):
        put(copies, number)
    copies.retain({DIGESTS[1], DIGESTS[4]})
    assert kept(copies) == [1]
    copies.check_integrity()


def test_a_disk_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    copies = open_copies(tmp_path)
    (tmp_path / "a").rmdir()
    put(copies, 0)
    assert kept(copies) == []
    assert copies.num_bytes == 0


@settings(max_examples=50, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(["put", "get", "retain"]), st.integers(0, 4)), max_size=30))
def test_whatever_happens_the_limit_holds_and_content_is_its_own(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    copies = open_copies(tmp_path_factory.mktemp("copies"))
    for step, number in steps:
        if step == "put":
            put(copies, number)
        elif step == "get":
            assert get(copies, number) in (None, content_of(number))
        else:
            copies.retain(DIGESTS[number:])
        copies.check_integrity()


def test_threads_that_put_get_and_retain_at_once_leave_it_whole(tmp_path: Path) -> None:
    copies = open_copies(tmp_path)
    wrong: list[object] = []

    def work(seed: int) -> None:
        for step in range(200):
            number = (step * seed) % 5
            put(copies, number)
            found = get(copies, (number + seed) % 5)
            if found not in (None, content_of((number + seed) % 5)):
                wrong.append(found)
            if step % 20 == 0:
                copies.retain(DIGESTS[: 1 + seed])

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    copies.check_integrity()
