import os
import shutil
import subprocess
from pathlib import Path

import pytest

from portal.local.frontend_build import FRONTEND, sources_digest
from portal.local.node import find_node


def _frontend(folder: Path) -> Path:
    for name in ("package.json", "src/main.tsx", "node_modules/react/index.js", "dist/index.html"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_a_changed_or_added_source_asks_for_a_new_build(tmp_path: Path) -> None:
    frontend = _frontend(tmp_path)
    seen = {sources_digest(frontend)}
    (frontend / "src" / "main.tsx").write_text("changed")
    seen.add(sources_digest(frontend))
    (frontend / "src" / "other.tsx").touch()
    seen.add(sources_digest(frontend))
    assert len(seen) == 3


def test_what_the_build_makes_and_what_npm_installs_do_not_count(tmp_path: Path) -> None:
    frontend = _frontend(tmp_path)
    before = sources_digest(frontend)
    (frontend / "dist" / "index.html").write_text("built again")
    (frontend / "node_modules" / "react" / "index.js").write_text("another version")
    assert sources_digest(frontend) == before


@pytest.mark.slow
@pytest.mark.skipif(not (FRONTEND / "node_modules").exists(), reason="./hmi test installs its packages first")
def test_the_folder_may_have_any_name(tmp_path: Path) -> None:
    frontend, node = tmp_path / "größer & 100% neu" / "frontend", find_node()
    shutil.copytree(FRONTEND, frontend, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (frontend / "node_modules").symlink_to(FRONTEND / "node_modules")
    build = [str(node.npm), "run", "build"]
    environment = node.environment(os.environ)
    done = subprocess.run(build, cwd=frontend, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (frontend / "dist" / "index.html").exists()
