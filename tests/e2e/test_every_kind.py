"""A task of every kind goes through a whole installation: from rows to a version, a deployment, an answer."""

import httpx
import pytest

from tests.e2e.every_kind import KINDS, NUM_ROWS, EveryKind, Kind, Prediction, slug_of
from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_task_of_every_kind_is_trained_deployed_and_answers(every_kind: EveryKind) -> None:
    tenant = every_kind.tenant
    for name, kind in KINDS.items():
        number = every_kind.version_of(name)
        tenant.deploy(slug_of(name), number)
        report = tenant.version(slug_of(name), number)["report"]
        assert (report["kind"], report["headline"]["name"]) == (name, kind.headline)
        low, high = report["headline"]["ci95"]
        assert low <= report["headline"]["value"] <= high
        assert sum(report["rows"][part] for part in ("train", "validation", "test")) == NUM_ROWS
        good, bad = _answers(tenant, name, kind)
        assert kind.tells_apart(good, bad), (good, bad)


def _answers(tenant: Installation, name: str, kind: Kind) -> list[Prediction]:
    answer: httpx.Response = tenant.wait_until(
        lambda: (found := tenant.predict(slug_of(name), kind.inputs)).status_code == 200 and found,
        what=f"{name} answers",
        deadline_s=90,
    )
    return list(answer.json()["predictions"])
