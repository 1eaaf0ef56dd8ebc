"""The operator's own text for a shared domain, counted by a process of the data plane."""

import subprocess
from pathlib import Path

from django.conf import settings

from portal.catalog.models import Domain
from portal.catalog.selectors import backbone_default
from portal.common.errors import PortalError
from portal.common.scope import operator_scope
from portal.domains.job_files import tree_above
from portal.domains.models import OperatorSegment
from portal.training.config import runner_config
from wire.codec import WireError, from_json
from wire.domains import CountedText
from wire.errors import ErrorCode


def text_count(domain: Domain, paths: list[Path]) -> CountedText:
    """Count the texts of files and folders that the shared ``domain`` and the nodes above it do not know yet.

    Its progress is on stderr. Killed, the same call goes on where it was; the same text again gives the same
    segment. Raises PortalError with what the process said.
    """
    done = subprocess.run(
        _command(domain, paths),
        env=dict(runner_config().environment),
        stdout=subprocess.PIPE,
        check=False,
    )
    lines = done.stdout.decode().splitlines()
    if done.returncode != 0 or not lines:
        raise PortalError(
            "The text was not taken: what is wrong stands above. What is done is kept; give the same command "
            "again when it is mended.",
            code=ErrorCode.INVALID_FIELD,
        )
    try:
        return from_json(CountedText, lines[-1])
    except WireError as exc:
        raise PortalError(f"The process said something else: {exc}.", code=ErrorCode.INTERNAL) from exc


def _command(domain: Domain, paths: list[Path]) -> list[str]:
    with operator_scope():
        backbone, above = backbone_default(), tree_above(domain)
        known = list(OperatorSegment.objects.filter(domain=domain).order_by("digest"))
    command = [settings.ENV.training_python, "-m", "hmi.cli", "plot", "segment", "--domain", str(domain.pk)]
    command += ["--backbone-uri", backbone.uri, "--backbone-digest", backbone.digest]
    command += ["--parent-uri", above.uri, "--parent-digest", above.digest]
    for segment in known:
        command += ["--before", segment.uri, segment.digest]
    command += ["--segments-uri", f"domains/{domain.pk}/segments"]
    command += ["--work", str(Path(settings.ENV.work_dir) / "texts")]
    return [*command, "--text", *map(str, paths)]
