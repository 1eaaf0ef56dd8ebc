"""The layout that Python's own `platform` module and the import rules depend on."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_source_roots_are_not_packages() -> None:
    for root in ("platform", "inference"):
        assert not (ROOT / root / "__init__.py").exists()


def test_the_tests_are_not_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_pythons_platform_module_is_not_shadowed_from_the_root() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import platform; print(platform.system())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_package_init_files_are_empty() -> None:
    for root in ("platform", "inference"):
        for init in (ROOT / root).rglob("__init__.py"):
            assert init.read_text() == "", init


def test_what_decides_is_imported_without_torch() -> None:
    code = (
        "import sys, hmi.plot.lookup, hmi.engine.scheduler, hmi.engine.waiting, hmi.memory.residency;"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or "torch was imported"


def test_the_wire_is_imported_with_the_standard_library_alone() -> None:
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + ['inference'];"
        "import wire.artifacts, wire.catalog, wire.codec, wire.errors, wire.ids, wire.inference,"
        " wire.settings, wire.training, wire.usage"
    )
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
