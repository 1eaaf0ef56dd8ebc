"""The demo's held-out rows, and what the offline evaluation says of them."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.installation import Installation


def demo_test_rows(installation: Installation, report: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows that the version's report was measured on, as {"row", "text", "label"}."""
    wanted = set(report["test_rows"])
    with (installation.var / "cache" / "demo" / "bbc.csv").open(newline="", encoding="utf-8") as file:
        rows = [{"row": n, **row} for n, row in enumerate(csv.DictReader(file), start=1)]
    return [row for row in rows if row["row"] in wanted]


def offline_predictions(
    installation: Installation, rows: list[dict[str, Any]], folder: Path, *, bundle_uri: str, tree_uri: str
) -> list[dict[str, Any]]:
    """`hmi.cli evaluate` over `rows`, in their order."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "hmi.cli.main", "evaluate", "--bundle-uri", bundle_uri, "--tree-uri", tree_uri, "--rows", str(path)],
        env={"PATH": os.environ["PATH"], "HMI_STORE_URL": f"file://{installation.var / 'store'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    by_row = {p["row"]: p for p in map(json.loads, done.stdout.splitlines()) if "row" in p}
    return [by_row[row["row"]] for row in rows]
