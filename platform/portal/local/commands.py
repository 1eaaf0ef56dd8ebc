"""The commands of ./hmi and their options: standard library only, so that help needs no installation."""

import argparse
import os
from collections.abc import Sequence
from typing import TypeAlias

from portal.local import depth
from portal.local.errors import InstallationError
from portal.local.folders import ROOT
from portal.local.ports import Ports
from wire.settings import refuse_unknown

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

OF_THE_DATA_PLANE = {
    "train": "a model from a labelled file, without the platform: --data FILE --domain NAME --out DIR",
    "evaluate": "such a model on a labelled file: --bundle DIR --data FILE",
    "predict": "with such a model: --bundle DIR --data FILE",
    "simulate": "what the scheduler would do with a load and a device",
}
"""Commands that python -m hmi.cli has, by what they do."""
BENCHMARKS = ROOT / "benchmarks"
NOTES = """\
./hmi COMMAND --help tells the options. Packages go to .venv (or HMI_VENV), data to var (or HMI_VAR, --var).
The environment reaches pip and npm untouched: PIP_INDEX_URL, PIP_FIND_LINKS and the like work as always.
"""


BUILD = """\
Reads any amount of text, shows how far it is and how long it takes, and goes on where it was when it was
stopped or killed and the same command is given again.

general      a new tree of the general domain is made of the demo's text, what HMI_GENERAL_TEXT names, and
             all text given so. On an installation that runs it is registered at once: the domains are made
             anew on it in the background, one by one, and the service swaps tree by tree and drops no
             request. On one that is stopped, the next ./hmi up registers it.
another      the text is counted for the shared domain SLUG, whose next update takes it up. HMI must run.
"""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """What ``argv`` asks for; ends the program where that is help, or no command of ours."""
    parser = _make_parser()
    if not argv or argv[0] == "help":
        parser.print_help()
        parser.exit(0 if argv else 2)
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command in OF_THE_DATA_PLANE or arguments.command == "test":
        arguments.arguments = rest  # options of another program, which argparse.REMAINDER does not take first
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    problem = _problem_with(arguments)
    if problem:
        parser.error(problem)
    return arguments


def _problem_with(arguments: argparse.Namespace) -> str:
    """What need not be installed, or checked for minutes, to be told; "" where there is nothing of it."""
    if arguments.command == "bench" and not (BENCHMARKS / f"{arguments.name}.py").is_file():
        scripts = [file for file in BENCHMARKS.glob("*.py") if "__main__" in file.read_text(encoding="utf-8")]
        name = arguments.name
        problem = "name a benchmark" if name is None else f"there is no benchmark {name!r}"
        return f"{problem}; there are: {', '.join(sorted(file.stem for file in scripts)) or 'none yet'}"
    if arguments.command == "up":
        try:
            refuse_unknown(os.environ)
        except ValueError as exc:
            return str(exc)
    if arguments.command == "test":
        absent = [file for file in _test_files(arguments.arguments) if not (ROOT / file).exists()]
        if absent:
            return f"there is no {absent[0]} in {ROOT}, where tests are named from"
    return ""


def _test_files(arguments: Sequence[str]) -> list[str]:
    """Those of pytest's ``arguments`` that name files; what follows an option may be its value."""
    named = [
        word.partition("::")[0]
        for before, word in zip(["", *arguments], arguments, strict=False)
        if not before.startswith("-") and not word.startswith("-")
    ]
    return [word for word in named if "/" in word or word.endswith(".py")]


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./hmi",
        description="HMI: installs, runs, checks and measures itself.",
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--var", default=os.environ.get("HMI_VAR") or str(ROOT / "var"), help=argparse.SUPPRESS
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_up(commands)
    _add_control(commands)
    _add_plot(commands)
    _add_development(commands)
    return parser


def _add_up(commands: Commands) -> None:
    up = commands.add_parser("up", help="install what is missing, start everything; Ctrl-C stops it")
    up.add_argument(
        "--port",
        type=_ports,
        default=os.environ.get("HMI_PORT") or "8400",
        help="first of five consecutive ports (8400; HMI_PORT)",
    )
    up.add_argument(
        "--host",
        default=os.environ.get("HMI_HOST") or "127.0.0.1",
        help="address to listen on (127.0.0.1; HMI_HOST)",
    )
    up.add_argument(
        "--num-lower",
        type=_depth,
        default=os.environ.get(depth.SETTING, ""),
        metavar="N",
        help=f"layers that PLOT replaces, when an installation is made ({depth.DEFAULT_NUM_LOWER}; "
        f"{depth.SETTING})",
    )
    up.add_argument("--no-demo", action="store_true", help="without the tenant 'demo' and its BBC news task")
    _add_var(up)


def _ports(text: str) -> Ports:
    try:
        return Ports(int(text))
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from exc
    except InstallationError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _depth(text: str) -> str:
    try:
        return depth.checked(text)
    except InstallationError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _add_control(commands: Commands) -> None:
    """What can be done about an installation from another terminal."""
    down = commands.add_parser("down", help="stop a running installation")
    _add_var(down)

    status = commands.add_parser("status", help="what runs; exit status 3 when nothing does")
    status.add_argument("--json", action="store_true", help="for programs")
    _add_var(status)

    logs = commands.add_parser("logs", help="the last lines of the logs")
    logs.add_argument("name", nargs="?", help="one of them: service, portal, worker, ...")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as lines are added")
    _add_var(logs)

    manage = commands.add_parser(
        "manage", help="a command of manage.py on what runs: domains, deletions, ..."
    )
    manage.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to it")
    _add_var(manage)


def _add_plot(commands: Commands) -> None:
    plot = commands.add_parser("plot", help="what PLOT learns from your own text")
    actions = plot.add_subparsers(dest="action", required=True, metavar="ACTION")
    build = actions.add_parser(
        "build",
        help="let the general domain, or a shared one, learn from text",
        description=BUILD,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build.add_argument(
        "--domain", default="general", metavar="SLUG", help="general (the default), or a shared domain"
    )
    build.add_argument(
        "--text",
        nargs="+",
        action="extend",
        required=True,
        metavar="PATH",
        help="folders, or files: .txt (paragraphs), .jsonl, .jsonl.gz, .csv, .parquet (their field 'text')",
    )
    build.add_argument(
        "--only",
        action="store_true",
        help="general: without the text that earlier commands gave (else it is read again, and stays)",
    )
    build.add_argument(
        "--max-node-mb", type=int, metavar="MB", help="general: what its table may take (no bound)"
    )
    build.add_argument(
        "--max-memory-mb", type=int, metavar="MB", help="general: memory for what is not yet on disk (512)"
    )
    build.add_argument("--json", action="store_true", help="progress (with eta_s) and result as JSON lines")
    _add_var(build)


def _add_var(command: argparse.ArgumentParser) -> None:
    command.add_argument("--var", default=argparse.SUPPRESS, help="folder of all data (var; HMI_VAR)")


def _add_development(commands: Commands) -> None:
    commands.add_parser(
        "test",
        usage="./hmi test [-h] [unit] [ARGUMENT ...]",
        help="check, then every test ('unit': only the quick ones)",
        description="The checks, then every test, or pytest with the arguments ('unit': quick tests alone).",
    )

    commands.add_parser("check", help="format, lint, types, imports, dead code, drift of schemas")

    bench = commands.add_parser("bench", help="run benchmarks/NAME.py; its last line is one JSON object")
    bench.add_argument("name", nargs="?")
    bench.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to the benchmark")

    for name, words in OF_THE_DATA_PLANE.items():
        commands.add_parser(name, add_help=False, help=words)
