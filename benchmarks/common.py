"""What benchmarks share: the data that is here, the machine they run on, the JSON object they end with."""

import csv
import gzip
import json
import os
import platform
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import torch

from hmi.base.compute_type import ComputeType
from hmi.base.errors import HmiError
from hmi.build.data import LabelledRow
from hmi.cli.demo_data import bbc_rows
from hmi.model.compute_type import compute_dtype

CSV_TASKS = {
    "movie": "movie_review_sentiment.csv",
    "amazon": "amazon_review_sentiment.csv",
    "drug": "drug_review_rating.csv",
}
TASKS = ("bbc", *CSV_TASKS)
GENERAL_TEXT = "general_text.jsonl.gz"
SHUFFLE_SEED = 1
TEST_SHARE, VALIDATION_SHARE = 0.15, 0.10


@dataclass(frozen=True, slots=True)
class BenchTask:
    """One labelled dataset, shuffled with seed 1: the last 15% test, the 10% before them validate."""

    name: str
    rows: tuple[LabelledRow, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({row.label for row in self.rows}))

    @property
    def num_test(self) -> int:
        return round(TEST_SHARE * len(self.rows))

    @property
    def num_validation(self) -> int:
        return round(VALIDATION_SHARE * len(self.rows))


def say(line: str) -> None:
    """A line for people; the result's line comes last."""
    print(line, flush=True)


def print_result(result: dict[str, Any]) -> None:
    """The benchmark's answer: one JSON object, the last line."""
    print(json.dumps({**result, "machine": machine()}), flush=True)


def device() -> torch.device:
    """HMI_DEVICE, which the service that is measured reads as well."""
    return torch.device(os.environ.get("HMI_DEVICE", "cpu"))


def default_dtype() -> torch.dtype:
    """That the service computes in on device(), unless told otherwise."""
    return compute_dtype(ComputeType.AUTO, str(device()))


def machine() -> dict[str, Any]:
    """What figures depend on, besides the code."""
    return {
        "device": torch.cuda.get_device_name() if device().type == "cuda" else str(device()),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }


def data_folder() -> Path | None:
    """HMI_BENCH_DATA, or None, said so, when it is not set or not there."""
    name = os.environ.get("HMI_BENCH_DATA")
    if not name:
        say("HMI_BENCH_DATA is not set: only data that came with packages is used")
        return None
    if not Path(name).is_dir():
        say(f"HMI_BENCH_DATA: {name} is no folder: only data that came with packages is used")
        return None
    return Path(name)


def read_task(name: str) -> BenchTask | None:
    """The task's rows, or None, said so, when its data is absent."""
    rows = _bbc() if name == "bbc" else _csv(name)
    if rows is None:
        return None
    random.Random(SHUFFLE_SEED).shuffle(rows)
    return BenchTask(name, tuple(rows))


def general_texts(max_characters: int) -> Iterator[str]:
    """The first plain English texts of the data folder; none where they are absent."""
    folder = data_folder()
    path = folder / GENERAL_TEXT if folder else None
    if path is None or not path.is_file():
        say(f"{GENERAL_TEXT} is absent: the root has isolated rows alone")
        return
    num_characters = 0
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            text = str(json.loads(line)["text"])
            num_characters += len(text)
            if num_characters > max_characters:
                return
            yield text


def _bbc() -> list[LabelledRow] | None:
    try:
        return bbc_rows()
    except HmiError as exc:
        say(f"bbc is skipped: {exc.message}")
        return None


def _csv(name: str) -> list[LabelledRow] | None:
    folder = data_folder()
    path = folder / CSV_TASKS[name] if folder else None
    if path is None or not path.is_file():
        say(f"{name} is skipped: {CSV_TASKS[name]} is absent")
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    return [LabelledRow(number, text, label) for number, (text, label) in enumerate(rows, start=1)]


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
