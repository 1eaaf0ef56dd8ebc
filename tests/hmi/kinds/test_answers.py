"""What outputs mean by kind, and how far two answers agree; no torch."""

import numpy as np
import pytest

from hmi.base.errors import BundleMismatch
from hmi.kinds.agreement import agreement
from hmi.kinds.answers import answers_of
from wire.artifacts import AdapterFields
from wire.ids import Digest
from wire.inference import LabelAnswer, LabelsAnswer, ScoredSpan, SpansAnswer, ValueAnswer
from wire.tasks import TaskKind

KINDS = tuple(TaskKind)


def fields(kind: TaskKind, *labels: str, thresholds: tuple[float, ...] = ()) -> AdapterFields:
    return AdapterFields(
        method="identity",
        rank=0,
        alpha=0.0,
        target_modules=(),
        labels=labels,
        max_tokens=16,
        backbone=Digest("sha256:b"),
        tree=Digest("sha256:t"),
        kind=kind,
        thresholds=thresholds,
    )


def outputs(*numbers: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.array([numbers], np.float32)


def test_one_label_is_the_likeliest_and_all_scores_sum_to_one() -> None:
    kind = answers_of(TaskKind.SINGLE_LABEL)
    answer = kind.answer(outputs(0.0, 2.0, 1000.0), fields(TaskKind.SINGLE_LABEL, "a", "b", "c"), None)
    assert isinstance(answer, LabelAnswer)
    assert (answer.label, answer.score) == ("c", 1.0)
    assert sum(answer.scores.values()) == pytest.approx(1.0)


def test_a_score_is_the_output() -> None:
    assert answers_of(TaskKind.SCORE).answer(outputs(3.5), fields(TaskKind.SCORE), None) == ValueAnswer(3.5)


def test_several_labels_are_those_at_or_above_their_threshold() -> None:
    kind = TaskKind.MULTI_LABEL
    of = fields(kind, "a", "b", "c", thresholds=(0.5, 0.9, 0.0))
    answer = answers_of(kind).answer(outputs(0.0, 1.0, -1000.0), of, None)
    assert isinstance(answer, LabelsAnswer)
    assert answer.labels == ["a", "c"]
    assert answer.scores == pytest.approx({"a": 0.5, "b": 1 / (1 + np.exp(-1)), "c": 0.0})


@pytest.mark.parametrize("kind", KINDS)
def test_labels_that_no_such_task_has_are_refused(kind: TaskKind) -> None:
    with pytest.raises(BundleMismatch):
        answers_of(kind).num_outputs(("a", "a"))


def test_only_pairs_take_two_texts() -> None:
    assert [kind for kind in KINDS if answers_of(kind).has_pairs] == [TaskKind.SENTENCE_PAIR]


def test_answers_agree_by_label_by_all_labels_or_within_a_share() -> None:
    first = LabelAnswer("a", 0.9, {"a": 0.9, "b": 0.1})
    assert agreement(first, LabelAnswer("b", 0.7, {"b": 0.7, "c": 0.3})).difference == 0.9
    several = LabelsAnswer(["a"], {"a": 0.8, "b": 0.3})
    assert agreement(several, LabelsAnswer(["a"], {"a": 0.6, "b": 0.4})).agrees
    assert not agreement(several, LabelsAnswer(["a", "b"], {"a": 0.8, "b": 0.5})).agrees
    assert agreement(ValueAnswer(100.0), ValueAnswer(104.0)).agrees
    assert not agreement(ValueAnswer(1.0), ValueAnswer(-1.0)).agrees
    assert agreement(ValueAnswer(0.0), ValueAnswer(0.0)).difference == 0.0


def test_spans_agree_when_all_are_the_same_ones() -> None:
    first = SpansAnswer([ScoredSpan(0, 4, "a", 0.9), ScoredSpan(5, 9, "b", 0.5)])
    assert agreement(first, SpansAnswer([ScoredSpan(0, 4, "a", 0.7), ScoredSpan(5, 9, "b", 0.4)])).agrees
    other = agreement(first, SpansAnswer([ScoredSpan(0, 4, "a", 0.8), ScoredSpan(5, 9, "c", 0.4)]))
    assert (other.agrees, other.difference) == (False, 0.5)
    assert agreement(SpansAnswer([]), SpansAnswer([])).agrees
