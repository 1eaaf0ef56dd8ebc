"""``plot build``: learns a node of the PLOT tree from the operator's text and publishes the tree."""

import argparse
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hmi.artifacts.store import Store, open_store
from hmi.base.errors import AlreadyExists, BundleBroken, InvalidInput
from hmi.build.build_folder import build_folder
from hmi.build.operator_text import TextsReadAnew, find_text_files, read_texts, texts_sha256
from hmi.cli import plot_segment
from hmi.cli.progress import progress_for
from hmi.cli.store_place import cache_dir, store_url
from hmi.plot.counting import MAX_BYTES, Work
from hmi.plot.coverage import HeldOutCoverage
from hmi.plot.node_budget import KeepBy, NodeBudget
from hmi.plot.tree import PlotTree, open_tree
from wire import codec
from wire.domains import NODE_RULES
from wire.ids import BundleUri, Digest

MAX_WINDOWS = 2
WINDOW_TOKENS = 128


@dataclass(frozen=True, slots=True)
class BuiltTree:
    """The command's answer."""

    uri: BundleUri
    digest: Digest
    num_bytes: int  # of the new node's table and isolated rows
    coverage: HeldOutCoverage
    num_rows: dict[str, int]  # rung -> rows of the new node
    num_tokens: int  # counted
    num_texts: int  # given
    num_repeated: int  # of them, equal to another
    num_above: int  # of them, counted at a node above


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What a tree is made from. Written beside it: a bundle's digest covers content alone."""

    domain: str
    backbone: Digest
    parent: Digest | None
    texts_sha256: str
    window_tokens: int
    max_windows: int
    budget: NodeBudget | None = None


@dataclass(frozen=True, slots=True)
class _Record:
    inputs: _Inputs
    built: BuiltTree


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``plot`` and its action."""
    plot = subparsers.add_parser("plot", help="the tree of n-gram tables")
    actions = plot.add_subparsers(dest="action", required=True, metavar="ACTION")
    build = actions.add_parser(
        "build", help="learn a node from text and publish its tree", description=__doc__
    )
    _add_inputs(build)
    _add_bounds(build)
    build.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="where a killed build goes on when the same command is given again (default: a folder named for "
        "the build, in HMI_CACHE_DIR or the folder for temporary files)",
    )
    build.add_argument("--json", action="store_true", help="progress as JSON lines on stdout")
    plot_segment.add_action(actions)


def _add_inputs(build: argparse.ArgumentParser) -> None:
    build.add_argument("--domain", default="general", help="name of the node (default: general)")
    build.add_argument("--backbone-uri", required=True)
    build.add_argument("--backbone-digest", required=True)
    build.add_argument(
        "--parent-uri", help="tree to put the node under (default: none, the node is the root)"
    )
    build.add_argument("--parent-digest")
    build.add_argument(
        "--text",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="files or folders of text: .txt, .jsonl, .jsonl.gz, .csv, .parquet",
    )
    build.add_argument("--tree-uri", required=True, help="place in the store, for example trees/general")


def _add_bounds(build: argparse.ArgumentParser) -> None:
    build.add_argument(
        "--max-windows",
        type=int,
        default=MAX_WINDOWS,
        help=f"windows of {WINDOW_TOKENS} tokens that are counted of each text (default: {MAX_WINDOWS})",
    )
    build.add_argument(
        "--max-node-mb",
        type=int,
        help="what the node's table may take, in MiB; rows beyond are left out (default: no bound)",
    )
    build.add_argument(
        "--keep-by",
        choices=[str(each) for each in KeepBy],
        default=str(KeepBy.WORTH),
        help="which rows stay within --max-node-mb (default: worth)",
    )
    build.add_argument(
        "--max-memory-mb",
        type=int,
        default=MAX_BYTES >> 20,
        help=f"memory for what is not yet written down, in MiB (default: {MAX_BYTES >> 20})",
    )


def run(args: argparse.Namespace) -> int:
    """Build into HMI_STORE_URL; the last line on stdout is the tree, or the segment, as JSON."""
    if args.action == "segment":
        return plot_segment.run(args)
    if args.max_windows < 1:
        raise InvalidInput("--max-windows must be 1 or more")
    if args.max_memory_mb < 1 or (args.max_node_mb is not None and args.max_node_mb < 1):
        raise InvalidInput("--max-memory-mb and --max-node-mb must be 1 or more")
    if (args.parent_uri is None) != (args.parent_digest is None):
        raise InvalidInput("give --parent-uri and --parent-digest together")
    print(codec.to_json(build(open_store(store_url(), cache_dir()), args)))
    return 0


def build(store: Store, args: argparse.Namespace) -> BuiltTree:
    """The tree at ``args.tree_uri``: the one that stands there if it was made from the same, else a new one.

    Raises AlreadyExists when another tree stands there: what is published never changes.
    """
    uri, backbone = BundleUri(args.tree_uri), Digest(args.backbone_digest)
    report = progress_for(as_json=args.json)
    files = find_text_files(args.text)
    inputs = _Inputs(
        domain=args.domain,
        backbone=backbone,
        parent=args.parent_digest,
        texts_sha256=texts_sha256(files),
        window_tokens=WINDOW_TOKENS,
        max_windows=args.max_windows,
        budget=_budget(args),
    )
    standing = _standing(store, uri, inputs)
    if standing is not None:
        report("the tree is already built", 1, 1)
        return standing
    parent = None
    if args.parent_uri is not None:
        parent = open_tree(store, BundleUri(args.parent_uri), Digest(args.parent_digest), backbone=backbone)
    with build_folder(args.work or _default_work(inputs), args.max_memory_mb << 20) as work:
        built = _build(store, args, TextsReadAnew(lambda: read_texts(files)), parent, work)
        report("the tree is built", 1, 1)
        store.put_file(_record_uri(uri), codec.to_json(_Record(inputs, built)).encode())
    return built


def _budget(args: argparse.Namespace) -> NodeBudget | None:
    return None if args.max_node_mb is None else NodeBudget(args.max_node_mb << 20, KeepBy(args.keep_by))


def _default_work(inputs: _Inputs) -> Path:
    """A folder that the same inputs find again, and only this user."""
    base = cache_dir() or Path(tempfile.gettempdir()) / f"hmi-{os.getuid()}"
    name = hashlib.sha256(f"{codec.to_json(inputs)} by rules {NODE_RULES}".encode()).hexdigest()[:16]
    return base / "plot-builds" / name


def _build(
    store: Store, args: argparse.Namespace, texts: TextsReadAnew, parent: PlotTree | None, work: Work
) -> BuiltTree:
    # Only here: looking whether there is anything to do must not pay for loading torch.
    from hmi.build.operator_tree import NodeToLearn, learn_node
    from hmi.build.windows import Windowing
    from hmi.model.backbone import Backbone

    uri, digest = BundleUri(args.backbone_uri), Digest(args.backbone_digest)
    backbone = Backbone.open(store.localize(uri, digest), "cpu", digest=digest)
    windowing = Windowing(WINDOW_TOKENS, args.max_windows)
    node = NodeToLearn(args.domain, parent, BundleUri(args.tree_uri), windowing, _budget(args))
    learnt = learn_node(store, backbone, texts, node, report=progress_for(as_json=args.json), work=work)
    tree, fields = learnt.published.tree, learnt.published.table.fields
    return BuiltTree(
        uri=tree.uri,
        digest=tree.digest,
        num_bytes=tree.num_bytes,
        coverage=learnt.coverage,
        num_rows=fields.num_rows,
        num_tokens=fields.num_tokens,
        num_texts=learnt.chosen.num_texts,
        num_repeated=learnt.chosen.num_repeated,
        num_above=learnt.chosen.num_above,
    )


def _standing(store: Store, uri: BundleUri, inputs: _Inputs) -> BuiltTree | None:
    """What stands at ``uri``, verified; None when nothing does, or something unfinished or broken."""
    try:
        found = store.digest(uri)
        if found is None:
            return None
        record = _read_record(store, uri)
        if record is None:  # interrupted between the tree and its record: the same inputs give the same tree
            return None
        if record.built.digest != found or record.inputs != inputs:
            raise AlreadyExists(
                f"another tree stands at {uri} ({found}), made from other text or with other options; "
                "trainings depend on it, so it is kept: choose another --tree-uri"
            )
        open_tree(store, uri, found, backbone=inputs.backbone)
    except BundleBroken:
        store.delete(uri)
        return None
    return record.built


def _read_record(store: Store, uri: BundleUri) -> _Record | None:
    if not store.exists(_record_uri(uri)):
        return None
    with store.open_file(_record_uri(uri)) as file:
        return codec.from_json(_Record, file.read())


def _record_uri(uri: BundleUri) -> BundleUri:
    return BundleUri(f"{uri}.inputs.json")
