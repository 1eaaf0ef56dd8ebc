"""Copies that jobs keep of a remote store's bundles go when the portal has deleted those."""

import uuid
from pathlib import Path

import pytest

from hmi.artifacts.store import open_store
from portal.common.store import ObjectStore
from portal.training.bundle_copies import copies_sweep
from tests.hmi.artifacts.bundles import make_bundle
from wire.ids import BundleUri


def test_copies_of_what_was_deleted_go_and_no_others(tmp_path: Path) -> None:
    url, cache = f"memory://{uuid.uuid4().hex}", tmp_path / "cache"
    store = open_store(url, cache)
    copies = {}
    for name in ("gone", "stands"):
        digest = make_bundle(tmp_path / name, name.encode())
        store.publish(tmp_path / name, BundleUri(f"trees/{name}"))
        copies[name] = store.localize(BundleUri(f"trees/{name}"), digest)
    copies_sweep(cache, ObjectStore(url))
    assert copies["gone"].is_dir() and copies["stands"].is_dir()
    ObjectStore(url).delete_beside("trees/gone")
    copies_sweep(cache, ObjectStore(url))
    kept = copies["stands"].name
    assert sorted(path.name for path in cache.iterdir()) == [kept, f"{kept}.uri"]


@pytest.mark.parametrize("written", [b"", b"../outside\nsha256:0", b"/etc", b"trees/\xc3"])
def test_what_a_full_disk_left_of_a_note_goes(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "copy.uri").write_bytes(written)
    copies_sweep(tmp_path, ObjectStore(f"memory://{uuid.uuid4().hex}"))
    assert list(tmp_path.iterdir()) == []


def test_a_job_may_be_quicker(tmp_path: Path) -> None:
    class BesideAJob(ObjectStore):
        """While it is asked for one, a job that begins drops the copies of all."""

        def exists(self, uri: str) -> bool:
            open_store(self.url, tmp_path)
            return super().exists(uri)

    for name in ("one", "two"):
        (tmp_path / f"{name}.uri").write_text(f"trees/{name}\nsha256:0")
    copies_sweep(tmp_path, BesideAJob(f"memory://{uuid.uuid4().hex}"))
    assert list(tmp_path.iterdir()) == []


def test_there_may_be_no_copies_yet(tmp_path: Path) -> None:
    copies_sweep(tmp_path / "none", ObjectStore(f"memory://{uuid.uuid4().hex}"))
