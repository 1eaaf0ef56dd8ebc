"""The operator's own text for a shared domain, counted by a process of the data plane."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from portal.catalog.models import Domain
from portal.catalog.selectors import backbone_default
from portal.common.errors import PortalError
from portal.common.scope import operator_scope
from portal.domains.job_files import ref_of, tree_above
from portal.domains.models import OperatorSegment
from portal.domains.segment_command import segment_arguments
from portal.training.config import runner_config
from wire.artifacts import BundleRef
from wire.codec import WireError, from_json
from wire.domains import CountedText
from wire.errors import ErrorCode
from wire.ids import BundleUri, Digest


def text_count(
    domain: Domain, paths: list[Path], *, on_event: Callable[[str], object] | None = None
) -> CountedText:
    """Count the texts of files and folders that the shared ``domain`` and the nodes above it do not know yet.

    Its progress is on stderr, or comes to ``on_event`` as lines of JSON. Killed, the same call goes on where
    it was; the same text again gives the same segment. Raises PortalError with what the process said.
    """
    command = _command(domain, paths)
    last = ""
    with subprocess.Popen(
        command if on_event is None else [*command, "--json"],
        env=dict(runner_config().environment),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if last and on_event is not None:
                on_event(last)
            last = line.rstrip("\n")
    if process.returncode != 0 or not last:
        raise PortalError(
            "The text was not taken: what is wrong stands above. What is done is kept; give the same command "
            "again when it is mended.",
            code=ErrorCode.INVALID_FIELD,
        )
    try:
        return from_json(CountedText, last)
    except WireError as exc:
        raise PortalError(f"The process said something else: {exc}.", code=ErrorCode.INTERNAL) from exc


def _command(domain: Domain, paths: list[Path]) -> list[str]:
    with operator_scope():
        backbone, above = backbone_default(), tree_above(domain)
        known = list(OperatorSegment.objects.filter(domain=domain).order_by("digest"))
    arguments = segment_arguments(
        domain_id=str(domain.pk),
        backbone=BundleRef(BundleUri(backbone.uri), Digest(backbone.digest)),
        above=ref_of(above),
        known=[BundleRef(BundleUri(one.uri), Digest(one.digest)) for one in known],
        work=Path(settings.ENV.work_dir) / "texts",
        paths=paths,
    )
    # -P: a file where the command was given must not pass for one of the modules.
    return [settings.ENV.training_python, "-P", "-m", "hmi.cli", *arguments]
