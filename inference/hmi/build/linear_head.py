"""A linear head on states that do not change: quick enough to be fitted many times over."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from hmi.build.metrics import Indices, Probabilities

WEIGHT_DECAY = 1e-2
MAX_ITERATIONS = 60

Features = npt.NDArray[np.float32]  # [rows, hidden]


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Softmax regression on standardised features."""

    weight: torch.Tensor  # [labels, hidden]
    bias: torch.Tensor  # [labels]
    mean: torch.Tensor  # [hidden]
    scale: torch.Tensor  # [hidden]

    def probabilities(self, features: Features) -> Probabilities:
        """[rows, labels]."""
        inputs = (torch.from_numpy(features) - self.mean) / self.scale
        shares: Probabilities = functional.linear(inputs, self.weight, self.bias).softmax(dim=1).numpy()
        return shares


def fit_linear_head(features: Features, truth: Indices, num_labels: int) -> LinearHead:
    """The head of the least loss with weight decay; there is one, so nothing depends on a seed."""
    inputs, labels = torch.from_numpy(features), torch.from_numpy(truth)
    mean, scale = inputs.mean(dim=0), inputs.std(dim=0, correction=0).clamp_min(1e-6)
    inputs = (inputs - mean) / scale
    weight = torch.zeros(num_labels, inputs.shape[1], requires_grad=True)
    bias = torch.zeros(num_labels, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=MAX_ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = functional.cross_entropy(functional.linear(inputs, weight, bias), labels)
        value = value + WEIGHT_DECAY / 2 * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return LinearHead(weight.detach(), bias.detach(), mean, scale)
