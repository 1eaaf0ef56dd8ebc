"""Files put before the doctor, and what it has made of them: findings, and the rows that it kept."""

import io
import json
from pathlib import Path
from typing import Any

from portal.common.store import ObjectStore
from portal.datasets.declared import Declared
from portal.datasets.doctor import Examination, UploadLimits, examine
from portal.datasets.findings import Finding, Fix
from portal.datasets.plan import plan_of

ROWS_URI = "rows.jsonl"
LIMITS = UploadLimits(max_bytes=50_000_000, max_rows=200_000)
ONE_LABEL = Declared()


def examined(
    folder: Path,
    data: bytes | str,
    *fixes: Fix,
    name: str = "data.csv",
    declared: Declared = ONE_LABEL,
    limits: UploadLimits = LIMITS,
) -> Examination:
    """A file as it was uploaded, with ``fixes``; its rows go to a store in ``folder``."""
    return examine(
        io.BytesIO(data.encode() if isinstance(data, str) else data),
        file_name=name,
        plan=plan_of(fixes, declared),
        limits=limits,
        store=ObjectStore(f"file://{folder}"),
        rows_uri=ROWS_URI,
    )


def kept(folder: Path) -> list[dict[str, Any]]:
    """The rows."""
    return [json.loads(line) for line in (folder / ROWS_URI).read_bytes().splitlines()]


def codes(outcome: Examination) -> list[str]:
    """Of the findings, in their order."""
    return [found.code for found in outcome.report.findings]


def finding(outcome: Examination, code: str) -> Finding:
    """The only one of a code."""
    [found] = [found for found in outcome.report.findings if found.code == code]
    return found
