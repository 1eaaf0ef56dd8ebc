from pathlib import Path

from portal.local.frontend_build import sources_digest


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
