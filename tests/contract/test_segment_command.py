"""What the portal asks of ``plot segment`` is what that command takes."""

import argparse
from pathlib import Path

from hmi.cli import plot
from portal.domains.segment_command import segment_arguments
from wire.artifacts import BundleRef
from wire.ids import BundleUri, Digest


def ref(name: str) -> BundleRef:
    return BundleRef(BundleUri(name), Digest(f"sha256:{name}"))


def test_the_command_understands_every_argument() -> None:
    parser = argparse.ArgumentParser()
    plot.add_parser(parser.add_subparsers())
    given = segment_arguments(
        domain_id="d",
        backbone=ref("backbone"),
        above=ref("above"),
        known=[ref("one"), ref("two")],
        work=Path("/work"),
        paths=[Path("/a.txt"), Path("/b")],
    )
    args = parser.parse_args(given)
    assert (args.action, args.domain, args.segments_uri) == ("segment", "d", "domains/d/segments")
    assert (args.backbone_uri, args.backbone_digest) == ("backbone", "sha256:backbone")
    assert (args.parent_uri, args.parent_digest) == ("above", "sha256:above")
    assert args.before == [["one", "sha256:one"], ["two", "sha256:two"]]
    assert (args.text, args.work) == ([Path("/a.txt"), Path("/b")], Path("/work"))
