from pathlib import Path

from portal.local.browser import Browser, NoBrowser, find_browser


def _program(file: Path, body: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def test_the_machines_browser_is_found_with_its_version(tmp_path: Path) -> None:
    program = _program(tmp_path / "chromium", "echo Chromium 140.0")
    assert find_browser(path=str(tmp_path), may_install=False) == Browser(program, "Chromium 140.0")


def test_a_launcher_without_its_browser_is_passed_over(tmp_path: Path) -> None:
    _program(tmp_path / "chromium", "echo not installed >&2; exit 1")
    program = _program(tmp_path / "google-chrome", "echo Google Chrome 141.0")
    assert find_browser(path=str(tmp_path), may_install=False) == Browser(program, "Google Chrome 141.0")


def test_playwrights_download_is_found(tmp_path: Path) -> None:
    program = _program(
        tmp_path / "cache" / "chromium-1200" / "chrome-linux" / "chrome", "echo Chromium 141.0"
    )
    found = find_browser(path=str(tmp_path), playwright_folder=tmp_path / "cache", may_install=False)
    assert found == Browser(program, "Chromium 141.0")


def test_without_one_the_reason_names_what_was_tried(tmp_path: Path) -> None:
    broken = _program(tmp_path / "chromium", "exit 1")
    found = find_browser(path=str(tmp_path), playwright_folder=tmp_path / "cache", may_install=False)
    assert isinstance(found, NoBrowser)
    assert str(broken) in found.reason
