"""What is counted of answers: how often each label was given, and how sure the version was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hmi.kinds.score import value_counts
from wire.inference import Answer, LabelAnswer, LabelsAnswer, SpansAnswer, ValueAnswer
from wire.usage import SCORE_BUCKETS


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """Of the answers to one request."""

    scores: tuple[int, ...]  # texts by the score of their label, or spans by theirs: SCORE_BUCKETS, or empty;
    # or texts by their value, between the bounds
    labels: tuple[int, ...]  # times each label was given, in the task's order; the last one is not 0


def answer_counts(
    answers: Iterable[Answer], labels: Sequence[str], value_bounds: Sequence[float] = ()
) -> AnswerCounts:
    """All of one kind of task, which has ``labels``. Of values nothing is counted where there are no
    bounds."""
    place_of = {label: place for place, label in enumerate(labels)}
    scores: list[float] = []
    given: list[int] = []
    values: list[float] = []
    for answer in answers:
        match answer:
            case LabelAnswer():
                scores.append(answer.score)
                given.append(place_of[answer.label])
            case LabelsAnswer():
                given.extend(place_of[label] for label in answer.labels)
            case SpansAnswer():
                scores.extend(span.score for span in answer.spans)
                given.extend(place_of[span.label] for span in answer.spans)
            case ValueAnswer():
                values.append(answer.value)
    labels_given = _counted(given, max(given) + 1) if given else ()
    if values and value_bounds:
        return AnswerCounts(value_counts(values, value_bounds), labels_given)
    if not scores:
        return AnswerCounts((), labels_given)
    buckets = [min(int(score * SCORE_BUCKETS), SCORE_BUCKETS - 1) for score in scores]
    return AnswerCounts(_counted(buckets, SCORE_BUCKETS), labels_given)


def _counted(places: Iterable[int], num_places: int) -> tuple[int, ...]:
    """How often each place occurs. (Of the few answers of a request: numpy takes ten times as long.)"""
    counts = [0] * num_places
    for place in places:
        counts[place] += 1
    return tuple(counts)
