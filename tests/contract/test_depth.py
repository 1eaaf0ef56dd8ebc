"""Both planes, and the compose file's script, look as many layers up by default, and what ships fits it."""

from pathlib import Path

from hmi.build.backbone_source import SETTLED_DEPTHS, default_num_lower, find_source, shipped_calibration
from portal.local.depth import DEFAULT_NUM_LOWER
from portal.local.folders import ROOT
from portal.local.installation import BACKBONE_SOURCE


def test_the_default_depth_is_what_was_settled_for_the_backbone() -> None:
    assert SETTLED_DEPTHS[BACKBONE_SOURCE] == DEFAULT_NUM_LOWER
    script = Path(ROOT, "docker", "prepare-knowledge.sh").read_text()
    assert f'depth="${{HMI_NUM_LOWER:-{DEFAULT_NUM_LOWER}}}"' in script


def test_calibrated_layers_ship_for_the_default_depth_and_for_half() -> None:
    source = find_source(BACKBONE_SOURCE)
    assert default_num_lower(source) == DEFAULT_NUM_LOWER
    assert shipped_calibration(source, DEFAULT_NUM_LOWER) is not None
    assert shipped_calibration(source, 3) is not None
    assert shipped_calibration(source, 4) is None
