"""``export``: a version from the store into a folder of its own, which `predict` and `evaluate` read."""

import argparse
from pathlib import Path

from hmi.artifacts.bundle import read_manifest
from hmi.artifacts.store import Store, open_store
from hmi.base.errors import AlreadyExists, InvalidInput
from hmi.cli.store_place import cache_dir, store_url
from wire.artifacts import ExportedHplm
from wire.ids import BundleUri


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("export", help="copy a version into a folder", description=__doc__)
    parser.add_argument("--bundle-uri", required=True, help="the version's bundle in the store")
    parser.add_argument("--tree-uri", required=True, help="the tree to look up in")
    parser.add_argument(
        "--backbone-uri", help="where the backbone is (default: where the version was trained)"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder that does not exist yet"
    )


def run(args: argparse.Namespace) -> int:
    """Prints the folder."""
    from hmi.build.export import export_version

    if args.out.exists():
        raise AlreadyExists(f"{args.out} exists already; give another --out")
    store = open_store(store_url(), cache_dir())
    version = BundleUri(args.bundle_uri)
    backbone = args.backbone_uri or _backbone_uri(store, version)
    export_version(store, ExportedHplm(version, BundleUri(args.tree_uri), BundleUri(backbone)), args.out)
    print(args.out)
    return 0


def _backbone_uri(store: Store, version: BundleUri) -> str:
    from hmi.build.offline import standing_digest

    found = read_manifest(store.localize(version, standing_digest(store, version))).fields.get("backbone_uri")
    if not isinstance(found, str):
        raise InvalidInput("the version does not say where its backbone is; give --backbone-uri")
    return found
