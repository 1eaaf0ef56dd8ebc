"""A tenant's CSV goes in, a hBERT comes out, an application gets predictions: on real text."""

import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.installation import Installation
from tests.e2e.offline import offline_predictions, rows_of_dataset

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_readmes_curl_line_works_as_printed(installation: Installation) -> None:
    readme = (installation.root / "README.md").read_text()
    match = re.search(r"```sh\n(curl -s http://127\.0\.0\.1:8400/v1/.*?)\n```", readme, re.DOTALL)
    assert match is not None
    line = (
        match.group(1)
        .replace("127.0.0.1:8400", f"127.0.0.1:{installation.port}")
        .replace("var/secrets", f"{installation.var}/secrets")
    )
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    answer = httpx.Response(200, text=done.stdout).json()
    assert answer["predictions"][0]["label"] == "sport"
    assert answer["model"]["adapter_digest"].startswith("sha256:")
    assert answer["model"]["tree_version"].startswith("sha256:")
    coverage = answer["predictions"][0]["coverage"]
    assert sum(coverage.values()) == pytest.approx(1.0, abs=1e-3)
    assert coverage["exact"] == 0.0


def test_served_predictions_equal_the_offline_evaluation_row_by_row(
    installation: Installation, tmp_path: Path
) -> None:
    """And the accuracy over HTTP is the one that the report states."""
    report = installation.version("bbc-news", 1)["report"]
    training = installation.trainings("bbc-news")[0]
    held_out = set(report["test_rows"])
    rows = [row for row in rows_of_dataset(installation, training["dataset"]) if row["row"] in held_out]
    assert len(rows) == len(held_out) > 300
    served = installation.predict_all(
        "bbc-news", [row["text"] for row in rows], key=installation.secret("demo_api_key")
    )
    offline = offline_predictions(installation, training["id"], rows, tmp_path)
    for row, over_http, from_file in zip(rows, served, offline, strict=True):
        assert over_http["label"] == from_file["label"], row["row"]
        assert over_http["scores"] == pytest.approx(from_file["scores"], abs=1e-4), row["row"]
    accuracy = sum(p["label"] == row["label"] for p, row in zip(served, rows, strict=True)) / len(rows)
    assert accuracy == pytest.approx(report["accuracy"], abs=1e-9)
    assert accuracy >= 0.95


def test_a_revoked_key_stops(installation: Installation) -> None:
    """How soon is not measured here: the catalog tells of it, and the service reads it a second later."""
    keys = "/api/v1/tenants/demo/keys"
    with installation.operator() as session:
        key = session.post(keys, json={"name": "short-lived", "scopes": ["predict"]}).json()
        assert installation.predict("bbc-news", ["Shares fell."], key=key["secret"]).status_code == 200
        assert session.delete(f"{keys}/{key['id']}").status_code == 204
    refused = installation.wait_until(
        lambda: (
            (answer := installation.predict("bbc-news", ["Shares fell."], key=key["secret"])).status_code
            == 401
            and answer
        ),
        what="the revoked key is refused",
        deadline_s=60,
    )
    assert refused.json()["error"]["code"] == "invalid_key"


def test_another_tenants_key_finds_no_task(installation: Installation) -> None:
    secret = installation.create_tenant("globex")
    answer = installation.predict("bbc-news", ["Shares fell."], key=secret)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "task_not_found"
    assert "demo" not in answer.text


def test_usage_is_counted_once_per_request(installation: Installation) -> None:
    with installation.operator() as session:
        wanted = {"name": "counted", "scopes": ["predict"]}  # of its own: what others used may come later
        key = session.post("/api/v1/tenants/demo/keys", json=wanted).json()
    for _ in range(3):
        assert installation.predict("bbc-news", ["One.", "Two."], key=key["secret"]).status_code == 200
    with installation.api() as api:
        installation.wait_until(lambda: _num_texts(api, key["id"]) >= 6, what="usage arrives", deadline_s=60)
        assert _num_texts(api, key["id"]) == 6


def _num_texts(api: httpx.Client, key_id: str) -> int:
    results = api.get("usage", params={"by": "key"}).json()["results"]
    return sum(int(row["num_texts"]) for row in results if row["key_id"] == key_id)
