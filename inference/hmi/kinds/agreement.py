"""How far two versions of a task answer one input alike."""

from dataclasses import dataclass

from wire.inference import Answer, LabelAnswer, LabelsAnswer, SpansAnswer, ValueAnswer

SAME_VALUE = 0.05
"""Scores agree that are no further apart than this share of the larger one."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of two answers to one input."""

    agrees: bool
    difference: float  # 0..1


def agreement(first: Answer, second: Answer) -> Agreement:
    """Both of one kind of task; labels are compared by name.

    The difference is that of the scores of the first one's label; of several labels, the largest of any; of
    values, their distance as a share of the larger one; of spans, the largest of any, 0 where there is none.
    """
    match first, second:
        case LabelAnswer(), LabelAnswer():
            difference = abs(first.score - second.scores.get(first.label, 0.0))
            return Agreement(first.label == second.label, difference)
        case LabelsAnswer(), LabelsAnswer():
            names = first.scores.keys() | second.scores.keys()
            apart = [abs(first.scores.get(name, 0.0) - second.scores.get(name, 0.0)) for name in names]
            return Agreement(set(first.labels) == set(second.labels), max(apart))
        case ValueAnswer(), ValueAnswer():
            larger = max(abs(first.value), abs(second.value))
            share = abs(first.value - second.value) / larger if larger else 0.0
            return Agreement(share <= SAME_VALUE, min(share, 1.0))
        case SpansAnswer(), SpansAnswer():
            ours, theirs = (
                {(span.start, span.end, span.label): span.score for span in answer.spans}
                for answer in (first, second)
            )
            apart = [abs(ours.get(key, 0.0) - theirs.get(key, 0.0)) for key in ours.keys() | theirs.keys()]
            return Agreement(ours.keys() == theirs.keys(), max(apart, default=0.0))
        case _:
            raise AssertionError("versions of one task are of one kind")
