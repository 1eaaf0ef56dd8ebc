"""A stored version's answers for a file of rows."""

import argparse
import os
from collections.abc import Iterable

import msgspec

from hmi.artifacts.store import Store
from hmi.build.offline import open_offline
from wire import codec
from wire.ids import BundleUri


class Row(msgspec.Struct):
    """A row to predict; other fields, such as the label, are not looked at."""

    row: int
    text: str
    pair: str | None = None


def predictions(store: Store, args: argparse.Namespace, rows: list[Row]) -> Iterable[dict[str, object]]:
    """The answers, each ``{"row", ...}`` with the fields of wire.inference.Answer."""
    default = os.environ.get("HMI_BACKBONE_URI")
    model = open_offline(
        store,
        BundleUri(args.bundle_uri),
        BundleUri(args.tree_uri),
        backbone_uri=BundleUri(args.backbone_uri) if args.backbone_uri else None,
        default_backbone_uri=BundleUri(default) if default else None,
    )
    texts = [row.text if row.pair is None else (row.text, row.pair) for row in rows]
    for row, answer in zip(rows, model.answers(texts), strict=True):
        yield {"row": row.row, **codec.to_plain(answer)}
