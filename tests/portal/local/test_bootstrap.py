"""The script ./hmi on machines that lack something: a message and an exit status, never a stack trace."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.local.folders import ROOT

SCRIPT = ROOT / "hmi"
RUN = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"


def _run(before: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script in a Python of the standard library alone, which ``before`` has made poorer still."""
    code = f"import sys; sys.argv = ['hmi', *{list(arguments)!r}]; {before}; {RUN}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        env={"PATH": "/nowhere", "HOME": "/nowhere", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_old_python_is_told_which_one_is_needed() -> None:
    done = _run("sys.version_info = (3, 9, 2, 'final', 0)", "up")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "is 3.9" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_old_python_gives_way_to_a_newer_one_of_the_machine(tmp_path: Path) -> None:
    newer = tmp_path / "python3.12"
    newer.write_text('#!/bin/sh\necho "newer: $@"\n')
    newer.chmod(0o755)
    done = _run("sys.version_info = (3, 9, 2, 'final', 0)", "up", "--port", "9000", PATH=str(tmp_path))
    assert done.stdout == f"newer: {SCRIPT} up --port 9000\n"


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_how_to_get_it(module: str, tmp_path: Path) -> None:
    done = _run(f"sys.modules[{module!r}] = None", "up", HMI_VENV=str(tmp_path / "venv"))
    assert done.returncode == 1
    assert f"lacks the module {module}" in done.stderr
    assert "-venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_too_small_a_disk_is_told_with_the_numbers(tmp_path: Path) -> None:
    small = "import shutil; shutil.disk_usage = lambda path: type('Usage', (), {'free': 3 * 2**29})"
    done = _run(small, "up", HMI_VENV=str(tmp_path / "venv"))
    assert done.returncode == 1
    assert "needs 4.0 GB the first time, and 1.5 GB are free" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = _run("pass", "up", HMI_VENV=str(tmp_path / "file" / "venv"))
    assert done.returncode == 1
    assert f"cannot make {tmp_path}/file/venv" in done.stderr
    assert "HMI_VENV names another place" in done.stderr


@pytest.mark.parametrize("command", ["status", "down", "logs"])
def test_nothing_is_installed_just_to_say_that_nothing_runs(command: str, tmp_path: Path) -> None:
    done = _run("pass", command, HMI_VENV=str(tmp_path / "venv"))
    assert (done.returncode, "not running" in done.stdout) == (3, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", [["--help"], ["help"]])
def test_help_needs_no_installation(asked: list[str], tmp_path: Path) -> None:
    done = _run("pass", *asked, HMI_VENV=str(tmp_path / "venv"))
    assert (done.returncode, "simulate" in done.stdout, done.stderr) == (0, True, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "manage", "test", "check", "bench"])
def test_help_of_a_command_needs_no_installation(command: str, tmp_path: Path) -> None:
    done = _run("pass", command, "--help", HMI_VENV=str(tmp_path / "venv"))
    assert (done.returncode, done.stdout.split()[:3], done.stderr) == (0, ["usage:", "./hmi", command], "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("train", "--data FILE"),
        ("evaluate", "--data FILE"),
        ("predict", "--data FILE"),
        ("simulate", "--zipf"),
    ],
)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_nor_does_help_of_what_runs_without_the_platform(
    command: str, told: str, option: str, tmp_path: Path
) -> None:
    done = _run("pass", command, option, HMI_VENV=str(tmp_path / "venv"))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"hmi.cli {command}" in done.stdout and told in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["up", "--prot", "9000"], ["upp"], []])
def test_nothing_is_installed_for_what_is_no_command(words: list[str], tmp_path: Path) -> None:
    done = _run("pass", *words, HMI_VENV=str(tmp_path / "venv"))
    assert (done.returncode, "usage: ./hmi" in done.stderr + done.stdout) == (2, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "settings", "problem"),
    [
        (["up", "--port", "65532"], {}, "give a number from 1 to 65531"),
        (["up"], {"HMI_PORT": "0"}, "give a number from 1 to 65531"),
        (["up", "--port", "http"], {}, "argument --port: 'http' is no number"),
        (["up", "--num-lower", "6"], {}, "give a number from 1 to 5"),
        (["up"], {"HMI_NUM_LOWER": "6"}, "give a number from 1 to 5"),
        (
            ["up"],
            {"HMI_PROT": "9000"},
            "HMI_PROT is not a setting of HMI (see docs/operations.md); did you mean HMI_PORT?",
        ),
        (["bench"], {}, "name a benchmark; there are: accuracy, "),
        (["bench", "speed"], {}, "there is no benchmark 'speed'; there are: accuracy, "),
        (["test", "tests/wire/test_absent.py::test_it"], {}, "there is no tests/wire/test_absent.py"),
        (["test", "unit", "tests/absent"], {}, "there is no tests/absent"),
    ],
)
def test_nothing_is_installed_for_what_will_be_refused(
    words: list[str], settings: dict[str, str], problem: str, tmp_path: Path
) -> None:
    """It took minutes, for a line that could be told at once."""
    done = _run("pass", *words, HMI_VENV=str(tmp_path / "venv"), **settings)
    assert problem in done.stderr.splitlines()[-1]
    assert done.returncode in (1, 2) and list(tmp_path.iterdir()) == []


def test_it_parses_with_the_syntax_of_old_pythons() -> None:
    code = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 7))"
    subprocess.run([sys.executable, "-c", code, str(SCRIPT)], check=True)


@pytest.mark.slow
def test_an_installation_that_fails_shows_pips_words_and_is_tried_again(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HMI_VENV": str(tmp_path / "venv"),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path),
    }
    for _ in range(2):
        done = subprocess.run(
            [str(SCRIPT), "up"], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "install packages failed" in done.stderr
        assert "No matching distribution found" in done.stderr
    assert "No matching distribution found" in (tmp_path / "venv" / "hmi-setup.log").read_text()
    shutil.rmtree(tmp_path / "venv")


@pytest.fixture
def silent_index() -> Iterator[socket.socket]:
    """A package index that takes connections and says nothing: pip waits for it."""
    with socket.create_server(("127.0.0.1", 0)) as index:
        index.settimeout(300)
        yield index


def _installing(index: socket.socket, venv: Path) -> subprocess.Popen[str]:
    """./hmi up, which will ask ``index`` for packages."""
    places = {"PIP_INDEX_URL": f"http://127.0.0.1:{index.getsockname()[1]}/simple", "PIP_FIND_LINKS": ""}
    environment = {
        **os.environ,
        **places,
        "HMI_VENV": str(venv),
        "PIP_NO_CACHE_DIR": "1",
        "no_proxy": "127.0.0.1",
    }
    return subprocess.Popen(
        [str(SCRIPT), "up"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_as_in_a_terminal,
    )


def _as_in_a_terminal() -> None:
    """What runs in the background of a script ignores Ctrl-C, and so would what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_installed_any_more_when_it_has_been_stopped(
    silent_index: socket.socket, tmp_path: Path, number: signal.Signals
) -> None:
    with _installing(silent_index, tmp_path / "venv") as hmi:
        connection, _address = silent_index.accept()
        with connection:
            hmi.send_signal(number)
            said = hmi.communicate(timeout=60)[1]
            connection.settimeout(60)
            while connection.recv(4096):  # until pip has ended
                pass
    if number is signal.SIGKILL:
        assert (hmi.returncode, said) == (-number, "")
    else:
        assert hmi.returncode == 128 + number
        assert said == "\nhmi: interrupted; the next start goes on from here\n"


def test_other_pythons_settings_reach_nothing_that_it_runs(tmp_path: Path) -> None:
    """A Python that only tells what it was started with stands for the virtual environment's."""
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "<$PYTHONPATH> <$PYTHONHOME> <$PYTHONWARNINGS>"\n')
    python.chmod(0o755)
    elsewhere = {"PYTHONPATH": "/elsewhere", "PYTHONHOME": "/elsewhere", "PYTHONWARNINGS": "error"}
    done = _run("pass", "status", HMI_VENV=str(tmp_path / "venv"), **elsewhere)
    assert done.stdout == "<> <> <error>\n"
