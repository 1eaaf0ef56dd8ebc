"""The disk tier as the loaders see it: adapters, trees and PLOT tables, read from the store and verified."""

from pathlib import Path

from hmi.artifacts.bundle import open_bundle, read_manifest
from hmi.artifacts.store import Store
from hmi.base.errors import BundleMismatch, HmiError, NotFound
from hmi.engine.placement import TreePath
from hmi.engine.request import BundleRef
from hmi.model.adapter_bundle import Hplm, open_adapter_bundle
from hmi.plot.table import PlotTable, open_table_bundle
from wire.artifacts import BackboneFields, BundleKind, PlotTreeFields
from wire.errors import ErrorCode
from wire.ids import Digest

TREE_BYTES = 4096
"""Charged for one tree's list of nodes."""


class BundleFolder:
    """Where a bundle lies on this machine."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, ref: BundleRef) -> Path:
        """Its folder, not yet verified. An absent bundle may be restored: it is not given up for good."""
        try:
            return self._store.localize(ref.uri, ref.digest)
        except NotFound as exc:
            raise HmiError(
                ErrorCode.BUNDLE_BROKEN, f"bundle {ref.digest} is not in the store", retryable=True
            ) from exc

    def num_bytes(self, ref: BundleRef) -> int:
        """Of the files that its manifest names."""
        return sum(entry.num_bytes for entry in read_manifest(self(ref)).files.values())


class AdapterSource:
    """Adapters for one backbone."""

    def __init__(self, store: Store, *, backbone: Digest, fields: BackboneFields) -> None:
        self._folder = BundleFolder(store)
        self._backbone = backbone
        self._fields = fields

    def measure(self, key: BundleRef) -> int:
        return self._folder.num_bytes(key)

    def read(self, key: BundleRef) -> Hplm:
        return open_adapter_bundle(
            self._folder(key), digest=key.digest, backbone_fields=self._fields, backbone=self._backbone
        )


class TreeSource:
    """Tree versions for one backbone."""

    def __init__(self, store: Store, *, backbone: Digest) -> None:
        self._folder = BundleFolder(store)
        self._backbone = backbone

    def measure(self, key: BundleRef) -> int:
        return TREE_BYTES

    def read(self, key: BundleRef) -> TreePath:
        bundle = open_bundle(
            self._folder(key), kind=BundleKind.PLOT_TREE, fields_type=PlotTreeFields, digest=key.digest
        )
        if bundle.fields.backbone != self._backbone:
            raise BundleMismatch(
                f"tree {key.digest} was built for backbone {bundle.fields.backbone}, this is {self._backbone}"
            )
        if not bundle.fields.nodes:
            raise BundleMismatch(f"tree {key.digest} has no nodes")
        return TreePath(tuple(BundleRef(node.uri, node.digest) for node in bundle.fields.nodes))


class TableSource:
    """PLOT tables for one backbone."""

    def __init__(self, store: Store, *, backbone: Digest) -> None:
        self._folder = BundleFolder(store)
        self._backbone = backbone

    def measure(self, key: BundleRef) -> int:
        return self._folder.num_bytes(key)

    def read(self, key: BundleRef) -> PlotTable:
        return open_table_bundle(self._folder(key), key.digest, backbone=self._backbone)
