"""What a training is reckoned to take of memory."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmi.build.planned_memory import KEPT_BYTES, SUMMED_BYTES, planned_bytes
from tests.tiny.backbone import make_tiny_backbone

MIB = 1 << 20
PROGRAM = """
import json, mmap, sys
from hmi.build.planned_memory import planned_bytes
from wire.artifacts import BackboneFields

fields = BackboneFields("tiny", "bert", 8, 2, 1, 2, 16, 16, 10, "")
said = []
def say(): said.append(planned_bytes(fields, 0, max_build_bytes=0))
say()
with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
    assert sum(mapped[place] for place in range(0, len(mapped), 4096)) == 0
    say()
    taken = b"1" * (200 << 20)
    say()
    del taken
    say()
print(json.dumps(said))
"""


def test_beside_what_the_probe_took_it_has_the_lower_layers_and_what_grows_with_the_dataset(
    tmp_path: Path,
) -> None:
    fields = make_tiny_backbone(tmp_path).fields
    none = planned_bytes(fields, 0, max_build_bytes=MIB)
    wide = replace(fields, hidden=4096, intermediate=4096, num_lower=1)
    weights = 4 * 4 * 6 * 4096 * 4096  # float32
    assert planned_bytes(wide, 0, max_build_bytes=MIB) - none == pytest.approx(weights / 4, rel=0.1)
    few, many = (planned_bytes(fields, tokens, max_build_bytes=MIB) - none for tokens in (10, 1_000_000))
    assert few == pytest.approx(10 * (SUMMED_BYTES + KEPT_BYTES), abs=MIB)
    assert many == pytest.approx(MIB + 1_000_000 * KEPT_BYTES, abs=MIB), "other sums wait on disk"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say what is mapped")
def test_it_counts_what_was_given_back_since_and_no_mapped_files(tmp_path: Path) -> None:
    file = tmp_path / "mapped"
    file.write_bytes(bytes(200 * MIB))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file)], capture_output=True, text=True, check=True
    )
    before, with_file, with_taken, since = json.loads(done.stdout)
    assert with_file - before < 50 * MIB
    assert 150 * MIB < with_taken - before < 250 * MIB
    assert since > with_taken - 50 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say it of the program alone")
def test_it_counts_nothing_of_the_process_that_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "mapped")]
    (tmp_path / "mapped").write_bytes(bytes(MIB))
    alone = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)[0]
    held = np.ones(1000 * MIB, np.uint8)
    beside = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)[0]
    assert held.all()
    assert beside == pytest.approx(alone, abs=50 * MIB)
