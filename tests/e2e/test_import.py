"""An adapter leaves the platform and comes back through the REST API: the version answers the same."""

import io
import zipfile
from typing import Any

import pytest

from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]
TEXTS = [
    "The striker scored twice in the second half.",
    "Shares fell after the bank cut its forecast.",
    "The minister faced questions in parliament.",
    "A new handset plays music and video.",
]


def test_an_adapter_that_is_brought_back_answers_the_same(installation: Installation) -> None:
    key = installation.secret("demo_api_key")
    before = installation.predict("bbc-news", TEXTS, key=key).json()
    training = _trained(installation)
    with installation.api() as api:
        taken = api.get(f"tasks/bbc-news/versions/{training['version']}/adapter")
    assert taken.status_code == 200, taken.text
    brought = _import(installation, taken.content, training["dataset"])
    assert (brought["state"], brought["passed"]) == ("succeeded", True), brought
    report = installation.version("bbc-news", brought["version"])["report"]
    assert report["import"]["parity"]["peft"]["agrees"]
    assert report["accuracy"] >= 0.9
    installation.deploy("bbc-news", brought["version"])
    try:
        installation.wait_until(
            lambda: _served(installation, key)["model"]["version"] != before["model"]["version"],
            what="the imported version serves",
            deadline_s=120,
        )
        after = _served(installation, key)
    finally:
        installation.deploy("bbc-news", training["version"])
        installation.wait_until(
            lambda: _served(installation, key)["model"]["version"] == training["version"],
            what="the version of before serves again",
            deadline_s=120,
        )
    for one, other in zip(before["predictions"], after["predictions"], strict=True):
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-4)


def test_what_is_no_adapter_is_refused_with_the_reason(installation: Installation) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("adapter_config.json", "{}")
    training = _trained(installation)
    refused = _import(installation, content.getvalue(), training["dataset"])
    assert (refused["state"], refused["error"]["code"]) == ("failed", "adapter_refused")
    assert "adapter_model.safetensors" in refused["error"]["message"]


def _trained(installation: Installation) -> dict[str, Any]:
    """The demo's training."""
    return next(one for one in reversed(installation.trainings("bbc-news")) if one["version"] is not None)


def _import(installation: Installation, archive: bytes, dataset: str) -> dict[str, Any]:
    with installation.api() as api:
        made = api.post(
            "tasks/bbc-news/imports", files={"file": ("adapter", archive)}, data={"dataset": dataset}
        )
        assert made.status_code == 201, made.text

        def ended() -> dict[str, Any] | None:
            shown: dict[str, Any] = api.get(f"imports/{made.json()['id']}").json()
            return shown if shown["state"] in {"succeeded", "failed", "cancelled"} else None

        done: dict[str, Any] = installation.wait_until(ended, what="the import ends", deadline_s=300)
        return done


def _served(installation: Installation, key: str) -> dict[str, Any]:
    answer = installation.predict("bbc-news", TEXTS, key=key)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
