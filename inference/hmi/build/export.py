"""A version in a folder of its own: with everything that it needs to predict, on a machine without the
platform."""

from pathlib import Path

from hmi.artifacts.store import Store, open_store
from hmi.base.errors import InvalidInput
from hmi.build.checkpoint import write_atomically
from hmi.build.offline import OfflineModel, open_offline, standing_digest, version_fields
from hmi.build.private_leaf import standing_leaf
from hmi.plot.tree import read_tree
from wire.artifacts import EXPORT_FILE, EXPORT_STORE, AdapterFields, ExportedHplm
from wire.codec import WireError, from_json, to_json
from wire.ids import BundleUri, Digest


def export_version(store: Store, contents: ExportedHplm, folder: Path) -> None:
    """Copy version, tree, its tables and the backbone into ``folder``; no text and no segment goes along."""
    target = store_of(folder)
    digest = standing_digest(store, contents.version)
    target.publish(store.localize(contents.version, digest), contents.version)
    complete_export(store, contents, folder)


def complete_export(store: Store, contents: ExportedHplm, folder: Path) -> None:
    """Copy what the version needs beside the one that stands in ``folder``'s store already."""
    target = store_of(folder)
    fields = version_fields(target, contents.version)
    wanted = [(contents.backbone, fields.backbone)]
    if contents.tree is not None:
        wanted += _looked_up_in(store, contents.tree, fields)
    for uri, digest in wanted:
        target.publish(store.localize(uri, digest), uri)
    write_contents(folder, contents)


def _looked_up_in(store: Store, uri: BundleUri, fields: AdapterFields) -> list[tuple[BundleUri, Digest]]:
    digest = standing_digest(store, uri)
    manifest = read_tree(store, uri, digest, backbone=fields.backbone)
    leaf = standing_leaf(store, fields.leaf)
    return [
        (uri, digest),
        *((node.uri, node.digest) for node in manifest.nodes),
        *(() if leaf is None else ((leaf.uri, leaf.digest),)),
    ]


def store_of(folder: Path) -> Store:
    """The store of an export."""
    return open_store((folder / EXPORT_STORE).absolute().as_uri(), None)


def write_contents(folder: Path, contents: ExportedHplm) -> None:
    """Make ``folder``, whose store has them all, one that open_exported reads."""
    write_atomically(folder / EXPORT_FILE, to_json(contents).encode())


def read_contents(folder: Path) -> ExportedHplm:
    """Raises InvalidInput for a folder that is no export."""
    path = folder / EXPORT_FILE
    try:
        return from_json(ExportedHplm, path.read_bytes())
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror}", param="bundle") from exc
    except WireError as exc:
        raise InvalidInput(f"{path} does not say what is in the folder: {exc}", param="bundle") from exc


def open_exported(folder: Path) -> OfflineModel:
    """Raises InvalidInput for a folder that is no export, BundleBroken where something in it has changed."""
    contents = read_contents(folder)
    return open_offline(store_of(folder), contents.version, contents.tree, backbone_uri=contents.backbone)
