"""The command line of the data plane that counts an operator's text."""

from collections.abc import Sequence
from pathlib import Path

from wire.artifacts import BundleRef


def segment_arguments(
    *,
    domain_id: str,
    backbone: BundleRef,
    above: BundleRef,
    known: Sequence[BundleRef],
    work: Path,
    paths: Sequence[Path],
) -> list[str]:
    """Of ``python -m hmi.cli``; ``above``: the tree above the domain; ``known``: segments of the operator."""
    arguments = ["plot", "segment", "--domain", domain_id]
    arguments += ["--backbone-uri", backbone.uri, "--backbone-digest", backbone.digest]
    arguments += ["--parent-uri", above.uri, "--parent-digest", above.digest]
    for segment in known:
        arguments += ["--before", segment.uri, segment.digest]
    arguments += ["--segments-uri", f"domains/{domain_id}/segments", "--work", str(work)]
    return [*arguments, "--text", *map(str, paths)]
