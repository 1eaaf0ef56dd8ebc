"""Do two ways to the same answers agree? Scores of another machine or of the service against those given
here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from hmi.base.errors import InvalidInput
from wire.inference import Answer, LabelAnswer, LabelsAnswer, SpansAnswer, ValueAnswer

TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class ParityReport:
    """Over all rows and labels."""

    rows: int
    same_label: int  # rows; of spans, those with the same ones
    max_score_difference: float  # relative, of a score larger than 1
    mean_score_difference: float
    tolerance: float
    agrees: bool  # every label is the same, and no score further off than the tolerance


def parity_report(
    expected: Sequence[Mapping[str, float]],
    found: Sequence[Mapping[str, float]],
    *,
    are_spans: bool = False,
    tolerance: float = TOLERANCE,
) -> ParityReport:
    """Numbers by name, as numbers_of(), of the same rows.

    Raises InvalidInput where the names are other ones; of spans that is a difference, in which what is not
    there has a score of 0.
    """
    differences: list[float] = []
    same_label = 0
    for number, (theirs, ours) in enumerate(zip(expected, found, strict=True), start=1):
        if are_spans:
            differences += [
                abs(theirs.get(name, 0.0) - ours.get(name, 0.0)) for name in theirs.keys() | ours.keys()
            ]
            same_label += theirs.keys() == ours.keys()
            continue
        if theirs.keys() != ours.keys():
            raise InvalidInput(f"row {number} expects scores of other labels than this version has")
        differences += [abs(theirs[name] - ours[name]) / max(1.0, abs(ours[name])) for name in ours]
        same_label += _label(theirs) == _label(ours)
    worst = max(differences, default=0.0)
    return ParityReport(
        rows=len(found),
        same_label=same_label,
        max_score_difference=worst,
        mean_score_difference=sum(differences) / max(len(differences), 1),
        tolerance=tolerance,
        agrees=same_label == len(found) and worst <= tolerance,
    )


def numbers_of(answer: Answer) -> dict[str, float]:
    """All numbers of an answer that two ways to it must agree on."""
    match answer:
        case LabelAnswer():
            return answer.scores
        case ValueAnswer():
            return {"value": answer.value}
        case LabelsAnswer():
            return answer.scores
        case SpansAnswer():
            return {span_name(span.start, span.end, span.label): span.score for span in answer.spans}
        case _:
            assert_never(answer)


def span_name(start: int, end: int, label: str) -> str:
    """What a span's score is named."""
    return f"{start}-{end} {label}"


def _label(scores: Mapping[str, float]) -> str:
    return max(scores, key=scores.__getitem__)
