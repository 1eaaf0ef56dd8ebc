"""A store of one's own in a folder, with a backbone and a root tree: what a training without the platform
needs."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hmi.artifacts.store import Store, open_store
from hmi.cli import backbone as backbone_command
from hmi.cli import plot as plot_command
from wire.artifacts import BundleRef
from wire.ids import BundleUri

BACKBONE_URI = BundleUri("backbone")
ROOT_URI = BundleUri("trees/general")


@dataclass(frozen=True, slots=True)
class LocalStore:
    """Where a training finds what stands above it."""

    store: Store
    backbone: BundleRef
    root: BundleRef


def open_local_store(folder: Path, *, source: str, general_text: Sequence[Path]) -> LocalStore:
    """The store in ``folder``; what was prepared in it from the same inputs is kept.

    Raises AlreadyExists for a folder that was begun with other inputs.
    """
    store = open_store(folder.absolute().as_uri(), None)
    texts = ["--text", *map(str, general_text)] if general_text else []
    prepared = backbone_command.prepare(
        store, _arguments("backbone", "prepare", "--source", source, "--uri", BACKBONE_URI, *texts)
    )
    root = plot_command.build(
        store,
        _arguments(
            *("plot", "build", "--backbone-uri", prepared.uri, "--backbone-digest", prepared.digest),
            *("--tree-uri", ROOT_URI, *texts),
        ),
    )
    return LocalStore(store, BundleRef(prepared.uri, prepared.digest), BundleRef(root.uri, root.digest))


def _arguments(*words: str) -> argparse.Namespace:
    """What the command would be given, its defaults included."""
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    for command in (backbone_command, plot_command):
        command.add_parser(subparsers)
    return parser.parse_args(words)
