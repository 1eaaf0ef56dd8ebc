"""Live texts against the report of the version that serves."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from portal.common.scope import operator_scope
from portal.serving.drift import LiveCounts, drift_of, stability_index
from portal.tenants.models import Role
from portal.usage.models import UsageEvent
from tests.fakes.portal import Cast, make_task, make_version

BINS = [
    {"low": n / 15, "high": (n + 1) / 15, "rows": 10 * n, "mean_score": 0, "accuracy": 0} for n in range(15)
]
REPORT: dict[str, Any] = {
    "coverage": {"trigram": 0.4, "bigram": 0.3, "unigram": 0.3, "exact": 0.0},
    "calibration": {"bins": BINS},
    "confusion": [[500, 25], [25, 500]],
}
ALIKE = LiveCounts(
    num_texts=1050,
    num_tokens=10_000,
    num_trigram_tokens=3900,
    num_bigram_tokens=3000,
    score_counts=[10 * n for n in range(15)],
    label_counts=[520, 530],
)


def test_texts_like_those_of_the_test_rows_alarm_nobody() -> None:
    drift = drift_of(REPORT, ALIKE)
    assert drift.is_enough and not drift.is_alarm
    assert drift.coverage is not None and drift.scores is not None and drift.labels is not None
    assert [drift.coverage.training, drift.coverage.live] == pytest.approx([0.7, 0.69])
    assert drift.scores.stability_index < 0.01
    assert list(drift.labels.live) == pytest.approx([520 / 1050, 530 / 1050])


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"num_trigram_tokens": 2000}, "coverage"),
        ({"score_counts": [10 * n for n in reversed(range(15))]}, "scores"),
        ({"label_counts": [900, 150]}, "labels"),
        ({"label_counts": [400, 400, 250]}, "labels"),
    ],
)
def test_each_shift_alarms_by_itself(changes: dict[str, Any], part: str) -> None:
    drift = drift_of(REPORT, replace(ALIKE, **changes))
    alarms = {name for name in ("coverage", "scores", "labels") if getattr(drift, name).is_alarm}
    assert drift.is_alarm and alarms == {part}


def test_few_texts_and_missing_numbers_alarm_nobody() -> None:
    few = replace(ALIKE, num_texts=199, num_trigram_tokens=0, label_counts=[199, 0])
    assert not drift_of(REPORT, few).is_alarm
    nothing = drift_of({"accuracy": 0.9}, LiveCounts(0, 0, 0, 0, [], []))
    assert (nothing.coverage, nothing.scores, nothing.labels, nothing.is_alarm) == (None, None, None, False)


def test_of_several_labels_a_text_those_given_are_compared() -> None:
    report = {"coverage": REPORT["coverage"], "classes": [{"predicted": 300}, {"predicted": 600}]}
    alike = drift_of(report, replace(ALIKE, score_counts=[], label_counts=[200, 400]))
    assert alike.labels is not None and not alike.is_alarm and alike.scores is None
    assert list(alike.labels.training) == pytest.approx([1 / 3, 2 / 3])
    shifted = drift_of(report, replace(ALIKE, score_counts=[], label_counts=[400, 200]))
    assert shifted.labels is not None and shifted.labels.is_alarm
    older = {**report, "classes": [{"label": "a", "support": 2}]}
    assert drift_of(older, replace(ALIKE, label_counts=[400, 200])).labels is None


def test_of_a_score_the_values_are_compared() -> None:
    values = {"bounds": [1.0, 2.5], "counts": [30, 40, 30]}
    report = {"coverage": REPORT["coverage"], "values": values}
    alike = drift_of(report, replace(ALIKE, score_counts=[320, 410, 320], label_counts=[]))
    assert alike.scores is not None and not alike.is_alarm
    assert alike.scores.bounds == (1.0, 2.5)
    shifted = drift_of(report, replace(ALIKE, score_counts=[100, 200, 750], label_counts=[]))
    assert shifted.scores is not None and shifted.scores.is_alarm
    one_bucket = drift_of(report, replace(ALIKE, score_counts=[1050], label_counts=[]))
    assert one_bucket.scores is not None and one_bucket.scores.is_alarm
    assert one_bucket.scores.live == (1.0, 0.0, 0.0)


def test_of_a_score_whose_version_has_no_bounds_only_the_coverage_is_compared() -> None:
    report = {"coverage": REPORT["coverage"], "mae": 0.3, "train": {"mean": 2.0}}
    drift = drift_of(report, replace(ALIKE, score_counts=[], label_counts=[], num_trigram_tokens=0))
    assert (drift.scores, drift.labels, drift.is_alarm) == (None, None, True)


def test_the_index_is_nought_for_equal_counts_and_grows_with_the_shift() -> None:
    assert stability_index([100, 100], [1000, 1000]) == 0.0
    small, large = (stability_index([500, 500], [500 + n, 500 - n]) for n in (100, 300))
    assert 0 < small < 0.1 < 0.25 < large


@pytest.mark.database
def test_the_live_versions_counts_are_compared_by_rest(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    version = make_version(task)
    with operator_scope():
        type(version).objects.unscoped().filter(pk=version.pk).update(report=REPORT)
    client, path = cast.acme.client(Role.DEVELOPER), f"{cast.acme.path}/tasks/news"
    assert client.get(f"{path}/drift").status_code == 404
    client.post(f"{path}/deployments", {"version": 1}, content_type="application/json")
    assert client.get(f"{path}/drift").json()["num_texts"] == 0
    for days_ago, trigrams in ((0, 10), (0, 12), (30, 0)):
        event = UsageEvent(
            tenant_id=cast.acme.tenant.id,
            task_id=task.id,
            key_id=uuid4(),
            version_id=version.id,
            created_at=timezone.now() - timedelta(days=days_ago),
            num_texts=150,
            num_tokens=100,
            num_truncated=0,
            num_trigram_tokens=trigrams,
            score_counts=[0] * 14 + [150],
            label_counts=[75, 75],
        )
        with operator_scope():
            event.save(force_insert=True)
    found = client.get(f"{path}/drift?days=7").json()
    assert (found["version"], found["num_texts"], found["is_alarm"]) == (1, 300, True)
    assert found["coverage"] == {
        "training": pytest.approx(0.7),
        "live": pytest.approx(0.11),
        "threshold": 0.1,
        "is_alarm": True,
    }
    assert found["scores"]["is_alarm"] and not found["labels"]["is_alarm"]
    assert found["scores"]["live"][14] == 1.0
