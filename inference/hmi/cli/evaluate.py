"""``evaluate``: an exported version on a labelled file, or a stored version's answers for a file of rows."""

import argparse
import json
from pathlib import Path

from hmi.base.errors import InvalidInput
from hmi.cli.store_place import cache_dir, store_url
from hmi.cli.train import require
from wire import codec

SEED = 1


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("evaluate", help="measure a version offline", description=__doc__)
    exported = parser.add_argument_group("figures of an exported version")
    exported.add_argument("--bundle", type=Path, metavar="DIR", help="folder of `train --data` or `export`")
    exported.add_argument(
        "--data", type=Path, metavar="FILE", help="labelled texts: .csv, .tsv, .jsonl, .parquet or .conll"
    )
    exported.add_argument("--text-column", default="text")
    exported.add_argument("--label-column", help="default: label, or spans")
    exported.add_argument("--label-separator", default=";")
    exported.add_argument("--pair-column", default="pair")
    stored = parser.add_argument_group("answers of a version in the store")
    stored.add_argument("--bundle-uri", help="the version's bundle in the store")
    stored.add_argument("--tree-uri", help="the tree to look up in")
    stored.add_argument("--rows", type=Path, metavar="FILE", help='JSON lines {"row", "text"}')
    stored.add_argument(
        "--backbone-uri",
        help="where the backbone is (default: where the version was trained, then HMI_BACKBONE_URI)",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the figures as one JSON object; or, of a stored version, ``{"row", ...}`` with its answer to
    each row, in their order."""
    if not (args.bundle_uri or args.tree_uri or args.rows):
        require(args, ("bundle", "data"))
        print(codec.to_json(figures(args)))
        return 0
    require(args, ("bundle_uri", "tree_uri", "rows"))
    # Only here: --help needs no package.
    from hmi.artifacts.store import open_store
    from hmi.build.json_lines import read_json_lines
    from hmi.cli.stored_answers import Row, predictions

    rows = read_json_lines(args.rows, Row, param="rows")
    store = open_store(store_url(), cache_dir())
    for line in predictions(store, args, rows):
        print(json.dumps(line, ensure_ascii=False))
    return 0


def figures(args: argparse.Namespace) -> object:
    """Of the exported version, on the labelled file; raises InvalidInput for labels that it does not have."""
    from hmi.build.export import open_exported
    from hmi.build.kinds.chosen import training_kind
    from hmi.build.kinds.learning import Evaluated, fitted_head
    from hmi.cli.text_files import columns_of, read_labelled

    model = open_exported(args.bundle)
    fields = model.fields
    kind = training_kind(fields.kind, fields.labels)
    columns = columns_of(args)
    rows = read_labelled(args.data, columns, fields.kind)
    for row in rows:
        problem = kind.problem(row)
        if problem is not None:
            unknown = next((one for one in row.label_names if one not in fields.labels), None)
            if unknown is not None:
                problem = f"it has the label {unknown!r}, which the version does not know"
            raise InvalidInput(f"{args.data.name}, row {row.row}: {problem}", param="data")
    encoded = model.encode([row.input for row in rows])
    found = model.predict(encoded)
    return kind.figures(
        Evaluated(
            rows=rows,
            encoded=encoded,
            outputs=found.outputs,
            targets=kind.targets(rows, encoded),
            train_targets=None,
            row_coverage=found.row_coverage,
            fitted=fitted_head(model.head, fields),
            seed=SEED,
        )
    )
