"""Starting beside a running installation is refused, with what to do about it and no harm to the first."""

import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]


def _up(installation: Installation, *, var: Path, port: int) -> subprocess.CompletedProcess[str]:
    command = [str(installation.root / "hmi"), "up", "--var", str(var), "--port", str(port), "--no-demo"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def _is_up(installation: Installation) -> bool:
    return httpx.get(f"{installation.base_url}/readyz", timeout=60).status_code == 200


def test_a_second_start_says_where_the_first_one_runs(installation: Installation) -> None:
    second = _up(installation, var=installation.var, port=installation.port + 100)
    assert second.returncode == 1
    assert f"already running at {installation.base_url}, pid {installation.process.pid}" in second.stdout
    assert _is_up(installation)


def test_a_taken_port_is_named_with_the_option_that_moves_all(
    installation: Installation, tmp_path: Path
) -> None:
    second = _up(installation, var=tmp_path / "var", port=installation.port)
    assert second.returncode == 1
    assert f"port {installation.port} on 127.0.0.1, for the proxy, cannot be used" in second.stdout
    assert "--port N moves all five ports" in second.stdout
    assert not (tmp_path / "var" / "run" / "lock").exists()
    assert _is_up(installation)


def test_a_misspelt_setting_stops_the_start(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMI_THREAD", "2")
    refused = _up(installation, var=tmp_path / "var", port=installation.port + 100)
    assert refused.returncode == 2
    assert "HMI_THREAD is not a setting of HMI" in refused.stderr
    assert "HMI_THREADS" in refused.stderr


def test_the_metrics_are_not_public(installation: Installation) -> None:
    answer = httpx.get(f"{installation.base_url}/metrics", timeout=60)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    for port in (installation.port + 1, installation.port + 2):
        assert httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).status_code == 200


def test_the_shown_curl_line_works_as_it_stands(installation: Installation) -> None:
    """The demo's line is printed when it is deployed, which may be a moment after it answers."""
    lines: list[str] = []

    def printed() -> bool:
        text = installation.output.read_text()
        lines[:] = [line for line in text.splitlines() if line.startswith("curl -s http")]
        return bool(lines)

    installation.wait_until(printed, what="the curl line is printed", deadline_s=120)
    done = subprocess.run(
        ["sh", "-c", lines[-1]], capture_output=True, text=True, check=True, cwd=installation.root
    )
    assert '"label":"sport"' in done.stdout.replace(" ", "")
