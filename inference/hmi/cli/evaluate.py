"""``evaluate``: a version's predictions for a file of rows, without the service."""

import argparse
import json
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hmi.artifacts.bundle import open_bundle
from hmi.artifacts.store import Store, open_store
from hmi.base.errors import InvalidInput, NotFound
from hmi.cli.train import cache_dir, store_url
from wire.artifacts import AdapterFields, BundleKind
from wire.ids import BundleUri, Digest


class Row(msgspec.Struct):
    """A row to predict; other fields, such as the label, are not looked at."""

    row: int
    text: str


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("evaluate", help="predict a file of rows offline", description=__doc__)
    parser.add_argument("--bundle-uri", required=True, help="the version's bundle in the store")
    parser.add_argument("--tree-uri", required=True, help="the tree to look up in")
    parser.add_argument("--rows", type=Path, required=True, metavar="FILE", help='JSON lines {"row", "text"}')
    parser.add_argument(
        "--backbone-uri",
        help="where the backbone is (default: where the version was trained, then HMI_BACKBONE_URI)",
    )


def run(args: argparse.Namespace) -> int:
    """Prints ``{"row", "label", "scores"}`` for each row, in their order."""
    rows = read_rows(args.rows)
    store = open_store(store_url(), cache_dir())
    for line in predictions(store, args, rows):
        print(json.dumps(line, ensure_ascii=False))
    return 0


def read_rows(path: Path) -> list[Row]:
    """Raises InvalidInput naming the line that is not a row."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as exc:
        raise InvalidInput(f"the rows cannot be read: {exc.strerror}", param="rows") from exc
    decoder = msgspec.json.Decoder(Row)
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(decoder.decode(line))
        except msgspec.DecodeError as exc:
            raise InvalidInput(f"rows file, line {number}: {exc}", param="rows") from exc
    return rows


def predictions(store: Store, args: argparse.Namespace, rows: list[Row]) -> Iterable[dict[str, object]]:
    """The answers, each ``{"row", "label", "scores"}`` with scores by label, in the task's label order."""
    from hmi.build.evaluation import PlotPath, TaskModel, predict
    from hmi.model.adapter_bundle import open_adapter_bundle
    from hmi.model.backbone import Backbone
    from hmi.plot.tree import open_tree

    bundle_uri, tree_uri = BundleUri(args.bundle_uri), BundleUri(args.tree_uri)
    digest = _digest(store, bundle_uri)
    folder = store.localize(bundle_uri, digest)
    fields = open_bundle(folder, kind=BundleKind.ADAPTER, fields_type=AdapterFields, digest=digest).fields
    backbone_uri = args.backbone_uri or fields.backbone_uri or os.environ.get("HMI_BACKBONE_URI")
    if backbone_uri is None:
        raise InvalidInput("the version does not say where its backbone is; give --backbone-uri")
    backbone = Backbone.open(
        store.localize(BundleUri(backbone_uri), fields.backbone), digest=fields.backbone, with_lower=False
    )
    hplm = open_adapter_bundle(
        folder, digest=digest, backbone_fields=backbone.fields, backbone=backbone.digest
    )
    tree = open_tree(store, tree_uri, _digest(store, tree_uri), backbone=backbone.digest)
    encoded = backbone.tokenizer.encode([row.text for row in rows], fields.max_tokens)
    if not rows:
        return
    model = TaskModel(backbone, hplm.adapter, hplm.head)
    found = predict(PlotPath(backbone, tree), model, encoded.documents, on_documents=lambda done: None)
    for row, scores in zip(rows, found.probabilities.tolist(), strict=True):
        by_label = dict(zip(fields.labels, scores, strict=True))
        yield {"row": row.row, "label": max(by_label, key=by_label.__getitem__), "scores": by_label}


def _digest(store: Store, uri: BundleUri) -> Digest:
    digest = store.digest(uri)
    if digest is None:
        raise NotFound(f"there is no bundle at {uri}")
    return digest
