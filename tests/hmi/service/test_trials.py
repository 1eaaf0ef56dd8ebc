"""A version on trial beside the one that serves: who answers, what is compared, and what cannot hurt."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hmi.plot.tree import read_tree
from hmi.service.answering import compare, is_chosen
from tests.hmi.service.service_world import LABELS, Service, adapter, code_of, demo_catalog, running
from tests.tiny.store import TinyStore
from wire.artifacts import BundleRef
from wire.catalog import TrialKind
from wire.ids import RequestId, TrialId
from wire.inference import Answer, LabelAnswer

TEXTS = ["the film was good", "poor music", "no song"]


@contextmanager
def trying(
    store: TinyStore, folder: Path, kind: TrialKind, tried: BundleRef, **trial: Any
) -> Iterator[Service]:
    """acme's task with a trial whose version has been met: its first request has made the service load it."""
    catalog = demo_catalog(store)
    catalog.try_out("acme", "reviews", kind=kind, adapter=tried, tree=store.trees["film"], **trial)
    with running(store, folder, catalog=catalog) as service:
        service.predict({"inputs": TEXTS[:1]}, X_Request_Id="first")
        yield service


def predict_until(service: Service, condition: Callable[[], bool]) -> None:
    for number in range(1000):
        assert service.predict({"inputs": TEXTS}, X_Request_Id=f"until-{number}").status_code == 200
        if condition():
            return
    raise AssertionError("it never came")


def test_a_shadow_is_computed_in_the_same_batch_and_never_answers(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    tried = adapter(tiny_store, 8)
    with trying(tiny_store, tmp_path, TrialKind.SHADOW, tried) as service:
        predict_until(service, lambda: len(service.comparisons.events) > 0)
        before = _batches(service)
        body = service.predict({"inputs": TEXTS}).json()
        num_batches, num_adapters = (now - then for now, then in zip(_batches(service), before, strict=True))
        assert (num_batches, num_adapters) == (1, 2)
        assert (body["model"]["version"], body["model"]["role"]) == (1, "live")
        assert body["usage"]["num_texts"] == len(TEXTS)
    event = list(service.comparisons.events.values())[-1]
    assert (event.trial_id, event.num_texts) == ("trial of acme/reviews", len(TEXTS))
    assert not event.has_live_failed and not event.has_trial_failed
    assert 0 <= event.num_agreed < len(TEXTS), "random adapters differ"
    assert sum(event.difference_counts) == len(TEXTS) and event.difference > 0
    assert event.live_ms > 0 and event.trial_ms > 0
    assert {event.version_id for event in service.usage.events.values()} == {"acme/reviews/1"}


def test_the_same_version_agrees_with_itself(tiny_store: TinyStore, tmp_path: Path) -> None:
    same = adapter(tiny_store, 1)  # as the one that serves
    with trying(tiny_store, tmp_path, TrialKind.SHADOW, same) as service:
        predict_until(service, lambda: len(service.comparisons.events) > 0)
    for event in service.comparisons.events.values():
        assert event.num_agreed == event.num_texts
        assert event.difference == pytest.approx(0, abs=1e-4)


def test_a_canary_answers_its_share_and_the_proof_says_so(tiny_store: TinyStore, tmp_path: Path) -> None:
    tried = adapter(tiny_store, 9)
    with trying(tiny_store, tmp_path, TrialKind.CANARY, tried, share=0.5) as service:
        predict_until(service, lambda: len(service.comparisons.events) > 0)
        for number in range(40):
            model = service.predict(X_Request_Id=f"request-{number}").json()["model"]
            chosen = is_chosen(TrialId("trial of acme/reviews"), 0.5, RequestId(f"request-{number}"))
            assert (model["role"], model["version"]) == (("canary", 2) if chosen else ("live", 1))
            assert (model["adapter_digest"] == tried.digest) == chosen
    used = [event.version_id for event in service.usage.events.values()]
    assert {"acme/reviews/1", "acme/reviews/2"} == set(used)


def test_a_version_on_trial_looks_up_in_its_own_leaf(tiny_store: TinyStore, tmp_path: Path) -> None:
    general, film = tiny_store.trees["general"], tiny_store.trees["film"]
    fields = read_tree(tiny_store.store, film.uri, film.digest, backbone=tiny_store.backbone.digest)
    leaf = BundleRef(fields.nodes[-1].uri, fields.nodes[-1].digest)
    catalog, tried = demo_catalog(tiny_store), adapter(tiny_store, 9)
    catalog.try_out("acme", "reviews", kind=TrialKind.CANARY, adapter=tried, tree=general, leaf=leaf)
    with running(tiny_store, tmp_path, catalog=catalog) as service:

        def answered() -> Any:
            body = {"inputs": ["the film was bad"], "parameters": {"tokens": True}}
            return service.predict(body).json()

        service.wait_until(lambda: answered()["model"]["role"] == "canary")
        [prediction] = answered()["predictions"]
        assert {token["node"] for token in prediction["tokens"]} == {"private"}


@pytest.mark.parametrize("kind", list(TrialKind))
def test_a_broken_version_on_trial_hurts_nobody_and_is_counted(
    tiny_store: TinyStore, tmp_path: Path, kind: TrialKind
) -> None:
    broken = adapter(tiny_store, 10)
    (tiny_store.path_of(broken) / "head.safetensors").write_bytes(b"no")
    with trying(tiny_store, tmp_path, kind, broken) as service:
        for _ in range(3):
            response = service.predict()
            assert (response.status_code, response.json()["model"]["version"]) == (200, 1)
        predict_until(service, lambda: len(service.comparisons.events) > 0)
    assert all(event.has_trial_failed for event in service.comparisons.events.values())
    assert not any(event.has_live_failed for event in service.comparisons.events.values())


def test_a_canary_that_breaks_later_is_answered_by_the_live_version(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    """It can be loaded, and its numbers overflow in the forward."""
    tried = tiny_store.publish_adapter(labels=LABELS, seed=11, max_tokens=8, scale=1e30)
    with trying(tiny_store, tmp_path, TrialKind.CANARY, tried) as service:
        predict_until(service, lambda: len(service.comparisons.events) > 0)
        assert service.predict().json()["model"]["version"] == 1
    assert all(event.has_trial_failed for event in service.comparisons.events.values())


def test_a_canary_without_thresholds_leaves_sets_of_labels_to_the_live_version(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    catalog, tried = demo_catalog(tiny_store), adapter(tiny_store, 14)
    catalog.try_out("acme", "careful", kind=TrialKind.CANARY, adapter=tried, tree=tiny_store.trees["film"])
    with running(tiny_store, tmp_path, catalog=catalog) as service:

        def answered(**parameters: Any) -> Any:
            return service.predict({"inputs": TEXTS, "parameters": parameters}, task="careful")

        service.wait_until(lambda: answered().json()["model"]["role"] == "canary")
        asked = answered(abstain=True)
        assert asked.status_code == 200, asked.text
        assert asked.json()["model"]["role"] == "live"
        assert answered().json()["model"]["role"] == "canary"


def test_a_version_that_takes_another_length_gets_its_own_tokens(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    tried = tiny_store.publish_adapter(labels=LABELS, seed=12, max_tokens=5)
    with trying(tiny_store, tmp_path, TrialKind.CANARY, tried) as service:
        long = {"inputs": ["very good film " * 20]}
        predict_until(service, lambda: len(service.comparisons.events) > 0)
        assert service.predict(long).json()["predictions"][0]["num_tokens"] == 5


def test_the_end_of_a_trial_is_followed(tiny_store: TinyStore, tmp_path: Path) -> None:
    with trying(tiny_store, tmp_path, TrialKind.CANARY, adapter(tiny_store, 13)) as service:
        predict_until(service, lambda: service.predict().json()["model"]["version"] == 2)

        def end() -> None:
            service.catalog.trials.clear()
            service.catalog.add_key("hmi_other", "acme")

        service.change(end)
        service.wait_until(lambda: service.predict().json()["model"]["version"] == 1)
        assert code_of(service.predict({"inputs": []})) == (400, "empty_inputs")


def test_the_share_is_kept_and_the_same_id_is_drawn_alike() -> None:
    ids = [RequestId(f"id {number}") for number in range(10_000)]
    chosen = [is_chosen(TrialId("one"), 0.2, request_id) for request_id in ids]
    assert sum(chosen) == pytest.approx(2000, abs=200)
    assert chosen == [is_chosen(TrialId("one"), 0.2, request_id) for request_id in ids]
    assert chosen != [is_chosen(TrialId("two"), 0.2, request_id) for request_id in ids]
    assert all(is_chosen(TrialId("one"), 1.0, request_id) for request_id in ids)


def _answers(*scores: dict[str, float]) -> list[Answer]:
    return [LabelAnswer(max(one, key=one.__getitem__), max(one.values()), one) for one in scores]


def test_labels_are_compared_by_name() -> None:
    first = _answers({"a": 0.9, "b": 0.1}, {"a": 0.4, "b": 0.6}, {"a": 1.0, "b": 0.0})
    second = _answers(
        {"b": 0.25, "a": 0.65, "c": 0.1}, {"b": 0.45, "a": 0.35, "c": 0.2}, {"b": 0.0, "a": 0.0, "c": 1.0}
    )
    found = compare(first, second)
    assert found.num_agreed == 2  # a, b, and a against c
    assert found.total == pytest.approx(0.25 + 0.15 + 1.0)
    assert (found.counts[1] + found.counts[2] + found.counts[9], sum(found.counts)) == (3, 3)


def _batches(service: Service) -> tuple[float, float]:
    """Batches so far, and the sum of their distinct adapters."""
    metrics = dict(
        line.rsplit(" ", 1) for line in service.client.get("/metrics").text.splitlines() if line[0] != "#"
    )
    return float(metrics["hmi_batch_adapters_count"]), float(metrics["hmi_batch_adapters_sum"])
