"""``evaluate``: an exported version on a labelled file, or a stored version's answers for a file of rows."""

import argparse
import json
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hmi.artifacts.store import Store, open_store
from hmi.base.errors import InvalidInput
from hmi.cli.text_files import Columns, read_labelled
from hmi.cli.train import cache_dir, require, store_url
from wire import codec
from wire.ids import BundleUri

SEED = 1


class Row(msgspec.Struct):
    """A row to predict; other fields, such as the label, are not looked at."""

    row: int
    text: str


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("evaluate", help="measure a version offline", description=__doc__)
    exported = parser.add_argument_group("figures of an exported version")
    exported.add_argument("--bundle", type=Path, metavar="DIR", help="folder of `train --data` or `export`")
    exported.add_argument("--data", type=Path, metavar="FILE", help="labelled texts: .csv, .tsv or .jsonl")
    exported.add_argument("--text-column", default="text")
    exported.add_argument("--label-column", default="label")
    stored = parser.add_argument_group("answers of a version in the store")
    stored.add_argument("--bundle-uri", help="the version's bundle in the store")
    stored.add_argument("--tree-uri", help="the tree to look up in")
    stored.add_argument("--rows", type=Path, metavar="FILE", help='JSON lines {"row", "text"}')
    stored.add_argument(
        "--backbone-uri",
        help="where the backbone is (default: where the version was trained, then HMI_BACKBONE_URI)",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the figures as one JSON object; or, of a stored version, ``{"row", "label", "scores"}`` for each
    row, in their order."""
    if args.bundle:
        require(args, ("data",))
        print(codec.to_json(figures(args)))
        return 0
    require(args, ("bundle_uri", "tree_uri", "rows"))
    rows = read_rows(args.rows)
    store = open_store(store_url(), cache_dir())
    for line in predictions(store, args, rows):
        print(json.dumps(line, ensure_ascii=False))
    return 0


def figures(args: argparse.Namespace) -> object:
    """Of the exported version, on the labelled file; raises InvalidInput for labels that it does not have."""
    import numpy as np

    from hmi.build.data import label_indices
    from hmi.build.export import open_exported
    from hmi.build.report import HeldOut, held_out_figures

    rows = read_labelled(args.data, Columns(args.text_column, args.label_column))
    model = open_exported(args.bundle)
    unknown = sorted({row.label for row in rows} - set(model.fields.labels))
    if unknown:
        raise InvalidInput(
            f"{args.data.name} has the label {unknown[0]!r}, which the version does not know", param="data"
        )
    found = model.predict([row.text for row in rows])
    truth = np.array(label_indices(rows, model.fields.labels), np.int64)
    return held_out_figures(HeldOut(found.probabilities, truth), labels=model.fields.labels, seed=SEED)


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
    from hmi.build.offline import open_offline

    default = os.environ.get("HMI_BACKBONE_URI")
    model = open_offline(
        store,
        BundleUri(args.bundle_uri),
        BundleUri(args.tree_uri),
        backbone_uri=BundleUri(args.backbone_uri) if args.backbone_uri else None,
        default_backbone_uri=BundleUri(default) if default else None,
    )
    for row, scores in zip(rows, model.scores([row.text for row in rows]), strict=True):
        yield {"row": row.row, "label": max(scores, key=scores.__getitem__), "scores": scores}
