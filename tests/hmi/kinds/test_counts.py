"""What is counted of answers, by kind."""

from hmi.kinds.counts import AnswerCounts, answer_counts
from wire.inference import LabelAnswer, LabelsAnswer, ValueAnswer


def test_of_one_label_a_text_the_label_and_its_score_are_counted() -> None:
    answers = [
        LabelAnswer(label, score, {"a": 1 - score, "b": score})
        for label, score in (("b", 1.0), ("b", 0.94), ("b", 0.5))
    ]
    counts = answer_counts(answers, ("a", "b", "c"))
    assert counts.labels == (0, 3)
    assert {bucket: n for bucket, n in enumerate(counts.scores) if n} == {7: 1, 14: 2}
    assert len(counts.scores) == 15


def test_of_several_labels_each_that_was_given_is_counted() -> None:
    answers = [LabelsAnswer(["a", "c"], {}), LabelsAnswer([], {}), LabelsAnswer(["c"], {})]
    assert answer_counts(answers, ("a", "b", "c", "d")) == AnswerCounts(scores=(), labels=(1, 0, 2))


def test_values_are_counted_between_the_versions_bounds() -> None:
    answers = [ValueAnswer(value) for value in (-3.0, 0.9, 1.0, 1.5, 2.0, 70.0)]
    assert answer_counts(answers, (), (1.0, 2.0)) == AnswerCounts((2, 2, 2), ())
    assert answer_counts(answers[:1], (), (1.0, 2.0)) == AnswerCounts((1, 0, 0), ())


def test_of_values_without_bounds_and_of_no_labels_nothing_is_counted() -> None:
    assert answer_counts([ValueAnswer(3.0)], ()) == AnswerCounts((), ())
    assert answer_counts([LabelsAnswer([], {})], ("a", "b")) == AnswerCounts((), ())
