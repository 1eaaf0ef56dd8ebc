"""The data plane's command line: runs one command; an error is one readable line and an exit status."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from hmi.base.errors import HmiError
from wire.errors import HTTP_STATUS

COMMANDS = {
    "backbone": "hmi.cli.backbone",
    "plot": "hmi.cli.plot",
    "demo-data": "hmi.cli.demo_data",
    "train": "hmi.cli.train",
    "estimate": "hmi.cli.estimate",
    "domain": "hmi.cli.domain",
    "evaluate": "hmi.cli.evaluate",
    "predict": "hmi.cli.predict",
    "export": "hmi.cli.export",
    "import": "hmi.cli.import_adapter",
    "serve": "hmi.cli.serve",
    "simulate": "hmi.cli.simulate",
}

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_NOBODY_READS = 141


class CommandModule(Protocol):
    """One command's file: it adds its own parser, whose defaults name ``run``."""

    def add_parser(self, subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", /) -> None: ...

    def run(self, args: argparse.Namespace, /) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 for a failure, 2 for bad input."""
    # Read when torch is loaded. A training beside the service, each with all cores, would else spend much of
    # its time spinning for the other's: measured, two such processes together compute 1.2 to 1.4 times as
    # much.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Only the named command's file is imported: `train` does not pay for what the service imports.
    named = arguments[0] if arguments and arguments[0] in COMMANDS else None
    parser = argparse.ArgumentParser(prog="python -m hmi.cli", description="HMI's data plane.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    modules = {name: _load(module) for name, module in COMMANDS.items() if named is None or name == named}
    for module in modules.values():
        module.add_parser(subparsers)
    args = parser.parse_args(arguments)
    try:
        status = modules[args.command].run(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read the output has enough of it, as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in its buffer, too
        return EXIT_NOBODY_READS
    except HmiError as exc:
        print(f"hmi {args.command}: {exc}", file=sys.stderr)
        return EXIT_BAD_INPUT if is_bad_input(exc) else EXIT_FAILURE
    except KeyboardInterrupt:
        print(f"hmi {args.command}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def is_bad_input(error: HmiError) -> bool:
    """Whether the caller must change something; else the same call may succeed later."""
    return HTTP_STATUS[error.code] < 500


def _load(module: str) -> CommandModule:
    return cast(CommandModule, importlib.import_module(module))


if __name__ == "__main__":
    sys.exit(main())
