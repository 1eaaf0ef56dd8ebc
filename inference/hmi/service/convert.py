"""Between the wire and the engine: what a body asks for, and how an answer is told."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import msgspec

from hmi.base.errors import HmiError, InvalidInput
from hmi.base.label_sets import LEAST_LEVEL, MOST_LEVEL, label_set, threshold_at
from hmi.engine.request import DocumentAnswer, HplmRef
from hmi.model.tokenizer import Text
from hmi.plot.ngram import Answer
from hmi.service.answering import Answered
from hmi.service.settings import ServiceSettings
from wire.errors import ErrorCode
from wire.ids import Digest, RequestId
from wire.inference import Answer as KindAnswer
from wire.inference import (
    LabelAnswer,
    LookupRung,
    NodeKind,
    PredictParameters,
    PredictRequest,
    PredictResponse,
    ReadInput,
    ServedModel,
    Timings,
    TokenLookup,
    Usage,
    prediction,
)
from wire.tasks import TaskKind

ONE_LABEL_KINDS = (TaskKind.SINGLE_LABEL, TaskKind.SENTENCE_PAIR)
MAX_SHOWN = 10
"""Positions of bad inputs that an error names."""


_RUNG_OF = {
    Answer.TRIGRAM: LookupRung.TRIGRAM,
    Answer.LEFT: LookupRung.BIGRAM,
    Answer.RIGHT: LookupRung.BIGRAM,
    Answer.BOTH_BIGRAMS: LookupRung.BIGRAM,
    Answer.UNIGRAM: LookupRung.UNIGRAM,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a prediction call wants."""

    texts: list[Text]
    parameters: PredictParameters

    @property
    def single_texts(self) -> list[str]:
        """Without the pairs of texts."""
        return [text for text in self.texts if isinstance(text, str)]


def asked_of(body: bytes, settings: ServiceSettings) -> Asked:
    """The inputs and parameters of a prediction call, checked; every refusal says what would be right."""
    request = _decode(body)
    asked = Asked(_checked(request.inputs, settings), _known(request.parameters))
    if asked.parameters.tokens and len(asked.single_texts) < len(asked.texts):
        raise InvalidInput("tokens are told of single texts only", param="parameters.tokens")
    return asked


def _known(parameters: dict[str, Any]) -> PredictParameters:
    if not parameters:
        return PredictParameters()
    known = [field.name for field in fields(PredictParameters)]
    unknown = next((name for name in parameters if name not in known), None)
    if unknown is not None:
        raise InvalidInput(
            f"unknown parameter {unknown[:50]!r}; known are {', '.join(known)}", param="parameters"
        )
    for name in ("tokens", "abstain"):
        if not isinstance(parameters.get(name, False), bool):
            raise InvalidInput(f"{name} must be true or false", param=f"parameters.{name}")
    _check_error_level(parameters)
    return PredictParameters(**parameters)


def _check_error_level(parameters: dict[str, Any]) -> None:
    if "error_level" not in parameters:
        return
    level = parameters["error_level"]
    if not parameters.get("abstain", False):
        raise InvalidInput("error_level needs abstain: true", param="parameters.error_level")
    if type(level) not in (int, float) or not LEAST_LEVEL <= level <= MOST_LEVEL:
        raise InvalidInput(
            f"error_level must be a number from {LEAST_LEVEL:g} to {MOST_LEVEL:g}",
            param="parameters.error_level",
        )


def _parts(text: Text) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (text,)


def _checked(texts: list[Text], settings: ServiceSettings) -> list[Text]:
    if not texts:
        raise InvalidInput(
            "inputs is empty; send at least one text", code=ErrorCode.EMPTY_INPUTS, param="inputs"
        )
    if len(texts) > settings.max_inputs:
        raise InvalidInput(
            f"{len(texts)} inputs are more than the {settings.max_inputs} a call may have; send several",
            code=ErrorCode.TOO_MANY_INPUTS,
            param="inputs",
        )
    blank = [index for index, text in enumerate(texts) if not all(part.strip() for part in _parts(text))]
    if blank:
        raise InvalidInput(
            f"input {blank[0]} is empty; every input needs some text",
            param=f"inputs[{blank[0]}]",
            details={"inputs": blank[:MAX_SHOWN]},
        )
    long = [
        index for index, text in enumerate(texts) if max(map(len, _parts(text))) > settings.max_text_chars
    ]
    if long:
        raise InvalidInput(
            f"input {long[0]} has more than {settings.max_text_chars} characters; cut it",
            code=ErrorCode.TEXT_TOO_LONG,
            param=f"inputs[{long[0]}]",
            details={"inputs": long[:MAX_SHOWN]},
        )
    return texts


def response_of(
    answered: Answered,
    *,
    task: str,
    parameters: PredictParameters,
    spans: Sequence[Sequence[tuple[int, int]]] | None,
    backbone: Digest,
    request_id: RequestId,
) -> PredictResponse:
    """The body of a successful answer to ``task`` (a slug); with the tokens of each text where ``spans`` are
    given.

    Raises InvalidInput when sets of labels are asked for and the version keeps no thresholds.
    """
    answer, encoded, version = answered.answer, answered.encoded, answered.version
    threshold = _threshold(answered, parameters) if parameters.abstain else None
    predictions = _predictions(answered, threshold, spans)
    return PredictResponse(
        predictions=predictions,
        model=ServedModel(
            task=task,
            version=version.number,
            version_id=version.version_id,
            adapter_digest=version.hplm.adapter.digest,
            tree_version=version.hplm.tree.digest,
            backbone=backbone,
            role=answered.role,
        ),
        usage=Usage(num_texts=len(predictions), num_tokens=int(encoded.num_tokens.sum())),
        timings=Timings(
            queue_ms=round(answer.queue_ms, 3),
            retrieve_ms=round(answer.retrieve_ms, 3),
            compute_ms=round(answer.compute_ms, 3),
        ),
        request_id=request_id,
    )


def _predictions(
    answered: Answered, threshold: float | None, spans: Sequence[Sequence[tuple[int, int]]] | None
) -> list[dict[str, object]]:
    encoded, predictions = answered.encoded, []
    for index, (document, said) in enumerate(zip(answered.answer.documents, answered.told, strict=True)):
        if threshold is not None:
            said = _with_set(said, threshold)
        read = ReadInput(
            num_tokens=int(encoded.num_tokens[index]),
            truncated=bool(encoded.truncated[index]),
            coverage=document.coverage,
            tokens=None if spans is None else _tokens(document, spans[index], answered.version.hplm),
        )
        predictions.append(prediction(said, read))
    return predictions


def _threshold(answered: Answered, parameters: PredictParameters) -> float:
    thresholds = answered.fields.label_set_thresholds
    if not thresholds:
        if answered.fields.kind not in ONE_LABEL_KINDS:
            raise InvalidInput("abstain is for tasks with one label an input", param="parameters.abstain")
        raise InvalidInput(
            f"version {answered.version.number} keeps no thresholds for sets of labels; train the task again",
            param="parameters.abstain",
        )
    return threshold_at(thresholds, parameters.error_level)


def _with_set(said: KindAnswer, threshold: float) -> LabelAnswer:
    assert isinstance(said, LabelAnswer), "versions of other kinds keep no thresholds for sets"
    labels = list(said.scores)
    found = [labels[place] for place in label_set(list(said.scores.values()), threshold)]
    return replace(said, label_set=found, abstained=len(found) > 1)


def _tokens(document: DocumentAnswer, spans: Sequence[tuple[int, int]], hplm: HplmRef) -> list[TokenLookup]:
    """What answered each token between [CLS] and [SEP]; a text that was cut has more spans than tokens."""
    answers = list(zip(document.rungs, document.nodes, strict=True))[1:-1]
    return [
        TokenLookup(start, end, _RUNG_OF[Answer(rung)], _kind_of(node, document.depth, hplm))
        for (start, end), (rung, node) in zip(spans[1:], answers, strict=False)
    ]


def _kind_of(node: int, depth: int, hplm: HplmRef) -> NodeKind:
    """Of the node at position ``node`` of a path of ``depth`` nodes, root first."""
    if node == 0:
        return NodeKind.GENERAL
    return NodeKind.PRIVATE if hplm.leaf is not None and node == depth - 1 else NodeKind.DOMAIN


def _decode(body: bytes) -> PredictRequest:
    try:
        plain = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidInput(
            f'the body is not JSON in UTF-8 ({exc}); send {{"inputs": ["..."]}}',
            code=ErrorCode.MALFORMED_BODY,
        ) from exc
    if not isinstance(plain, dict):
        raise InvalidInput('the body must be an object: {"inputs": ["..."]}', code=ErrorCode.MALFORMED_BODY)
    unknown = next((name for name in plain if name not in ("inputs", "parameters")), None)
    if unknown is not None:
        raise InvalidInput(
            f"unknown field {unknown[:50]!r}; known are inputs and parameters", param=unknown[:50]
        )
    if "inputs" not in plain:
        raise InvalidInput(
            'inputs is missing: {"inputs": ["..."]}', code=ErrorCode.MISSING_FIELD, param="inputs"
        )
    return PredictRequest(inputs=_texts(plain["inputs"]), parameters=_parameters(plain.get("parameters", {})))


def _texts(value: Any) -> list[Text]:
    if not isinstance(value, list):
        raise InvalidInput("inputs must be a list of texts", param="inputs")
    return [_text(item, index) for index, item in enumerate(value)]


def _text(item: Any, index: int) -> Text:
    if isinstance(item, str):
        return item
    if isinstance(item, dict) and item.keys() == {"text", "pair"}:
        text, pair = item["text"], item["pair"]
        if isinstance(text, str) and isinstance(pair, str):
            return (text, pair)
    raise InvalidInput(f"input {index} is not a text", param=f"inputs[{index}]")


def _parameters(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput("parameters must be an object", param="parameters")
    return value


def unsupported_media_type(content_type: str) -> HmiError:
    return InvalidInput(
        f"the body must be sent as application/json, not {content_type[:80]!r}",
        code=ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    )
