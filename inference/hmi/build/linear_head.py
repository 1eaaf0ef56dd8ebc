"""A linear head on states that do not change: quick enough to be fitted many times over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from hmi.build.metrics import Probabilities

WEIGHT_DECAY = 1e-2
MAX_ITERATIONS = 60
RIDGE_DECAYS = tuple(10.0**power for power in range(-4, 3))

Features = npt.NDArray[np.float32]  # [rows, hidden]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Mean over the rows, of outputs [rows, outputs] and targets."""


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Regression on standardised features."""

    weight: torch.Tensor  # [outputs, hidden]
    bias: torch.Tensor  # [outputs]
    mean: torch.Tensor  # [hidden]
    scale: torch.Tensor  # [hidden]

    def outputs(self, features: Features) -> npt.NDArray[np.float32]:
        """[rows, outputs]."""
        inputs = (torch.from_numpy(features) - self.mean) / self.scale
        found: npt.NDArray[np.float32] = functional.linear(inputs, self.weight, self.bias).numpy()
        return found

    def probabilities(self, features: Features) -> Probabilities:
        """[rows, labels] of a head that says one label a row."""
        shares: Probabilities = torch.from_numpy(self.outputs(features)).softmax(dim=1).numpy()
        return shares


def fit_linear_head(
    features: Features,
    targets: npt.NDArray[Any],
    num_outputs: int,
    *,
    loss: Loss = functional.cross_entropy,
) -> LinearHead:
    """The head of the least loss with weight decay; of a convex loss there is one, so nothing depends on a
    seed."""
    inputs, wanted = torch.from_numpy(features), torch.from_numpy(targets)
    mean, scale = inputs.mean(dim=0), inputs.std(dim=0, correction=0).clamp_min(1e-6)
    inputs = (inputs - mean) / scale
    weight = torch.zeros(num_outputs, inputs.shape[1], requires_grad=True)
    bias = torch.zeros(num_outputs, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=MAX_ITERATIONS, line_search_fn="strong_wolfe")

    def decayed_loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(functional.linear(inputs, weight, bias), wanted)
        value = value + WEIGHT_DECAY / 2 * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(decayed_loss)  # type: ignore[no-untyped-call]
    return LinearHead(weight.detach(), bias.detach(), mean, scale)


def fit_ridge(features: Features, values: npt.NDArray[np.float64]) -> LinearHead:
    """The head with one output, in the units of ``values``, of the least squared error with that one of
    RIDGE_DECAYS under which the rows are told best when each is left out: numbers that so many features fit
    exactly say nothing of other rows."""
    mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    inputs = ((features - mean) / scale).astype(np.float64)
    num_rows, centre = len(values), float(values.mean())
    strengths, directions = np.linalg.eigh(inputs.T @ inputs)
    turned = inputs @ directions  # [rows, hidden], uncorrelated
    wanted = turned.T @ (values - centre)

    def left_out_error(decay: float) -> float:
        shrunk = 1 / (np.maximum(strengths, 0) + decay * num_rows)
        errors = values - centre - turned @ (shrunk * wanted)
        leverage = np.square(turned) @ shrunk + 1 / num_rows
        return float(np.square(errors / np.maximum(1 - leverage, 1e-9)).mean())

    best = min(RIDGE_DECAYS, key=left_out_error)
    weight = directions @ (wanted / (np.maximum(strengths, 0) + best * num_rows))
    return LinearHead(
        torch.from_numpy(weight[None, :].astype(np.float32)),
        torch.tensor([centre], dtype=torch.float32),
        torch.from_numpy(mean),
        torch.from_numpy(scale),
    )
