"""A third method of adapters is one folder, its line in methods.py and its row in wire: then it does all that
the others do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINE = """
from hmi.model.adapters.rslora.method import RSLORA

METHODS = {**METHODS, RSLORA.name: RSLORA}
"""
ROW = """
METHODS = {
    **METHODS,
    "rslora": MethodFacts(
        name="rslora",
        label="rsLoRA",
        rank_label="Rank",
        has_alpha=True,
        library="peft",
        files=("rslora.safetensors",),
        needs_manifest=True,
    ),
}
"""
OF_ITS = "rslora or all_methods or all_that_a_recipe"
WHAT_ALL_METHODS_DO = (
    "tests/hmi/model/test_adapter_methods.py",  # learns, serves in mixed batches, is kept, opened, refused
    "tests/hmi/model/test_training_layers.py",
    "tests/hmi/model/test_packed_file.py",
    "tests/hmi/model/test_adapter_bank.py",
    "tests/hmi/build/test_adapter_methods.py",  # archives, the library's states
    "tests/hmi/build/test_train_job.py",  # a whole training
    "tests/hmi/engine/test_mixed_batches.py",
    "tests/contract/test_taken_adapter.py",  # taken away by the portal, and brought again
)


@pytest.mark.slow
def test_a_third_method_does_all_that_the_others_do(tmp_path: Path) -> None:
    for part in ("inference", "platform", "tests"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    adapters = tmp_path / "inference/hmi/model/adapters"
    (adapters / "rslora").mkdir()
    (adapters / "rslora/__init__.py").touch()
    shutil.copy(ROOT / "tests/tiny/methods/rslora.py", adapters / "rslora/method.py")
    for path, added in ((adapters / "methods.py", LINE), (tmp_path / "inference/wire/training.py", ROW)):
        path.write_text(path.read_text() + added)
    places = (tmp_path / "inference", tmp_path / "platform", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", OF_ITS, *WHAT_ALL_METHODS_DO],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
