"""The disk tier as the loaders see it: adapters, trees and PLOT tables, read from the store and verified."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from hmi.artifacts.bundle import manifest_fields, read_manifest
from hmi.artifacts.packed_copies import PackedCopies
from hmi.artifacts.store import Store
from hmi.base.errors import BundleBroken, BundleMismatch, HmiError, NotFound
from hmi.engine.placement import TreePath
from hmi.memory.loader import Source
from hmi.model.adapter_bundle import open_adapter_bundle
from hmi.model.hplm_bank import HplmBank, PackedHplm
from hmi.model.packed_file import from_content, to_content
from hmi.plot.table import TABLE_FILE, PlotTable, open_table_bundle
from hmi.plot.tree import read_tree
from wire.artifacts import AdapterFields, BackboneFields, BundleKind, BundleRef
from wire.errors import ErrorCode
from wire.ids import Digest


@dataclass(frozen=True, slots=True)
class Sources:
    """The disk tier of everything that serves."""

    adapters: Source[BundleRef, PackedHplm]
    trees: Source[BundleRef, TreePath]
    tables: Source[BundleRef, PlotTable]


def store_sources(
    store: Store, backbone: Digest, fields: BackboneFields, bank: HplmBank, copies: PackedCopies
) -> Sources:
    """Bundles of ``backbone`` in ``store``; adapters as ``bank`` takes them, from ``copies`` after the first
    time."""
    return Sources(
        AdapterSource(store, bank, copies, backbone=backbone, fields=fields),
        TreeSource(store, backbone=backbone),
        TableSource(store, backbone=backbone),
    )


Made = TypeVar("Made")
TREE_BYTES = 4096
"""Charged for one tree's list of nodes."""


@contextmanager
def _present(ref: BundleRef) -> Iterator[None]:
    # An absent bundle may be restored, so it is not given up for good as a broken one is.
    try:
        yield
    except NotFound as exc:
        message = f"bundle {ref.digest} is not in the store"
        raise HmiError(ErrorCode.BUNDLE_BROKEN, message, retryable=True) from exc


def _read(store: Store, ref: BundleRef, make: Callable[[Path], Made]) -> Made:
    with _present(ref):
        return store.read(ref.uri, ref.digest, make)


class AdapterSource:
    """Adapters for one backbone, packed for one bank: once each, as long as the copy is kept."""

    def __init__(
        self,
        store: Store,
        bank: HplmBank,
        copies: PackedCopies,
        *,
        backbone: Digest,
        fields: BackboneFields,
    ) -> None:
        self._store = store
        self._bank = bank
        self._copies = copies
        self._backbone = backbone
        self._fields = fields

    def measure(self, key: BundleRef) -> int:
        num_bytes = self._copies.loaded_bytes(key.digest)
        if num_bytes is not None:
            return num_bytes
        manifest = _read(self._store, key, read_manifest)
        fields = manifest_fields(
            manifest, kind=BundleKind.ADAPTER, fields_type=AdapterFields, name=key.digest
        )
        return self._bank.packed_bytes(fields)

    def read(self, key: BundleRef) -> PackedHplm:
        return from_content(self._copies.get(key.digest) or self._packed(key), self._bank.hosted)

    def _packed(self, key: BundleRef) -> bytearray:
        """From the bundle, and kept."""
        opened = partial(
            open_adapter_bundle,
            digest=key.digest,
            backbone_fields=self._fields,
            backbone=self._backbone,
        )
        packed = self._bank.pack(_read(self._store, key, opened))
        content = to_content(packed)
        self._copies.put(key.digest, content, loaded_bytes=packed.num_bytes)
        return content


class TreeSource:
    """Tree versions for one backbone."""

    def __init__(self, store: Store, *, backbone: Digest) -> None:
        self._store = store
        self._backbone = backbone

    def measure(self, key: BundleRef) -> int:
        return TREE_BYTES

    def read(self, key: BundleRef) -> TreePath:
        with _present(key):
            fields = read_tree(self._store, key.uri, key.digest, backbone=self._backbone)
        if not fields.nodes:
            raise BundleMismatch(f"tree {key.digest} has no nodes")
        return TreePath(tuple(BundleRef(node.uri, node.digest) for node in fields.nodes))


class TableSource:
    """PLOT tables for one backbone."""

    def __init__(self, store: Store, *, backbone: Digest) -> None:
        self._store = store
        self._backbone = backbone

    def measure(self, key: BundleRef) -> int:
        # A root's isolated rows are for building alone and are not read.
        table = _read(self._store, key, read_manifest).files.get(TABLE_FILE)
        if table is None:
            raise BundleBroken(f"bundle {key.digest} has no {TABLE_FILE}")
        return table.num_bytes

    def read(self, key: BundleRef) -> PlotTable:
        opened = partial(open_table_bundle, digest=key.digest, backbone=self._backbone)
        return _read(self._store, key, opened)
