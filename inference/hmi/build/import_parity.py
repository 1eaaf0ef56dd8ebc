"""Does an adapter that was brought answer here as where it comes from? Ours against the libraries'."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hmi.base.errors import InvalidInput
from hmi.build.adapter_archive import AdapterRefused
from hmi.build.evaluation import ExactPath, LowerPath, PlotPath, Predictions, TaskModel
from hmi.build.expected import Expected
from hmi.build.library_reference import HeadAlone, LibraryPath
from hmi.build.offline import OfflineModel, offline_answers
from hmi.build.parity import ParityReport, numbers_of, parity_report
from hmi.build.report import OfflineAnswers
from hmi.kinds.agreement import agreement
from hmi.kinds.answers import answers_of
from hmi.model.adapter_bundle import Hplm
from hmi.model.adapters.methods import METHODS
from hmi.model.backbone import Backbone
from hmi.model.tokenizer import Text
from hmi.plot.tree import PlotTree
from wire.inference import Answer
from wire.tasks import TaskKind

EXPECTED_TOLERANCE = 0.01
"""Of numbers that came with the adapter: other machines compute in other types."""


@dataclass(frozen=True, slots=True)
class PlotAgreement:
    """Answers on looked-up inputs, as served, beside those of the model computed by the libraries."""

    rows: int
    same: int  # answers that agree: see hmi.kinds.agreement
    share: float
    mean_difference: float
    max_difference: float
    min_share: float


@dataclass(frozen=True, slots=True)
class ExpectedParity:
    """Numbers that came with the adapter, beside what its files answer here."""

    computed: ParityReport  # by the libraries, over all layers as the checkpoint had them
    plot: ParityReport  # on looked-up inputs, as served


@dataclass(frozen=True, slots=True)
class ImportParity:
    """All of it; ``problems`` is empty where the test is passed."""

    peft: ParityReport  # ours against the libraries' (peft's of LoRA), over the same layers, all computed
    plot: PlotAgreement
    expected: ExpectedParity | None  # None: none came with it
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class ImportAnswers:
    """What the parity test computed on the way."""

    parity: ImportParity
    computed: Predictions  # by the libraries, over all layers as the checkpoint had them
    plot: Predictions  # as served
    offline: OfflineAnswers


class Candidates:
    """One adapter by four ways to its answers. One thread."""

    def __init__(self, backbone: Backbone, folder: Path, adapter_files: Path, tree: PlotTree, hplm: Hplm):
        """``folder`` is the backbone's bundle, ``adapter_files`` the adapter as it was brought."""
        reads_tokens = answers_of(hplm.fields.kind).reads_tokens
        ours = TaskModel(backbone, hplm.adapter, hplm.head, reads_tokens=reads_tokens)
        head = HeadAlone(hplm.head, reads_tokens=reads_tokens)

        def library(*, is_original: bool) -> OfflineModel:
            method = METHODS[hplm.fields.method]
            return model(LibraryPath(folder, backbone, method, adapter_files, is_original=is_original), head)

        def model(path: LowerPath, task: TaskModel | HeadAlone) -> OfflineModel:
            return OfflineModel(hplm.fields, hplm.digest, hplm.head, backbone, path, task)

        self.exact = model(ExactPath(backbone), ours)
        self.plot = model(PlotPath(backbone, tree), ours)
        self.peft = library(is_original=False)
        self.computed = library(is_original=True) if backbone.fields.is_calibrated else self.peft


def compare_answers(
    candidates: Candidates,
    texts: Sequence[Text],
    expected: Sequence[Expected],
    *,
    min_share: float,
    report: Callable[[str, int, int], None],
) -> ImportAnswers:
    """Compare on ``texts``, which begin with those of ``expected``; there is at least one.

    ``report`` hears a message, how many answers there are, and how many there will be.
    """
    encoded = candidates.plot.encode(texts)
    is_calibrated = candidates.computed is not candidates.peft
    num_answers, num_done = (4 if is_calibrated else 3) * len(texts), 0

    def ask(model: OfflineModel, message: str) -> Predictions:
        nonlocal num_done
        found = model.predict(
            encoded, on_documents=lambda done: report(message, num_done + done, num_answers)
        )
        num_done += len(texts)
        return found

    peft = ask(candidates.peft, "asking the libraries")
    computed = ask(candidates.computed, "asking the libraries") if is_calibrated else peft
    exact, plot = (ask(model, "asking our own layers") for model in (candidates.exact, candidates.plot))
    at_home = candidates.computed.answers_from(computed, encoded)
    served = candidates.plot.answers_from(plot, encoded)
    are_spans = candidates.plot.fields.kind is TaskKind.TOKEN_CLASSIFICATION
    same_layers = parity_report(
        [numbers_of(answer) for answer in candidates.peft.answers_from(peft, encoded)],
        [numbers_of(answer) for answer in candidates.exact.answers_from(exact, encoded)],
        are_spans=are_spans,
    )
    parity = ImportParity(
        peft=same_layers,
        plot=_agreement(at_home, served, min_share),
        expected=_expected(expected, at_home, served, are_spans=are_spans) if expected else None,
        problems=(),
    )
    return ImportAnswers(
        replace(parity, problems=tuple(_problems(parity))),
        computed,
        plot,
        offline_answers(plot, exact, encoded, candidates.plot.fields),
    )


def _agreement(at_home: Sequence[Answer], served: Sequence[Answer], min_share: float) -> PlotAgreement:
    found = [agreement(theirs, ours) for theirs, ours in zip(at_home, served, strict=True)]
    same = sum(one.agrees for one in found)
    return PlotAgreement(
        rows=len(found),
        same=same,
        share=same / len(found),
        mean_difference=sum(one.difference for one in found) / len(found),
        max_difference=max(one.difference for one in found),
        min_share=min_share,
    )


def _expected(
    expected: Sequence[Expected],
    at_home: Sequence[Answer],
    served: Sequence[Answer],
    *,
    are_spans: bool,
) -> ExpectedParity:
    numbers = [entry.numbers() for entry in expected]

    def report(answers: Sequence[Answer]) -> ParityReport:
        found = [numbers_of(answer) for answer in answers[: len(numbers)]]
        return parity_report(numbers, found, are_spans=are_spans, tolerance=EXPECTED_TOLERANCE)

    try:
        return ExpectedParity(report(at_home), report(served))
    except InvalidInput as exc:
        raise AdapterRefused(f"expected.jsonl: {exc.message}") from exc


def _problems(parity: ImportParity) -> list[str]:
    problems = []
    peft, plot, expected = parity.peft, parity.plot, parity.expected
    if not peft.agrees:
        problems.append(
            f"over the same computed layers our answers differ from the libraries' by up to "
            f"{peft.max_score_difference:.2g}; at most {peft.tolerance:g} is rounding"
        )
    if plot.share < plot.min_share:
        problems.append(
            f"on looked-up inputs {plot.share:.1%} of {plot.rows} answers agree with those of the computed "
            f"model; {plot.min_share:.1%} are asked for"
        )
    if expected is not None and not (expected.computed.agrees or expected.plot.agrees):
        closest = min(expected.computed.max_score_difference, expected.plot.max_score_difference)
        problems.append(
            f"the numbers that came with the adapter (expected.jsonl) are off by {closest:.2g} or more: was "
            "it trained on another base model?"
        )
    return problems
