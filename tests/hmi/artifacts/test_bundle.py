"""A bundle opens only when it is whole, unchanged and the one that was asked for."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from hmi.artifacts.bundle import open_bundle, read_manifest, write_bundle
from hmi.base.errors import BundleBroken, BundleMismatch
from tests.hmi.artifacts.bundles import FIELDS, make_bundle
from wire import codec
from wire.artifacts import MANIFEST_FILE, BundleKind, FileEntry, PlotTreeFields, SegmentFields, bundle_digest
from wire.ids import Digest


def test_a_bundle_is_opened_with_its_files_and_fields(tmp_path: Path) -> None:
    digest = make_bundle(tmp_path / "b")
    bundle = open_bundle(tmp_path / "b", kind=BundleKind.PLOT_TREE, fields_type=PlotTreeFields, digest=digest)
    assert bundle.fields == FIELDS
    assert bundle.digest == digest
    assert bundle.num_bytes == len(b"content")
    assert bundle.file("a.bin").read_bytes() == b"content"
    assert set(bundle.manifest.files) == {"a.bin", "deep/b.bin"}


def test_the_digest_covers_content_and_nothing_else(tmp_path: Path) -> None:
    digest = make_bundle(tmp_path / "b")
    shutil.copytree(tmp_path / "b", tmp_path / "c", copy_function=shutil.copyfile)  # other times
    assert bundle_digest(read_manifest(tmp_path / "c")) == digest
    assert write_bundle(tmp_path / "c", BundleKind.PLOT_TREE, FIELDS) == digest
    assert make_bundle(tmp_path / "d", b"Content") != digest


def open_any(folder: Path) -> None:
    open_bundle(folder, kind=BundleKind.PLOT_TREE, fields_type=PlotTreeFields, digest=None)


@pytest.mark.parametrize("name", ["a.bin", MANIFEST_FILE])
def test_every_changed_byte_is_noticed(tmp_path: Path, name: str) -> None:
    digest = make_bundle(tmp_path / "b")
    path = tmp_path / "b" / name
    sound = path.read_bytes()
    for place in range(len(sound)):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        with pytest.raises((BundleBroken, BundleMismatch)):
            open_bundle(tmp_path / "b", kind=BundleKind.PLOT_TREE, fields_type=PlotTreeFields, digest=digest)


@pytest.mark.parametrize("name", ["a.bin", MANIFEST_FILE])
def test_it_is_noticed_when_a_file_is_cut_at_any_byte_or_gone(tmp_path: Path, name: str) -> None:
    make_bundle(tmp_path / "b")
    path = tmp_path / "b" / name
    sound = path.read_bytes()
    for length in range(len(sound)):
        path.write_bytes(sound[:length])
        with pytest.raises(BundleBroken):
            open_any(tmp_path / "b")
    path.unlink()
    with pytest.raises(BundleBroken, match=r"missing|no manifest"):
        open_any(tmp_path / "b")


def test_another_bundle_than_the_one_asked_for_is_refused(tmp_path: Path) -> None:
    digest = make_bundle(tmp_path / "b")
    with pytest.raises(BundleMismatch, match="wanted sha256:0"):
        open_bundle(
            tmp_path / "b",
            kind=BundleKind.PLOT_TREE,
            fields_type=PlotTreeFields,
            digest=Digest("sha256:" + "0" * 64),
        )
    with pytest.raises(BundleMismatch, match="is a plot_tree, wanted a segment"):
        open_bundle(tmp_path / "b", kind=BundleKind.SEGMENT, fields_type=SegmentFields, digest=digest)


def test_another_format_version_is_refused(tmp_path: Path) -> None:
    make_bundle(tmp_path / "b")
    for version in (0, 3):
        other = dataclasses.replace(read_manifest(tmp_path / "b"), format_version=version)
        (tmp_path / "b" / MANIFEST_FILE).write_text(codec.to_json(other))
        with pytest.raises(BundleMismatch, match=f"has format {version}, this program reads 2"):
            open_any(tmp_path / "b")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd"])
def test_a_manifest_that_names_files_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    make_bundle(tmp_path / "b")
    evil = dataclasses.replace(read_manifest(tmp_path / "b"), files={name: FileEntry(0, "0" * 64)})
    (tmp_path / "b" / MANIFEST_FILE).write_text(codec.to_json(evil))
    with pytest.raises(BundleBroken, match="outside of it"):
        open_any(tmp_path / "b")


def test_fields_of_the_wrong_shape_and_files_that_are_not_listed_are_refused(tmp_path: Path) -> None:
    make_bundle(tmp_path / "b")
    bundle = open_bundle(tmp_path / "b", kind=BundleKind.PLOT_TREE, fields_type=PlotTreeFields, digest=None)
    with pytest.raises(BundleBroken, match=r"has no file 'c.bin'"):
        bundle.file("c.bin")
    strange = dataclasses.replace(bundle.manifest, fields={"backbone": 3})
    (tmp_path / "b" / MANIFEST_FILE).write_text(codec.to_json(strange))
    with pytest.raises(BundleBroken, match="fields of the manifest"):
        open_any(tmp_path / "b")
