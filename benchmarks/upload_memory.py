"""How much memory does the upload doctor take for a CSV of 200 MB, and how does it grow with the file?"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from benchmarks.common import print_result, say
from portal.common.store import ObjectStore
from portal.datasets.declared import Declared
from portal.datasets.doctor import Examination, UploadLimits
from portal.datasets.examine_process import ExamineJob
from portal.datasets.plan import plan_of

AIM_MB = 100.0
WORDS_A_ROW = 155
NUM_WORDS = 30_000
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
    parser.add_argument("--rows", type=int, default=190_000, help="of about 1.1 kB each")
    options = parser.parse_args()
    small_bytes, small_mb = _examined(options.rows // 20)
    whole_bytes, whole_mb = _examined(options.rows)
    print_result(
        {
            "benchmark": "upload_memory",
            "file_mb": round(whole_bytes / 1e6, 1),
            "peak_mb": round(whole_mb, 1),
            "aim_mb": AIM_MB,
            "small_file_mb": round(small_bytes / 1e6, 1),
            "small_peak_mb": round(small_mb, 1),
            "peak_ratio_20x": round(whole_mb / small_mb, 3),
        }
    )


def _examined(num_rows: int) -> tuple[int, float]:
    """Bytes of a file of invented words, and the peak of the process that examined it, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        original = Path(folder) / "original"
        _write(original, num_rows)
        job = ExamineJob(
            store_url=f"file://{folder}",
            original_uri="original",
            rows_uri="rows.jsonl",
            file_name="a.csv",
            plan=plan_of((), Declared()),
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


def _write(file: Path, num_rows: int) -> None:
    chance = random.Random(1)
    words = [f"w{number:05d}" for number in range(NUM_WORDS)]
    with file.open("w", encoding="utf-8") as opened:
        opened.write("text,label\n")
        for row in range(num_rows):
            text = " ".join(chance.choices(words, k=WORDS_A_ROW))
            opened.write(f"{text},{'pos' if row % 2 else 'neg'}\n")


if __name__ == "__main__":
    main()
