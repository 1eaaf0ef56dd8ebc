"""Importing PLOT costs no compilation."""

import subprocess
import sys

PROGRAM = """
import hmi.plot.tree, hmi.plot.lookup, hmi.plot.coverage
from hmi.plot import kernels
compiled = [f for f in vars(kernels).values() if hasattr(f, "signatures")]
print(len(compiled), sum(len(f.signatures) for f in compiled))
"""


def test_nothing_is_compiled_on_import() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    num_kernels, num_compiled = map(int, result.stdout.split())
    assert num_kernels > 5
    assert num_compiled == 0
