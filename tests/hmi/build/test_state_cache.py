"""What one training leaves another: the same file under the same key, to nobody else, within the budget,
whole or not at all."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from hmi.build.state_cache import CachedFile, StateCache, content_key
from wire.ids import DatasetId, Digest, TenantId
from wire.training import COMPUTED_STATES

ACME = CachedFile(TenantId("acme"), DatasetId("reviews"), Digest("sha256:" + "a" * 64), content_key("one"))


def made(folder: Path, content: bytes = b"states", name: str = "made") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and path.name != "lock")


def test_what_is_kept_is_taken_without_a_copy_and_stays_when_the_cache_forgets_it(tmp_path: Path) -> None:
    cache = StateCache(tmp_path / "cache", 100)
    assert not cache.take(ACME, tmp_path / "mine")
    path = made(tmp_path)
    cache.keep(ACME, path)
    cache.keep(ACME, path)
    (kept,) = files(tmp_path / "cache")
    assert kept.parent == tmp_path / "cache" / "acme" / "reviews" / ("a" * 64)
    assert StateCache(tmp_path / "cache", 100).take(ACME, tmp_path / "mine")
    assert (tmp_path / "mine").samefile(path)
    kept.unlink()
    assert (tmp_path / "mine").read_bytes() == b"states"


@pytest.mark.parametrize(
    "other",
    [
        replace(ACME, tenant_id=TenantId("globex")),
        replace(ACME, dataset_id=DatasetId("news")),
        replace(ACME, key=content_key("two")),
    ],
    ids=["tenant", "dataset", "content"],
)
def test_nobody_else_finds_it(tmp_path: Path, other: CachedFile) -> None:
    cache = StateCache(tmp_path / "cache", 100)
    cache.keep(ACME, made(tmp_path))
    assert not cache.take(other, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_a_tree_of_the_same_content_has_the_file_too_and_keeps_it_when_the_other_goes(tmp_path: Path) -> None:
    cache = StateCache(tmp_path / "cache", 10)
    other = replace(ACME, tree=Digest("sha256:" + "b" * 64))
    cache.keep(ACME, made(tmp_path))
    assert cache.take(other, tmp_path / "mine")
    cache.keep(other, tmp_path / "mine")
    first, second = files(tmp_path / "cache")
    assert first.samefile(second)  # 6 bytes of 10: one file of two names
    first.unlink()
    assert cache.take(other, tmp_path / "again")
    cache.keep(ACME, tmp_path / "again")
    cache.keep(replace(ACME, key=content_key("next")), made(tmp_path, b"another", "next"))
    (left,) = files(tmp_path / "cache")
    assert left.name.startswith(content_key("next"))  # the other went by both names


def test_keys_tell_where_one_part_ends(tmp_path: Path) -> None:
    keys = {content_key("ab", "c"), content_key("a", "bc"), content_key("abc"), content_key("abc", "")}
    assert len(keys) == 4


def test_a_name_of_a_tenant_leads_nowhere_else(tmp_path: Path) -> None:
    cache = StateCache(tmp_path / "cache", 100)
    cache.keep(replace(ACME, tenant_id=TenantId("../.."), dataset_id=DatasetId(".")), made(tmp_path))
    (kept,) = files(tmp_path / "cache")
    assert len(kept.relative_to(tmp_path / "cache").parts) == 4
    assert replace(ACME, tree=None).folder.name == COMPUTED_STATES


def test_the_least_recently_taken_goes_when_room_is_needed(tmp_path: Path) -> None:
    cache = StateCache(tmp_path / "cache", 20)
    one, two, three = (replace(ACME, key=content_key(name)) for name in ("1", "2", "3"))
    for age, file in ((3, one), (2, two)):
        cache.keep(file, made(tmp_path, b"8 bytes.", f"made-{age}"))
        (path,) = (path for path in files(tmp_path / "cache") if path.name.startswith(file.key))
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    assert cache.take(one, tmp_path / "taken")
    cache.keep(three, made(tmp_path, b"8 bytes!", "third"))
    assert [cache.take(file, tmp_path / file.key) for file in (one, two, three)] == [True, False, True]


def test_what_is_larger_than_the_budget_is_not_kept_and_drives_nothing_out(tmp_path: Path) -> None:
    cache = StateCache(tmp_path / "cache", 10)
    cache.keep(ACME, made(tmp_path))
    cache.keep(replace(ACME, key=content_key("large")), made(tmp_path, b"x" * 11, "large"))
    assert len(files(tmp_path / "cache")) == 1
    StateCache(tmp_path / "none", 0).keep(ACME, made(tmp_path))
    assert not (tmp_path / "none").exists()


def test_a_damaged_file_is_not_taken_and_goes(tmp_path: Path) -> None:
    cache = StateCache(tmp_path / "cache", 100)
    cache.keep(ACME, made(tmp_path))
    (kept,) = files(tmp_path / "cache")
    kept.write_bytes(b"stotes")
    assert not cache.take(ACME, tmp_path / "mine")
    assert not kept.exists() and not (tmp_path / "mine").exists()


def test_what_a_killed_process_left_half_kept_goes_at_the_next(tmp_path: Path) -> None:
    cache = StateCache(tmp_path / "cache", 100)
    cache.keep(ACME, made(tmp_path))
    (kept,) = files(tmp_path / "cache")
    half = made(kept.parent, name=".tmp-half")
    assert cache.take(ACME, tmp_path / "mine")
    cache.keep(replace(ACME, key=content_key("next")), made(tmp_path))
    assert not half.exists()


def test_a_disk_that_takes_nothing_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    cache = StateCache(tmp_path / "cache", 100)
    monkeypatch.setattr(os, "link", refuse)
    cache.keep(ACME, made(tmp_path))
    assert files(tmp_path / "cache") == []
    assert not cache.take(ACME, tmp_path / "mine")
