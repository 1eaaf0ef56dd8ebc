"""Registers the prepared backbone as the default one, and the tree of the shared domain "general"."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.catalog.services import backbone_register, general_tree_register
from portal.common.scope import operator_scope
from wire.codec import WireError, from_plain
from wire.training import PublishedBundle


class Command(BaseCommand):
    """Takes what `backbone prepare` and `plot build` of the data plane printed; may run again and again."""

    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """See Django."""
        parser.add_argument("--backbone-json", type=Path, required=True, help="output of `backbone prepare`")
        parser.add_argument("--tree-json", type=Path, required=True, help="output of `plot build`")

    def handle(self, *args: Any, **options: Any) -> None:
        """See Django."""
        backbone_result = _read(options["backbone_json"])
        tree_result = _read(options["tree_json"])
        backbone_bundle = _bundle(options["backbone_json"], backbone_result)
        tree_bundle = _bundle(options["tree_json"], tree_result)
        with operator_scope():
            backbone = backbone_register(name=Path(backbone_bundle.uri).name, bundle=backbone_bundle)
            tree = general_tree_register(
                backbone=backbone,
                bundle=tree_bundle,
                coverage={"coverage": tree_result.get("coverage"), "num_rows": tree_result.get("num_rows")},
            )
        self.stdout.write(f"backbone {backbone.uri} {backbone.digest}; general tree {tree.uri} {tree.digest}")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise CommandError(f"{path} cannot be read as JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise CommandError(f"{path} must hold one JSON object")
    return found


def _bundle(path: Path, result: dict[str, Any]) -> PublishedBundle:
    try:
        return from_plain(PublishedBundle, {name: result[name] for name in ("uri", "digest", "num_bytes")})
    except (KeyError, WireError) as exc:
        raise CommandError(f"{path} must have uri, digest and num_bytes: {exc}") from exc
