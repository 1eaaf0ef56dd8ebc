"""The commands of ./hmi, run by it inside the virtual environment."""

import argparse
import dataclasses
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from portal.local import depth
from portal.local.checks import check
from portal.local.console import Console, ConsoleHandler
from portal.local.control import down, logs, manage, running, table
from portal.local.develop import bench, simulate, test
from portal.local.errors import InstallationError
from portal.local.folders import ROOT, Folders
from portal.local.options import UpOptions
from portal.local.ports import Ports
from portal.local.up import up

NOT_RUNNING = 3  # as service managers answer


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = _parse(argv)
    console = Console()
    logging.basicConfig(handlers=[ConsoleHandler(console)], format="%(message)s")
    try:
        return _run(arguments, console)
    except InstallationError as exc:
        console.say(f"hmi: {exc}")
        return 1
    except KeyboardInterrupt:
        return 130


def _run(arguments: argparse.Namespace, console: Console) -> int:
    folders = Folders(Path(arguments.var).expanduser().absolute())
    match arguments.command:
        case "up":
            options = UpOptions(
                folders, Ports(arguments.port), arguments.host, not arguments.no_demo, arguments.num_lower
            )
            up(options, console)
        case "down":
            console.say(down(folders))
        case "status":
            record = running(folders)
            if record is None:
                console.say("HMI is not running.")
                return NOT_RUNNING
            console.say(json.dumps(dataclasses.asdict(record)) if arguments.json else table(record))
        case "logs":
            logs(folders, arguments.name, follow=arguments.follow)
        case "manage":
            return manage(folders, arguments.arguments)
        case "test":
            return test(arguments.arguments, console)
        case "check":
            return check(console)
        case "bench":
            return bench(arguments.name, arguments.arguments)
        case "simulate":
            return simulate(arguments.arguments)
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./hmi", description="HMI: installs, runs, checks and measures itself."
    )
    parser.add_argument("--var", default=os.environ.get("HMI_VAR", str(ROOT / "var")), help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    starting = commands.add_parser("up", help="start everything; Ctrl-C stops it")
    starting.add_argument(
        "--port",
        type=int,
        default=os.environ.get("HMI_PORT", "8400"),
        help="first of five consecutive ports (8400; HMI_PORT)",
    )
    starting.add_argument(
        "--host",
        default=os.environ.get("HMI_HOST", "127.0.0.1"),
        help="address to listen on (127.0.0.1; HMI_HOST)",
    )
    starting.add_argument(
        "--num-lower",
        default=os.environ.get(depth.SETTING, ""),
        metavar="N",
        help=f"layers that PLOT replaces, when an installation is made ({depth.DEFAULT_NUM_LOWER}; "
        f"{depth.SETTING})",
    )
    starting.add_argument(
        "--no-demo", action="store_true", help="without the tenant 'demo' and its BBC news task"
    )
    stopping = commands.add_parser("down", help="stop a running installation")
    showing = commands.add_parser("status", help="what runs; exit status 3 when nothing does")
    showing.add_argument("--json", action="store_true", help="for programs")
    reading = commands.add_parser("logs", help="the last lines of the logs")
    reading.add_argument("name", nargs="?", help="one of them: service, portal, worker, ...")
    reading.add_argument("-f", "--follow", action="store_true", help="go on as lines are added")
    managing = commands.add_parser(
        "manage", help="a command of manage.py on what runs: domains, deletions, ..."
    )
    managing.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to it")
    for command in (starting, stopping, showing, reading, managing):
        command.add_argument("--var", default=argparse.SUPPRESS, help="folder of all data (var; HMI_VAR)")

    testing = commands.add_parser("test", help="check, then every test ('unit': only the quick ones)")
    testing.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to pytest")
    commands.add_parser("check", help="format, lint, types, imports, dead code, drift of schemas")
    measuring = commands.add_parser("bench", help="run benchmarks/NAME.py; its last line is one JSON object")
    measuring.add_argument("name", nargs="?")
    measuring.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to the benchmark")
    commands.add_parser(
        "simulate", add_help=False, help="what the scheduler would do with a load and a device"
    )
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command == "simulate":
        arguments.arguments = rest  # options of another program, which argparse.REMAINDER does not take first
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
