"""The deletion ledger: copies it away, and after a restore from backup deletes again what it names."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.domains.ledger import BrokenLedger, ledger_lines, ledger_replay, ledger_take


class Command(BaseCommand):
    """See docs/operations.md, Backup."""

    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """See Django."""
        commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
        exporting = commands.add_parser("export", help="write the whole ledger to a file, in one step")
        exporting.add_argument("file", type=Path)
        replaying = commands.add_parser("replay", help="delete what stands although the ledger names it")
        replaying.add_argument(
            "file", type=Path, nargs="?", help="a copy from `export`, of lines that the backup does not have"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """See Django."""
        try:
            if options["command"] == "export":
                self.stdout.write(f"{_export(options['file'])} lines")
            else:
                self._replay(options["file"])
        except OSError as exc:
            raise CommandError(f"{options['file']}: {exc.strerror or exc}") from exc
        except (UnicodeDecodeError, BrokenLedger) as exc:
            raise CommandError(f"{options['file']}: {exc}") from exc

    def _replay(self, file: Path | None) -> None:
        if file is not None:
            with file.open(encoding="utf-8") as lines:
                self.stdout.write(f"{ledger_take(lines)} lines were not in the database")
        replay = ledger_replay()
        for name in replay.deleted:
            self.stdout.write(f"{name}: deleted again")
        self.stdout.write(f"{len(replay.deleted)} deleted again, of {replay.num_lines} lines")
        if replay.waiting:
            raise CommandError(
                f"trainings used {', '.join(replay.waiting)}; they are being cancelled: replay once more in a"
                " minute"
            )


def _export(file: Path) -> int:
    lines = list(ledger_lines())
    partial = file.with_name(file.name + ".partial")
    with partial.open("w", encoding="utf-8") as out:
        out.writelines(f"{line}\n" for line in lines)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(file)
    return len(lines)
