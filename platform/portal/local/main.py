"""The commands of ./hmi, run by it inside the virtual environment."""

import argparse
import dataclasses
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from portal.local.checks import check
from portal.local.commands import OF_THE_DATA_PLANE, parse
from portal.local.console import Console, ConsoleHandler
from portal.local.control import down, logs, manage, running, table
from portal.local.develop import bench, data_plane, test
from portal.local.environment import forget_other_servers
from portal.local.errors import InstallationError
from portal.local.folders import Folders
from portal.local.options import UpOptions
from portal.local.plot_build import PlotOptions, plot_build
from portal.local.stop_signals import heed_signals
from portal.local.up import up

NOT_RUNNING = 3  # as service managers answer


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = parse(sys.argv[1:] if argv is None else argv)
    console = Console()
    logging.basicConfig(handlers=[ConsoleHandler(console)], format="%(message)s")
    try:
        heed_signals()
        return _run(arguments, console)
    except InstallationError as exc:
        console.say(f"hmi: {exc}")
        return 1
    except BrokenPipeError:  # whoever read has seen enough
        return 1
    except OSError as exc:  # a full disk, a folder that is closed to us
        console.say(f"hmi: {exc.filename or 'a file'}: {exc.strerror or exc}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        _forget_what_nobody_reads()


def _run(arguments: argparse.Namespace, console: Console) -> int:
    forget_other_servers(os.environ)
    folders = Folders(Path(arguments.var).expanduser().absolute())
    match arguments.command:
        case "up":
            options = UpOptions(
                folders, arguments.port, arguments.host, not arguments.no_demo, arguments.num_lower
            )
            up(options, console)
        case "down":
            console.say(down(folders))
        case "status":
            record = running(folders)
            if record is None:
                console.say("HMI is not running: ./hmi up starts it.")
                return NOT_RUNNING
            console.say(json.dumps(dataclasses.asdict(record)) if arguments.json else table(record))
        case "logs":
            logs(folders, arguments.name, follow=arguments.follow)
        case "manage":
            return manage(folders, arguments.arguments)
        case "plot":
            plot_build(folders, _plot_options(arguments), console)
        case "test":
            return test(arguments.arguments, console)
        case "check":
            return check(console)
        case "bench":
            return bench(arguments.name, arguments.arguments)
        case command if command in OF_THE_DATA_PLANE:
            return data_plane(command, arguments.arguments)
    return 0


def _forget_what_nobody_reads() -> None:
    """Drop the rest of our output where nobody takes it: Python would try once more, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plot_options(arguments: argparse.Namespace) -> PlotOptions:
    return PlotOptions(
        domain=arguments.domain,
        texts=tuple(Path(text).expanduser().absolute() for text in arguments.text),
        only=arguments.only,
        max_node_mb=arguments.max_node_mb,
        max_memory_mb=arguments.max_memory_mb,
        as_json=arguments.json,
    )


if __name__ == "__main__":
    sys.exit(main())
