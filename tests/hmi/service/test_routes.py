"""The service over HTTP, real engine and tiny backbone, a fake catalog: what works, then every refusal."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hmi.base.clock import SystemClock
from hmi.base.units import KIB
from hmi.build.offline import open_offline
from hmi.plot.tree import read_tree
from hmi.service.http_protocol import ON_HANG_UP
from tests.fakes.catalog import FakeCatalog
from tests.hmi.service.service_world import (
    ACME,
    GLOBEX,
    LABELS,
    Service,
    adapter,
    code_of,
    demo_catalog,
    running,
)
from tests.tiny.store import TinyStore
from wire.artifacts import BundleRef
from wire.inference import SpansAnswer
from wire.tasks import TaskKind

PREDICT = "/v1/tasks/reviews/predict"


@pytest.fixture(scope="module")
def service(tiny_store: TinyStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Shared by the tests that change nothing in the catalog."""
    with running(tiny_store, tmp_path_factory.mktemp("cache")) as made:
        yield made


# What works


def test_a_prediction_says_what_answered(service: Service) -> None:
    response = service.predict({"inputs": ["the film was bad", "music"]}, X_Request_Id="my-id.1")
    assert response.status_code == 200, response.text
    body = response.json()
    task = service.catalog.tasks["acme", "reviews"]
    assert body["model"] == {
        "task": "reviews",
        "version": 1,
        "version_id": task.version_id,
        "adapter_digest": task.bundle_digest,
        "tree_version": task.tree_digest,
        "backbone": service.store.backbone_ref.digest,
        "role": "live",
    }
    assert len(body["predictions"]) == 2
    first = body["predictions"][0]
    assert list(first["scores"]) == list(LABELS)
    assert first["score"] == max(first["scores"].values()) == first["scores"][first["label"]]
    assert sum(first["scores"].values()) == pytest.approx(1, abs=1e-5)
    assert sum(first["coverage"].values()) == pytest.approx(1)
    assert first["coverage"]["trigram"] > 0
    assert (first["num_tokens"], first["truncated"]) == (6, False)
    assert body["usage"]["num_texts"] == 2
    assert set(body["timings"]) == {"queue_ms", "retrieve_ms", "compute_ms"}
    assert body["request_id"] == response.headers["X-Request-Id"] == "my-id.1"


def test_a_cut_text_is_reported(service: Service) -> None:
    short, long = service.predict({"inputs": ["no", "very good film " * 20]}).json()["predictions"]
    assert (short["truncated"], long["truncated"], long["num_tokens"]) == (False, True, 8)


def test_it_tells_what_answered_every_token_where_asked(service: Service) -> None:
    texts = ["The film,  was bad", "😀 music", "very good film " * 20]
    asked = service.predict({"inputs": texts, "parameters": {"tokens": True}}).json()["predictions"]
    shown = [
        [text[token["start"] : token["end"]] for token in told["tokens"]]
        for text, told in zip(texts, asked, strict=True)
    ]
    assert shown[0] == ["The", "film", ",", "was", "bad"]
    assert shown[1][-1] == "music"
    assert len(shown[2]) == asked[2]["num_tokens"] - 2, "cut where the model stops to read"
    first = asked[0]
    share = sum(token["rung"] == "trigram" for token in first["tokens"]) / first["num_tokens"]
    assert 0 < share <= first["coverage"]["trigram"] <= share + 2 / first["num_tokens"]
    assert {token["node"] for token in first["tokens"]} <= {"general", "domain"}
    assert "domain" in {token["node"] for told in asked for token in told["tokens"]}
    plain = service.predict({"inputs": texts}).json()["predictions"]
    assert [told["tokens"] for told in plain] == [None] * 3
    assert [told["scores"] for told in plain] == [told["scores"] for told in asked]


def test_it_gives_sets_of_labels_and_abstains_where_one_is_not_enough(service: Service) -> None:
    texts = ["the film was bad", "music", "no"]

    def sets(level: float) -> list[Any]:
        parameters = {"abstain": True, "error_level": level}
        answer = service.predict({"inputs": texts, "parameters": parameters}, task="careful")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["predictions"])

    for sure, unsure in zip(sets(0.5), sets(0.01), strict=True):
        assert (sure["label_set"], sure["abstained"]) == ([sure["label"]], False)
        assert unsure["abstained"]
        assert unsure["label_set"] == sorted(LABELS, key=lambda label: -unsure["scores"][label])
        assert unsure["label_set"][0] == unsure["label"]
    default = service.predict({"inputs": texts, "parameters": {"abstain": True}}, task="careful")
    assert [told["label_set"] for told in default.json()["predictions"]] == [
        told["label_set"] for told in sets(0.1)
    ]
    plain = service.predict({"inputs": texts}, task="careful").json()["predictions"]
    assert [(told["label_set"], told["abstained"]) for told in plain] == [(None, None)] * 3


def test_a_version_without_thresholds_says_that_it_cannot_abstain(service: Service) -> None:
    answer = service.predict({"inputs": ["music"], "parameters": {"abstain": True}})
    assert code_of(answer) == (400, "invalid_field")
    assert "train the task again" in answer.json()["error"]["message"]


def test_the_models_of_a_key_are_its_deployed_tasks(service: Service) -> None:
    answer = service.client.get("/v1/models", headers={"Authorization": f"Bearer {ACME}"}).json()
    assert [model["id"] for model in answer["data"]] == ["careful", "reviews"]


def test_health_readiness_and_metrics_answer_without_a_key(service: Service) -> None:
    service.predict()
    assert service.client.get("/healthz").json() == {"status": "alive"}
    assert service.client.get("/readyz").json()["status"] == "ready"
    metrics = service.client.get("/metrics").text
    assert 'hmi_requests_total{route="predict",status="200"}' in metrics
    assert 'hmi_tier_bytes{kind="adapters",tier="device"}' in metrics
    assert "hmi_device_adapters 1.0" in metrics or "hmi_device_adapters 2.0" in metrics
    assert "hmi_open_requests 0.0" in metrics
    assert "acme" not in metrics and "reviews" not in metrics


def test_the_operator_sees_where_adapters_are_on_the_services_own_port(service: Service) -> None:
    service.predict()
    report = service.client.get("/v1/residency").json()
    assert set(report["tiers"]) >= {"device", "host"}
    for tier in report["tiers"].values():
        assert tier["used_bytes"] == sum(tier["bytes_by_kind"].values()) <= tier["max_bytes"]
    on_host = report["tiers"]["host"]["bytes_by_kind"]
    assert all(on_host[kind] > 0 for kind in ("adapters", "catalog", "known adapters", "known trees"))
    items = report["adapters"]["items"]
    assert any("device" in item["bytes_by_tier"] and item["digest"].startswith("sha256:") for item in items)
    assert report["plot_nodes"]["items"]
    outside = service.client.get("/v1/residency", headers={"X-Forwarded-For": "192.0.2.1"})
    assert outside.status_code == 404


def test_a_tasks_floor_sends_texts_down_the_exact_path(service: Service) -> None:
    text = {"inputs": ["zq vx kj"]}
    adapter, tree = service.store.publish_adapter(seed=9), service.store.trees["general"]

    def share_computed() -> float:
        return float(service.predict(text, task="strict").json()["predictions"][0]["coverage"]["exact"])

    for floor in (None, 1.0, 0.0):
        service.change(
            lambda floor=floor: service.catalog.deploy(  # type: ignore[misc]  # mypy takes it for a call with arguments
                "acme", "strict", adapter=adapter, tree=tree, coverage_floor=floor
            )
        )
        wanted = 1.0 if floor == 1.0 else 0.0
        service.wait_until(lambda wanted=wanted: share_computed() == wanted)
    assert service.check("exact_path")["is_ok"]


def test_a_server_without_lower_layers_says_whom_it_fails_and_goes_on(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    catalog = demo_catalog(tiny_store)
    with running(tiny_store, tmp_path, catalog=catalog, lower_layers=False) as service:
        assert service.check("exact_path")["is_ok"]
        service.change(
            lambda: catalog.deploy(
                "acme",
                "strict",
                adapter=tiny_store.publish_adapter(seed=10),
                tree=tiny_store.trees["general"],
                coverage_floor=1.0,
            )
        )
        service.wait_until(lambda: not service.check("exact_path")["is_ok"])
        assert "HMI_LOWER_LAYERS=true" in service.check("exact_path")["message"]
        assert service.is_ready
        answer = service.predict({"inputs": ["zq vx kj"]}, task="strict").json()
        assert answer["predictions"][0]["coverage"]["exact"] == 0.0


def test_an_unsound_request_id_is_replaced(service: Service) -> None:
    given = 'evil"id ' + "x" * 100
    assert service.predict(X_Request_Id=given).headers["X-Request-Id"] != given


def test_texts_in_any_language_are_answered(service: Service) -> None:
    response = service.predict({"inputs": ["电影很好 😀", "\u0000 \u202e film", "[SEP] [MASK]"]})
    assert response.status_code == 200


# Who may


@pytest.mark.parametrize("before", ["Bearer ", "bearer ", "Bearer   "])
def test_a_key_comes_after_the_scheme_and_blanks(service: Service, before: str) -> None:
    answer = service.client.get("/v1/models", headers={"Authorization": f"{before}{ACME} "})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "unauthenticated"),
        ("", "unauthenticated"),
        ("Basic abc", "unauthenticated"),
        ("Bearer", "unauthenticated"),
        ("Bearer wrong", "invalid_key"),
        ("Bearer hmi_wrong", "invalid_key"),
        ("Bearer hmi_" + "x" * 5000, "invalid_key"),
    ],
)
def test_a_wrong_key_is_401(service: Service, authorization: str | None, code: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = service.client.post(PREDICT, json={"inputs": ["x"]}, headers=headers)
    assert code_of(response) == (401, code)
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_another_tenants_task_looks_like_one_that_is_not_there(service: Service) -> None:
    others = service.predict(key=ACME, task="prices")
    absent = service.predict(key=ACME, task="nothing")
    assert code_of(others) == code_of(absent) == (404, "task_not_found")
    assert others.json()["error"]["message"] == absent.json()["error"]["message"]


def test_a_task_without_a_deployment_says_so(service: Service) -> None:
    assert code_of(service.predict(task="draft")) == (409, "task_not_deployed")


def test_a_key_that_may_not_predict_is_403(tiny_store: TinyStore, tmp_path: Path) -> None:
    with running(tiny_store, tmp_path) as service:
        service.catalog.add_key("hmi_manager", "acme", scopes=("manage",))
        assert code_of(service.predict(key="hmi_manager")) == (403, "forbidden")


def test_a_key_for_one_task_sees_no_other(tiny_store: TinyStore, tmp_path: Path) -> None:
    catalog = demo_catalog(tiny_store)
    catalog.deploy("acme", "other", adapter=adapter(tiny_store, 3), tree=tiny_store.trees["film"])
    catalog.add_key("hmi_bound", "acme", task="reviews")
    with running(tiny_store, tmp_path, catalog=catalog) as service:
        assert service.predict(key="hmi_bound").status_code == 200
        assert code_of(service.predict(key="hmi_bound", task="other")) == (404, "task_not_found")
        models = service.client.get("/v1/models", headers={"Authorization": "Bearer hmi_bound"}).json()
        assert [model["id"] for model in models["data"]] == ["reviews"]


def test_a_slug_is_answered_by_the_task_that_has_it_now_and_to_its_tenant_alone(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    catalog = demo_catalog(tiny_store)
    mine, next_, theirs = (adapter(tiny_store, seed) for seed in (21, 22, 23))
    catalog.deploy("acme", "same", adapter=mine, tree=tiny_store.trees["film"])
    catalog.deploy("acme", "next", adapter=next_, tree=tiny_store.trees["film"])
    catalog.deploy("globex", "same", adapter=theirs, tree=tiny_store.trees["film"])
    with running(tiny_store, tmp_path, catalog=catalog) as service:

        def answering(key: str, task: str) -> Any:
            return service.predict(key=key, task=task).json()["model"]["adapter_digest"]

        for _ in range(2):  # the second time it is remembered who may
            assert (answering(ACME, "same"), answering(GLOBEX, "same")) == (mine.digest, theirs.digest)
        service.change(lambda: catalog.rename("acme", "same", "old"))
        service.change(lambda: catalog.rename("acme", "next", "same"))
        service.wait_until(lambda: answering(ACME, "same") == next_.digest)
        assert (answering(ACME, "old"), answering(GLOBEX, "same")) == (mine.digest, theirs.digest)
        assert code_of(service.predict(key=GLOBEX, task="old")) == (404, "task_not_found")


def test_a_private_leaf_answers_its_tenant_alone_and_no_longer_than_it_stands(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    catalog, same = demo_catalog(tiny_store), adapter(tiny_store, 5)
    general, film = tiny_store.trees["general"], tiny_store.trees["film"]
    fields = read_tree(tiny_store.store, film.uri, film.digest, backbone=tiny_store.backbone.digest)
    leaf = BundleRef(fields.nodes[-1].uri, fields.nodes[-1].digest)
    catalog.deploy("acme", "shared", adapter=same, tree=general, leaf=leaf)
    catalog.deploy("globex", "shared", adapter=same, tree=general)
    body = {"inputs": ["the film was bad"], "parameters": {"tokens": True}}

    with running(tiny_store, tmp_path, catalog=catalog) as service:

        def answered(key: str) -> Any:
            return service.predict(body, key=key, task="shared").json()["predictions"][0]

        own, others = answered(ACME), answered(GLOBEX)
        assert own["coverage"]["trigram"] > others["coverage"]["trigram"]
        assert {token["node"] for token in own["tokens"]} == {"private"}
        assert {token["node"] for token in others["tokens"]} == {"general"}
        service.change(lambda: catalog.deploy("acme", "shared", adapter=same, tree=general))
        service.wait_until(lambda: answered(ACME) == others)


def test_an_expired_key_is_refused_though_the_snapshot_has_it(tiny_store: TinyStore, tmp_path: Path) -> None:
    catalog = demo_catalog(tiny_store)
    catalog.add_key("hmi_old", "acme", expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    with running(tiny_store, tmp_path, catalog=catalog) as service:
        assert code_of(service.predict(key="hmi_old")) == (401, "invalid_key")


def test_a_revoked_key_stops(tiny_store: TinyStore, tmp_path: Path) -> None:
    with running(tiny_store, tmp_path) as service:
        assert service.predict().status_code == 200
        service.change(lambda: service.catalog.revoke(ACME))
        service.wait_until(lambda: service.predict().status_code == 401)
        assert service.predict(key=GLOBEX, task="prices").status_code == 200


def test_a_new_key_and_a_new_deployment_work_at_once(tiny_store: TinyStore, tmp_path: Path) -> None:
    with running(tiny_store, tmp_path) as service:
        service.catalog.is_silent = True
        service.catalog.add_key("hmi_new", "acme")
        assert service.predict(key="hmi_new").status_code == 200
        service.catalog.deploy("acme", "late", adapter=adapter(tiny_store, 4), tree=tiny_store.trees["film"])
        assert service.predict(task="late").status_code == 200


# What is sent


@pytest.mark.parametrize(
    ("body", "expected", "param"),
    [
        (b"", (400, "malformed_body"), None),
        (b"{", (400, "malformed_body"), None),
        (b'{"inputs": ["\xff"]}', (400, "malformed_body"), None),
        (b'{"inputs": ["\\ud800"]}', (400, "malformed_body"), None),
        (b'{"inputs": NaN}', (400, "malformed_body"), None),
        (b"[" * 100_000, (400, "malformed_body"), None),
        ([], (400, "malformed_body"), None),
        ("text", (400, "malformed_body"), None),
        ({}, (400, "missing_field"), "inputs"),
        ({"inputs": "text"}, (400, "invalid_field"), "inputs"),
        ({"inputs": None}, (400, "invalid_field"), "inputs"),
        ({"inputs": {"0": "text"}}, (400, "invalid_field"), "inputs"),
        ({"inputs": []}, (400, "empty_inputs"), "inputs"),
        ({"inputs": ["a", 1]}, (400, "invalid_field"), "inputs[1]"),
        ({"inputs": ["a", None]}, (400, "invalid_field"), "inputs[1]"),
        ({"inputs": ["a", ["b"]]}, (400, "invalid_field"), "inputs[1]"),
        ({"inputs": ["a", " \n"]}, (400, "invalid_field"), "inputs[1]"),
        ({"inputs": ["a"] * 65}, (400, "too_many_inputs"), "inputs"),
        ({"inputs": ["a", "b" * 50_001]}, (413, "text_too_long"), "inputs[1]"),
        ({"inputs": ["a"], "input": "b"}, (400, "invalid_field"), "input"),
        ({"inputs": ["a"], "parameters": {"x": 1}}, (400, "invalid_field"), "parameters"),
        ({"inputs": ["a"], "parameters": []}, (400, "invalid_field"), "parameters"),
        ({"inputs": ["a"], "parameters": {"tokens": 1}}, (400, "invalid_field"), "parameters.tokens"),
        ({"inputs": ["a"], "parameters": {"abstain": 1}}, (400, "invalid_field"), "parameters.abstain"),
        *(
            (
                {"inputs": ["a"], "parameters": {"abstain": abstain, "error_level": level}},
                (400, "invalid_field"),
                "parameters.error_level",
            )
            for abstain, level in ((False, 0.1), (True, 0), (True, 0.51), (True, "0.1"), (True, True))
        ),
    ],
)
def test_a_bad_body_is_refused_with_what_to_do(
    service: Service, body: Any, expected: tuple[int, str], param: str | None
) -> None:
    response = service.predict(body)
    assert code_of(response) == expected
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code", "details", "request_id"}
    assert error["param"] == param
    assert error["message"]
    assert error["code"] != "malformed_body" or '{"inputs": ["..."]}' in error["message"]
    assert error["request_id"] == response.headers["X-Request-Id"]


def test_an_error_does_not_repeat_the_text(service: Service) -> None:
    assert "geheim" not in service.predict({"inputs": ["geheim " * 10_000]}).text


def test_a_body_that_is_too_large_is_not_read_to_its_end(tiny_store: TinyStore, tmp_path: Path) -> None:
    with running(tiny_store, tmp_path, max_body_bytes=KIB) as service:
        assert code_of(service.predict({"inputs": ["a" * 2000]})) == (413, "body_too_large")
        assert service.predict().status_code == 200


def test_another_content_type_is_415(service: Service) -> None:
    assert code_of(service.predict(Content_Type="text/csv")) == (415, "unsupported_media_type")


def test_other_addresses_and_methods_have_the_same_error_shape(service: Service) -> None:
    assert code_of(service.client.get("/v1/nothing")) == (404, "not_found")
    assert code_of(service.client.get(PREDICT)) == (405, "method_not_allowed")
    assert code_of(service.predict(task="a/b")) == (404, "not_found")
    assert code_of(service.predict(task="")) == (404, "not_found")


@pytest.mark.parametrize("path", ["/v1/models/", f"{PREDICT}/"])
def test_a_slash_too_many_leads_nowhere(service: Service, path: str) -> None:
    answer = service.client.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
    assert code_of(answer) == (404, "not_found")


# Broken parts


def test_a_broken_bundle_fails_alone_and_is_tried_again_when_another_is_deployed(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    catalog = demo_catalog(tiny_store)
    broken = adapter(tiny_store, 5)
    (tiny_store.path_of(broken) / "head.safetensors").write_bytes(b"no")
    catalog.deploy("acme", "broken", adapter=broken, tree=tiny_store.trees["film"])
    with running(tiny_store, tmp_path, catalog=catalog) as service:
        assert code_of(service.predict(task="broken")) == (503, "bundle_broken")
        assert service.predict().status_code == 200
        service.change(
            lambda: catalog.deploy(
                "acme", "broken", number=2, adapter=adapter(tiny_store, 6), tree=tiny_store.trees["film"]
            )
        )
        service.wait_until(lambda: service.predict(task="broken").status_code == 200)
        assert service.predict(task="broken").json()["model"]["version"] == 2


def test_a_hot_swap_fails_no_request(tiny_store: TinyStore, tmp_path: Path) -> None:
    with running(tiny_store, tmp_path) as service:
        versions: list[int] = []
        for number in range(1, 6):
            deploy = partial(
                service.catalog.deploy,
                "acme",
                "reviews",
                number=number,
                adapter=adapter(tiny_store, 20 + number),
                tree=tiny_store.trees["film"],
            )
            service.change(deploy)
            while not versions or versions[-1] != number:
                response = service.predict()
                assert response.status_code == 200
                versions.append(response.json()["model"]["version"])
        assert versions == sorted(versions)


def test_a_swap_of_the_tree_fails_no_request(tiny_store: TinyStore, tmp_path: Path) -> None:
    """The same adapter follows one tree after another, as after updates of its domain."""
    same = adapter(tiny_store, 30)
    with running(tiny_store, tmp_path) as service:
        for name in ("film", "market", "general", "film"):
            tree = tiny_store.trees[name]
            service.change(partial(service.catalog.deploy, "acme", "reviews", adapter=same, tree=tree))
            digests: list[str] = []
            while not digests or digests[-1] != tree.digest:
                response = service.predict()
                assert response.status_code == 200, response.content
                digests.append(response.json()["model"]["tree_version"])
            assert len(set(digests)) <= 2, "the old tree, then the new one"
            assert digests == sorted(digests, key=lambda digest: digest == tree.digest)


def test_swaps_under_load_fail_no_request_and_each_answer_is_its_versions(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    """Adapter and tree change while every caller has a request open all the time."""
    trees = list(tiny_store.trees.values())
    adapters = [adapter(tiny_store, 40 + number) for number in range(5)]
    with running(tiny_store, tmp_path, threads=2, forwards=2) as service:

        def deploy(number: int) -> None:
            service.change(
                partial(
                    service.catalog.deploy,
                    "acme",
                    "reviews",
                    number=number,
                    adapter=adapters[number % 5],
                    tree=trees[number % 3],
                )
            )

        def answer() -> tuple[int, list[float]]:
            response = service.predict()
            assert response.status_code == 200, response.content
            content = response.json()
            return content["model"]["version"], list(content["predictions"][0]["scores"].values())

        alone: dict[int, list[float]] = {}
        for number in range(2, 17):  # 1 was there before, with another adapter
            deploy(number)
            while number not in alone:
                version, scores = answer()
                alone.setdefault(version, scores)
        stop = threading.Event()

        def ask() -> list[tuple[int, list[float]]]:
            answers = []
            while not stop.is_set():
                answers.append(answer())
            return answers

        with ThreadPoolExecutor(4) as callers:
            asking = [callers.submit(ask) for _ in range(4)]
            for number in [*range(2, 17)] * 4:
                deploy(number)
                answer()
            stop.set()
            answers = [one for each in asking for one in each.result()]
    assert len({version for version, _ in answers}) > 5
    for version, scores in answers:
        assert scores == pytest.approx(alone[version], abs=1e-4), version


def test_it_starts_without_a_backbone_and_picks_it_up(tiny_store: TinyStore, tmp_path: Path) -> None:
    catalog = demo_catalog(tiny_store)
    catalog.backbone = None
    with running(tiny_store, tmp_path, catalog=catalog) as service:
        ready = service.client.get("/readyz")
        assert ready.status_code == 503
        assert "no backbone" in ready.json()["checks"]["backbone"]["message"]
        assert code_of(service.predict()) == (503, "not_ready")

        def name_backbone() -> None:
            catalog.backbone = tiny_store.backbone_ref
            catalog.add_key("hmi_other", "acme")

        service.change(name_backbone)
        service.wait_until(lambda: service.is_ready)
        assert service.predict().status_code == 200


def test_it_serves_what_it_knows_while_the_database_is_away(tiny_store: TinyStore, tmp_path: Path) -> None:
    with running(tiny_store, tmp_path) as service:
        service.change(service.catalog.go_away)
        service.wait_until(lambda: not service.check("database")["is_ok"])
        assert service.is_ready
        assert service.predict().status_code == 200
        # What it does not know may have been made just now: that cannot be said without the database.
        for unknown in (service.predict(key="hmi_unknown"), service.predict(task="unknown")):
            assert code_of(unknown) == (503, "catalog_stale")
            assert unknown.headers["retry-after"] == "1"
        service.catalog.is_away = False
        service.wait_until(lambda: service.check("database")["is_ok"])
        assert code_of(service.predict(key="hmi_unknown")) == (401, "invalid_key")


def test_known_keys_do_not_wait_for_a_database_that_hangs(tiny_store: TinyStore, tmp_path: Path) -> None:
    with running(tiny_store, tmp_path, refresh_wait_s=1000) as service, ThreadPoolExecutor(8) as pool:
        service.change(service.catalog.hang)
        asking = [pool.submit(service.predict, key="hmi_unknown") for _ in range(8)]
        service.wait_until(lambda: service.catalog.num_stuck)
        for _ in range(5):
            assert service.predict().status_code == 200
            assert service.predict(key=GLOBEX, task="prices").status_code == 200
        assert not any(one.done() for one in asking)
        service.change(service.catalog.go_on)
        assert {code_of(one.result()) for one in asking} == {(401, "invalid_key")}


class ClockAhead(SystemClock):
    """Which a test can put forward."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


def test_a_stale_catalog_is_not_trusted(tiny_store: TinyStore, tmp_path: Path) -> None:
    clock = ClockAhead()
    with running(tiny_store, tmp_path, key_staleness_s=600, clock=clock) as service:
        service.change(service.catalog.go_away)
        service.wait_until(lambda: not service.check("database")["is_ok"])
        assert service.predict().status_code == 200
        clock.ahead_s = 601
        assert code_of(service.predict()) == (503, "catalog_stale")
        assert not service.is_ready


@pytest.mark.parametrize(
    ("name", "setting", "part"),
    [
        ("device_bytes", "HMI_DEVICE_BYTES", "adapters of a batch"),
        ("host_bytes", "HMI_HOST_BYTES", "the largest adapter with its head"),
    ],
)
def test_a_budget_that_is_too_small_is_explained(
    tiny_store: TinyStore, tmp_path: Path, name: str, setting: str, part: str
) -> None:
    catalog = FakeCatalog()  # without tenants: they would not fit the host tier, which /readyz then says
    too_little: dict[str, Any] = {name: 1000}
    with running(tiny_store, tmp_path, catalog=catalog, **too_little) as service:

        def name_backbone() -> None:
            catalog.backbone = tiny_store.backbone_ref
            catalog.add_key("hmi_other", "acme")
            catalog.revoke("hmi_other")

        service.change(name_backbone)
        service.wait_until(lambda: f"{setting} is 1_000" in service.check("backbone")["message"])
        assert part in service.check("backbone")["message"]


# Usage


def test_each_answered_request_is_counted_once(tiny_store: TinyStore, tmp_path: Path) -> None:
    with running(tiny_store, tmp_path) as service:
        service.predict({"inputs": ["good film", "very good film " * 20]})
        service.predict({"inputs": []})
        service.predict(key="hmi_unknown")
        service.wait_until(lambda: len(service.usage.events) > 0)
    (event,) = service.usage.events.values()
    assert (event.tenant_id, event.task_id, event.key_id) == ("acme", "acme/reviews", "key of acme")
    assert (event.num_texts, event.num_tokens, event.num_truncated) == (2, 4 + 8, 1)
    assert 0 < event.num_trigram_tokens + event.num_bigram_tokens <= 12 and event.num_exact_tokens == 0
    assert (len(event.score_counts), sum(event.score_counts)) == (15, 2)
    assert len(event.label_counts) <= len(LABELS) and sum(event.label_counts) == 2
    assert event.latency_ms is not None and 0 < event.latency_ms < 60_000


def test_each_kind_of_task_answers_in_its_own_fields(tiny_store: TinyStore, tmp_path: Path) -> None:
    catalog = demo_catalog(tiny_store)
    tree = tiny_store.trees["film"]
    refs: dict[TaskKind, BundleRef] = {}
    for seed, (kind, labels) in enumerate(
        [
            (TaskKind.SCORE, ()),
            (TaskKind.MULTI_LABEL, ("a", "b", "c")),
            (TaskKind.SENTENCE_PAIR, ("no", "yes")),
            (TaskKind.TOKEN_CLASSIFICATION, ("a", "b")),
        ],
        start=41,
    ):
        refs[kind] = tiny_store.publish_adapter(labels=labels, seed=seed, domain="film", kind=kind)
        catalog.deploy("acme", kind.value, adapter=refs[kind], tree=tree)
    with running(tiny_store, tmp_path, catalog=catalog) as service:
        single = {"inputs": ["the film was good"]}
        [scored] = service.predict(single, task="score").json()["predictions"]
        assert scored.keys() == {"value", "num_tokens", "truncated", "coverage", "tokens"}
        [labelled] = service.predict(single, task="multi_label").json()["predictions"]
        above = [label for label, score in labelled["scores"].items() if score >= 0.5]
        assert labelled["labels"] == above
        pair = {"inputs": [{"text": "the film was good", "pair": "a very bad match"}]}
        [paired] = service.predict(pair, task="sentence_pair").json()["predictions"]
        assert sum(paired["scores"].values()) == pytest.approx(1.0)
        [found] = service.predict(single, task="token_classification").json()["predictions"]
        assert found["spans"], "a random head finds some"
        assert all(span.keys() == {"start", "end", "label", "score"} for span in found["spans"])
        edges = [(span["start"], span["end"]) for span in found["spans"]]
        assert edges == sorted(edges) and {start for start, _ in edges} <= {0, 4, 9, 13}
        assert_served_offline(tiny_store, refs[TaskKind.TOKEN_CLASSIFICATION], found["spans"])
        assert code_of(service.predict(single, task="sentence_pair")) == (400, "invalid_field")
        assert code_of(service.predict(pair, task="score")) == (400, "invalid_field")
        careful = {**single, "parameters": {"abstain": True}}
        assert code_of(service.predict(careful, task="score")) == (400, "invalid_field")
        asked = {**pair, "parameters": {"tokens": True}}
        assert code_of(service.predict(asked, task="sentence_pair")) == (400, "invalid_field")


def assert_served_offline(store: TinyStore, ref: BundleRef, served: list[dict[str, Any]]) -> None:
    """What was served of "the film was good" is what the version says without the service."""
    model = open_offline(store.store, ref.uri, store.trees["film"].uri, backbone_uri=store.backbone_ref.uri)
    [answer] = model.answers(["the film was good"])
    assert isinstance(answer, SpansAnswer)
    assert [(s.start, s.end, s.label) for s in answer.spans] == [
        (span["start"], span["end"], span["label"]) for span in served
    ]
    assert [span["score"] for span in served] == pytest.approx([s.score for s in answer.spans], abs=1e-4)


def test_who_hangs_up_is_not_answered_and_not_counted(tiny_store: TinyStore, tmp_path: Path) -> None:
    body = json.dumps({"inputs": ["the film was good"]}).encode()
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": PREDICT,
        "headers": [(b"authorization", f"Bearer {ACME}".encode()), (b"content-type", b"application/json")],
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    async def hang_up(app: Any) -> None:
        asking = asyncio.ensure_future(app(scope, receive, send))
        while ON_HANG_UP not in scope:
            await asyncio.sleep(0)
        scope[ON_HANG_UP]()
        await asking
        assert ON_HANG_UP not in scope, "whoever hangs up later harms nothing"

    with running(tiny_store, tmp_path) as service:
        assert service.client.portal is not None
        service.client.portal.call(hang_up, service.client.app)
        assert [message.get("status") for message in sent] == [499, None]
        assert service.predict().status_code == 200, "the others go on"
        service.wait_until(lambda: "hmi_open_requests 0.0" in service.client.get("/metrics").text)
    assert len(service.usage.events) == 1
