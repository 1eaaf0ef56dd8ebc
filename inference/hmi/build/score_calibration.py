"""Scores that mean what they say: a temperature for all logits, or a map for each label's; and how far scores
are from shares."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from hmi.build.metrics import ECE_BINS, Indices, Probabilities, confidence_bins, expected_calibration_error
from hmi.kinds.token_classification import ScoreMap, log_odds

MAX_ITERATIONS = 60
LEAST_SLOPE = 0.05
LABELS_PRIOR = 30.0
"""Of several labels' maps: by a weaker one a few dozen rows, which have chosen the epoch, too, make scores
boast (docs/decisions/0001)."""
SHARPEST, FLATTEST = 0.01, 100.0
_HALVINGS = 60
_SMALLEST = 1e-30  # a probability that float32 has rounded to 0


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The rows whose score lies in low..high: an honest score is the share of them that is right."""

    low: float
    high: float
    rows: int
    mean_score: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """What the temperature changed, on rows that it was not fitted on. Bins without rows are left out."""

    temperature: float  # logits were divided by it, in the bundle's head; > 1: the raw scores boasted
    ece_before: float
    ece: float
    bins_before: tuple[ReliabilityBin, ...]
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True)
class LabelsCalibration:
    """What the labels' maps changed, on rows that they were not fitted on: of all scores of all rows, is a
    label of score 0.8 there in 8 of 10 cases?"""

    ece_before: float
    ece: float
    bins_before: tuple[ReliabilityBin, ...]
    bins: tuple[ReliabilityBin, ...]


def fit_temperature(logits: npt.NDArray[np.float32], truth: Indices) -> float:
    """The temperature under which ``truth`` [rows] is likeliest, given ``logits`` [rows, labels].

    The true labels count as one row in as many less than certain: else a few rows that are all right would
    ask for scores of 1.
    """
    num_rows = len(logits)
    centred = logits.astype(np.float64) - logits.mean(axis=1, keepdims=True, dtype=np.float64)
    share = num_rows / (num_rows + 1)
    wanted = share * float(centred[np.arange(num_rows), truth].mean())  # the even rest has mean logit 0

    def slope(sharpness: float) -> float:
        expected = (softmax(sharpness * centred) * centred).sum(axis=1).mean()
        return float(expected) - wanted

    # The loss is convex in 1 / temperature: halve the interval in which its slope changes sign.
    low, high = np.log(1 / FLATTEST), np.log(1 / SHARPEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(float(np.exp(middle))) > 0 else (middle, high)
    return float(np.exp(-(low + high) / 2))


def fit_score_map(
    probabilities: npt.NDArray[np.float64], is_right: npt.NDArray[np.bool_], *, prior: float = 1.0
) -> ScoreMap:
    """The map under which these were right and wrong is likeliest (Platt 1999), and not far from none: of few
    much would be by chance. ``prior``: how strongly none is believed in before any is seen."""
    odds = torch.from_numpy(log_odds(probabilities))
    right = int(is_right.sum())
    # As if one more had been right and one more wrong: else spans that are all right ask for scores of 1.
    wanted = np.where(is_right, (right + 1) / (right + 2), 1 / (len(is_right) - right + 2))
    targets = torch.from_numpy(wanted)
    slope = torch.ones((), dtype=torch.float64, requires_grad=True)
    offset = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([slope, offset], max_iter=MAX_ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = functional.binary_cross_entropy_with_logits(slope * odds + offset, targets, reduction="sum")
        value = value + prior * ((slope - 1).square() + offset.square())
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    # A slope below 0 would put the surest last; one of 0 says that they know nothing of one another.
    return ScoreMap(max(LEAST_SLOPE, float(slope.detach())), float(offset.detach()))


def fit_label_maps(scores: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]) -> tuple[ScoreMap, ...]:
    """One for each label of ``scores`` [rows, labels], which ``truth`` says whether rows have: what fits all
    labels together, and from there what the label's own rows ask for."""
    common = fit_score_map(scores.ravel(), truth.ravel(), prior=LABELS_PRIOR)
    mapped = common(scores)
    own = [
        fit_score_map(mapped[:, label], truth[:, label], prior=LABELS_PRIOR)
        for label in range(scores.shape[1])
    ]
    return tuple(ScoreMap(one.slope * common.slope, one.slope * common.offset + one.offset) for one in own)


def labels_calibration(
    before: npt.NDArray[np.floating], scores: npt.NDArray[np.floating], truth: npt.NDArray[np.bool_]
) -> LabelsCalibration:
    """Of the scores [rows, labels] ``before`` the maps, and as they are served."""
    of_before, _ = as_one_label(before, truth)
    of_all, wrong = as_one_label(scores, truth)
    return LabelsCalibration(
        ece_before=expected_calibration_error(of_before, wrong),
        ece=expected_calibration_error(of_all, wrong),
        bins_before=reliability_bins(of_before, wrong),
        bins=reliability_bins(of_all, wrong),
    )


def as_one_label(
    scores: npt.NDArray[np.floating], truth: npt.NDArray[np.bool_]
) -> tuple[Probabilities, Indices]:
    """Scores that each stand for themselves as rows of one label, which is place 0 where ``truth`` holds."""
    return scores.astype(np.float32).reshape(-1, 1), (~truth).astype(np.int64).ravel()


def score_calibration(
    probabilities: Probabilities, truth: Indices, *, temperature: float
) -> ScoreCalibration:
    """Figures of ``probabilities``, which were made under ``temperature``, and of those without it."""
    before = without_temperature(probabilities, temperature)
    return ScoreCalibration(
        temperature=temperature,
        ece_before=expected_calibration_error(before, truth),
        ece=expected_calibration_error(probabilities, truth),
        bins_before=reliability_bins(before, truth),
        bins=reliability_bins(probabilities, truth),
    )


def without_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    """What the scores would be had the logits not been divided."""
    logits = temperature * np.log(np.maximum(probabilities, _SMALLEST, dtype=np.float64))
    return softmax(logits).astype(np.float32)


def reliability_bins(probabilities: Probabilities, truth: Indices) -> tuple[ReliabilityBin, ...]:
    """The diagram's bars, of the bins of expected_calibration_error."""
    scores = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == truth
    bins = confidence_bins(probabilities)
    return tuple(
        ReliabilityBin(
            low=number / ECE_BINS,
            high=(number + 1) / ECE_BINS,
            rows=int((bins == number).sum()),
            mean_score=float(scores[bins == number].mean()),
            accuracy=float(correct[bins == number].mean()),
        )
        for number in np.unique(bins).tolist()
    )


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Of each row."""
    shares: npt.NDArray[np.float64] = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares
