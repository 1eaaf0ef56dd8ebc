"""``plot segment``: counts the operator's text for a shared domain, whose next update takes it up."""

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path

from hmi.artifacts.store import Store, open_store
from hmi.base.errors import InvalidInput
from hmi.build.build_folder import build_folder
from hmi.build.operator_text import TextsReadAnew, find_text_files, read_texts, texts_sha256
from hmi.cli.progress import progress_for
from hmi.cli.store_place import cache_dir, store_url
from hmi.plot.counting import Work
from hmi.plot.segment import Segment, open_segment
from hmi.plot.tree import counted_documents, open_tree
from wire import codec
from wire.artifacts import BundleRef
from wire.domains import NODE_RULES, CountedText
from wire.ids import BundleUri, Digest


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What a segment is made from, and named for."""

    domain: str
    backbone: Digest
    parent: Digest
    before: tuple[Digest, ...]
    texts_sha256: str
    rules: int = NODE_RULES


def add_action(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``segment`` to the actions of ``plot``."""
    action = actions.add_parser(
        "segment", help="count text for a shared domain's next update", description=__doc__
    )
    action.add_argument("--domain", required=True, help="the domain's id")
    action.add_argument("--backbone-uri", required=True)
    action.add_argument("--backbone-digest", required=True)
    action.add_argument("--parent-uri", required=True, help="tree of the nodes above the domain")
    action.add_argument("--parent-digest", required=True)
    action.add_argument(
        "--before",
        nargs=2,
        action="append",
        default=[],
        metavar=("URI", "DIGEST"),
        help="a segment that the domain has already: its texts are left out",
    )
    action.add_argument("--text", type=Path, nargs="+", required=True, metavar="PATH")
    action.add_argument("--segments-uri", required=True, help="folder in the store to publish in")
    action.add_argument(
        "--work",
        type=Path,
        required=True,
        metavar="DIR",
        help="where a killed run goes on when the same command is given again",
    )
    action.add_argument("--json", action="store_true", help="progress as JSON lines on stdout")


def run(args: argparse.Namespace) -> int:
    """Publish into HMI_STORE_URL; the last line on stdout is a wire.domains.CountedText.

    The same text again finds its segment. Raises InvalidInput for text of which nothing is new.
    """
    store = open_store(store_url(), cache_dir())
    files = find_text_files(args.text)
    before = [BundleRef(BundleUri(uri), Digest(digest)) for uri, digest in args.before]
    inputs = _Inputs(
        domain=args.domain,
        backbone=Digest(args.backbone_digest),
        parent=Digest(args.parent_digest),
        before=tuple(sorted(ref.digest for ref in before)),
        texts_sha256=texts_sha256(files),
    )
    name = hashlib.sha256(codec.to_json(inputs).encode()).hexdigest()[:32]
    uri = BundleUri(f"{args.segments_uri}/{name}")
    known = [_open(store, ref, inputs.backbone) for ref in before]
    texts = TextsReadAnew(lambda: read_texts(files))
    with build_folder(args.work / name) as work:
        counted = _count(store, args, texts, known, uri, inputs, work)
    print(codec.to_json(counted))
    return 0


def _count(
    store: Store,
    args: argparse.Namespace,
    texts: TextsReadAnew,
    known: list[Segment],
    uri: BundleUri,
    inputs: _Inputs,
    work: Work,
) -> CountedText:
    # Only here: a wrong path must not pay for loading torch.
    import numpy as np

    from hmi.build import plot_builder
    from hmi.model.backbone import Backbone
    from hmi.plot.privacy import PersonalPieces

    report = progress_for(as_json=args.json)
    folder = store.localize(BundleUri(args.backbone_uri), inputs.backbone)
    backbone = Backbone.open(folder, "cpu", digest=inputs.backbone)
    parent = open_tree(store, BundleUri(args.parent_uri), inputs.parent, backbone=inputs.backbone)
    above = np.concatenate([counted_documents(store, parent), *(segment.documents for segment in known)])
    segment, chosen = plot_builder.count_texts(
        backbone,
        texts,
        dataset_id=plot_builder.text_dataset_id(f"{inputs.domain}:{uri}"),
        above=above,
        windowing=plot_builder.windowing_of(store, parent),
        report=report,
        work=work,
        may_stand=PersonalPieces(backbone.tokenizer.pieces()).may_stand,
    )
    if len(chosen.hashes) == 0:
        raise InvalidInput(
            f"none of the {chosen.num_texts} texts is new to the domain and the nodes above it", param="text"
        )
    published = plot_builder.publish_segment(store, segment, uri, work=work)
    report("the text is counted", 1, 1)
    return CountedText(
        segment=published,
        num_texts=chosen.num_texts,
        num_repeated=chosen.num_repeated,
        num_known=chosen.num_above,
        num_tokens=segment.fields.num_tokens,
    )


def _open(store: Store, ref: BundleRef, backbone: Digest) -> Segment:
    return open_segment(store.localize(ref.uri, ref.digest), ref.digest, backbone=backbone)
