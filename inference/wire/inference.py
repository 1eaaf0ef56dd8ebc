"""Request and answer of ``POST /v1/tasks/{task}/predict``."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from wire.ids import Digest, RequestId, VersionId


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Body of a prediction call. Known parameters are those of PredictParameters; others are refused."""

    inputs: list[str | tuple[str, str]]  # a pair is sent as {"text", "pair"}
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PredictParameters:
    """What a prediction call may ask for besides the predictions."""

    tokens: bool = False  # tell for every token which n-gram answered it
    abstain: bool = False  # give a set of labels, and say where that is not one alone
    error_level: float = 0.1  # with abstain: share of the sets that may lack the true label


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of an input's tokens answered at each rung; the four sum to 1 on the PLOT path."""

    trigram: float
    bigram: float
    unigram: float
    exact: float  # lower layers computed


class LookupRung(StrEnum):
    """How many tokens round a token the n-gram had that answered it."""

    TRIGRAM = "trigram"
    BIGRAM = "bigram"
    UNIGRAM = "unigram"


class NodeKind(StrEnum):
    """Whose PLOT answered a token."""

    GENERAL = "general"  # the root, made of the operator's text
    DOMAIN = "domain"
    PRIVATE = "private"  # the leaf of the version alone, made of its own dataset


@dataclass(frozen=True, slots=True)
class TokenLookup:
    """One token of an input, and what PLOT answered it with."""

    start: int  # of its characters (Unicode code points) in the input
    end: int  # after its last character
    rung: LookupRung
    node: NodeKind


@dataclass(frozen=True, slots=True)
class LabelAnswer:
    """Of a task with one label an input."""

    label: str
    score: float  # probability of `label`
    scores: dict[str, float]  # label -> probability, in the task's label order
    label_set: list[str] | None = (
        None  # with abstain: the likeliest first; the true one is most probably there
    )
    abstained: bool | None = None  # with abstain: the set has several labels, so that `label` is but a guess


@dataclass(frozen=True, slots=True)
class ValueAnswer:
    """Of a task that predicts a score."""

    value: float  # in the units of the training data


@dataclass(frozen=True, slots=True)
class LabelsAnswer:
    """Of a task with any number of labels an input."""

    labels: list[str]  # whose score reaches the label's threshold
    scores: dict[str, float]  # label -> probability, in the task's label order; each for itself


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """Characters of an input that have a label."""

    start: int  # of its characters (Unicode code points) in the input
    end: int  # after its last character
    label: str
    score: float  # probability that exactly these characters are one span of the label


@dataclass(frozen=True, slots=True)
class SpansAnswer:
    """Of a task that finds labelled spans."""

    spans: list[ScoredSpan]  # in the order of the text; none over another


Answer = LabelAnswer | ValueAnswer | LabelsAnswer | SpansAnswer


@dataclass(frozen=True, slots=True)
class ReadInput:
    """How one input was read."""

    num_tokens: int  # tokens used, special ones included
    truncated: bool  # True: the text was longer than the task's max_tokens; the rest was not read
    coverage: Coverage
    tokens: list[TokenLookup] | None = None  # where asked for; without the special tokens


def prediction(answer: Answer, read: ReadInput) -> dict[str, object]:
    """One element of an answer's predictions: the fields of both parts."""
    return {name: getattr(part, name) for part in (answer, read) for name in _NAMES[type(part)]}


_NAMES: Mapping[type, tuple[str, ...]] = {
    part: tuple(field.name for field in fields(part))
    for part in (LabelAnswer, ValueAnswer, LabelsAnswer, SpansAnswer, ReadInput)
}


@dataclass(frozen=True, slots=True)
class ServedModel:
    """Proof of what answered."""

    task: str
    version: int
    version_id: VersionId
    adapter_digest: Digest
    tree_version: Digest
    backbone: Digest
    role: str = "live"  # or "canary"


@dataclass(frozen=True, slots=True)
class Usage:
    """What the request is counted as."""

    num_texts: int
    num_tokens: int


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds by stage, of the batches that this request took part in."""

    queue_ms: float
    retrieve_ms: float
    compute_ms: float


@dataclass(frozen=True, slots=True)
class PredictResponse:
    """Body of a successful answer; predictions in the order of the inputs."""

    predictions: list[dict[str, object]]  # of prediction()
    model: ServedModel
    usage: Usage
    timings: Timings
    request_id: RequestId
