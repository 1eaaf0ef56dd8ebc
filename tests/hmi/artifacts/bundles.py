"""A small bundle to play with."""

from pathlib import Path

from hmi.artifacts.bundle import write_bundle
from wire.artifacts import BundleKind, PlotTreeFields
from wire.ids import Digest

BACKBONE = Digest("sha256:" + "b" * 64)
FIELDS = PlotTreeFields(BACKBONE, ())


def make_bundle(folder: Path, content: bytes = b"content") -> Digest:
    (folder / "deep").mkdir(parents=True)
    (folder / "a.bin").write_bytes(content)
    (folder / "deep" / "b.bin").write_bytes(b"")
    return write_bundle(folder, BundleKind.PLOT_TREE, FIELDS)
