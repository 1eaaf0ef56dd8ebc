"""How much memory does the upload doctor take for a file of 200 MB, and how does it grow with the file?"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.common import print_result, say
from portal.common.store import ObjectStore
from portal.datasets.declared import Declared
from portal.datasets.doctor import Examination, UploadLimits
from portal.datasets.examine_process import ExamineJob
from portal.datasets.plan import plan_of
from wire.tasks import TaskKind

AIM_MB = 100.0
NUM_WORDS = 30_000


@dataclass(frozen=True, slots=True)
class Form:
    """How a file of invented words is written."""

    file_name: str
    kind: TaskKind
    head: str
    words_a_row: int
    num_rows: int  # of about 200 MB
    row_of: Callable[[Sequence[str], int], str]


def _csv_row(words: Sequence[str], row: int) -> str:
    return f"{' '.join(words)},{'pos' if row % 2 else 'neg'}\n"


def _conll_row(words: Sequence[str], row: int) -> str:
    """A sentence with a name of two words and a date of one."""
    tags = ["O"] * len(words)
    first = row % (len(words) - 3)
    tags[first : first + 4] = ["B-NAME", "I-NAME", "O", "B-DATE"]
    return "".join(f"{word} {tag}\n" for word, tag in zip(words, tags, strict=True)) + "\n"


FORMATS = {
    "csv": Form("a.csv", TaskKind.SINGLE_LABEL, "text,label\n", 155, 190_000, _csv_row),
    "conll": Form("a.conll", TaskKind.TOKEN_CLASSIFICATION, "", 25, 850_000, _conll_row),
}
PROGRAM = """
import pathlib, sys
from portal.datasets.examine_process import main
main()
sys.stderr.write(pathlib.Path("/proc/self/status").read_text())
"""
"""The process that the platform starts, telling at its end what it had needed."""


def main() -> None:
    """A file of a twentieth, then the whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=FORMATS, default="csv")
    parser.add_argument("--rows", type=int, help="else so many that the file has about 200 MB")
    options = parser.parse_args()
    form = FORMATS[options.format]
    num_rows = options.rows or form.num_rows
    small_bytes, small_mb = _examined(form, num_rows // 20)
    whole_bytes, whole_mb = _examined(form, num_rows)
    print_result(
        {
            "benchmark": "upload_memory",
            "format": options.format,
            "rows": num_rows,
            "file_mb": round(whole_bytes / 1e6, 1),
            "peak_mb": round(whole_mb, 1),
            "aim_mb": AIM_MB,
            "small_file_mb": round(small_bytes / 1e6, 1),
            "small_peak_mb": round(small_mb, 1),
            "peak_ratio_20x": round(whole_mb / small_mb, 3),
        }
    )


def _examined(form: Form, num_rows: int) -> tuple[int, float]:
    """Bytes of a file of invented words, and the peak of the process that examined it, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        original = Path(folder) / "original"
        _write(original, form, num_rows)
        job = ExamineJob(
            store_url=f"file://{folder}",
            original_uri="original",
            rows_uri="rows.jsonl",
            file_name=form.file_name,
            plan=plan_of((), Declared(form.kind)),
            limits=UploadLimits(max_bytes=1 << 30, max_rows=10 * num_rows),
        )
        ended = subprocess.run(
            [sys.executable, "-P", "-c", PROGRAM],
            input=msgspec.json.encode(job),
            capture_output=True,
            check=True,
        )
        examination = msgspec.json.decode(ended.stdout, type=Examination)
        assert examination.report.num_rows_kept == num_rows, ended.stdout[:500]
        told = re.search(rb"VmHWM:\s+(\d+) kB", ended.stderr)
        assert told is not None, "this needs Linux's /proc"
        peak_mb = int(told[1]) * 1024 / 1e6
        num_bytes = original.stat().st_size
        assert ObjectStore(job.store_url).exists("rows.jsonl")
    say(f"{num_bytes / 1e6:.0f} MB: {peak_mb:.0f} MB")
    return num_bytes, peak_mb


def _write(file: Path, form: Form, num_rows: int) -> None:
    chance = random.Random(1)
    words = [f"w{number:05d}" for number in range(NUM_WORDS)]
    with file.open("w", encoding="utf-8") as opened:
        opened.write(form.head)
        for row in range(num_rows):
            opened.write(form.row_of(chance.choices(words, k=form.words_a_row), row))


if __name__ == "__main__":
    main()
