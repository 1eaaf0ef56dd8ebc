"""The digest of the data plane's code."""

import re
import subprocess
import sys
from pathlib import Path

import hmi
import wire
from hmi.base.code_digest import code_digest


def test_the_same_code_has_the_same_digest_wherever_it_lies(tmp_path: Path) -> None:
    assert re.fullmatch("[0-9a-f]{64}", code_digest())
    assert _digest_of_copy(tmp_path, "") == code_digest()


def test_a_line_more_in_either_package_is_other_code(tmp_path: Path) -> None:
    of_both = [_digest_of_copy(tmp_path / name, f"{name}/errors_of_tomorrow.py") for name in ("hmi", "wire")]
    assert len({code_digest(), *of_both}) == 3


def _digest_of_copy(root: Path, added: str) -> str:
    for package in (hmi, wire):
        source = Path(package.__path__[0])
        for path in source.rglob("*.py"):
            target = root / source.name / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    if added:
        (root / added).write_text("LINE = 1\n")
    ask = "from hmi.base.code_digest import code_digest; print(code_digest())"
    found = subprocess.run(
        [sys.executable, "-c", ask], env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=True
    )
    return found.stdout.strip()
