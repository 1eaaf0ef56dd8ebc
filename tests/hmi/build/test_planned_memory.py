"""What a training is reckoned to take of memory."""

import resource
import sys
from dataclasses import replace
from pathlib import Path

from hmi.build.planned_memory import KEPT_BYTES, SUMMED_BYTES, planned_bytes
from tests.tiny.backbone import make_tiny_backbone

MIB = 1 << 20


def test_it_is_what_the_probe_took_the_lower_layers_and_what_grows_with_the_dataset(tmp_path: Path) -> None:
    fields = make_tiny_backbone(tmp_path).fields
    took = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    none = planned_bytes(fields, 0, max_build_bytes=MIB)
    assert took <= none < took + 64 * MIB
    deeper = planned_bytes(replace(fields, num_lower=fields.num_lower + 1), 0, max_build_bytes=MIB)
    assert deeper > none
    few = planned_bytes(fields, 10, max_build_bytes=MIB)
    assert few - none == 10 * (SUMMED_BYTES + KEPT_BYTES)
    many = planned_bytes(fields, 1_000_000, max_build_bytes=MIB)
    assert many - none == MIB + 1_000_000 * KEPT_BYTES, "the sums that do not fit wait on disk"
