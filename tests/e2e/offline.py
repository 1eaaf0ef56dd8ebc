"""The rows a version's report was measured on, and what the offline evaluation says of them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.installation import Installation

PAGE_ROWS = 100


def rows_of_dataset(installation: Installation, dataset: str) -> list[dict[str, Any]]:
    """All rows, as a training reads them: {"row", "text", "label"}."""
    rows: list[dict[str, Any]] = []
    with installation.api() as api:
        while True:
            page = api.get(
                f"datasets/{dataset}/rows", params={"offset": len(rows), "limit": PAGE_ROWS}
            ).json()
            rows += page["results"]
            if len(rows) >= page["count"]:
                return rows


def offline_predictions(
    installation: Installation, training: str, rows: list[dict[str, Any]], folder: Path
) -> list[dict[str, Any]]:
    """`hmi.cli evaluate` over `rows`, in their order, with the bundles that `training` published."""
    store = installation.var / "store"
    (bundle,) = store.glob(f"tenants/*/versions/{training}")
    (tree,) = store.glob(f"tenants/*/trees/{training}")
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    options = {
        "--bundle-uri": bundle.relative_to(store),
        "--tree-uri": tree.relative_to(store),
        "--rows": path,
    }
    words = [str(word) for option in options.items() for word in option]
    done = subprocess.run(
        [sys.executable, "-m", "hmi.cli", "evaluate", *words],
        env={"PATH": os.environ["PATH"], "HMI_STORE_URL": f"file://{store}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
