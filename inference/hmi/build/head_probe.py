"""A task's head before training: logistic regression on the frozen backbone's pooled states."""

import torch
from torch import Tensor
from torch.nn import functional

RIDGE = 1e-3
MAX_ITERATIONS = 60
MIN_SPREAD = 1e-6


def probe_head(pooled: Tensor, labels: Tensor, *, num_labels: int) -> tuple[Tensor, Tensor]:
    """Weight [labels, hidden] and bias [labels] for ``pooled`` [rows, hidden] and ``labels`` int64 [rows].

    A convex problem from a zero start: no seed, the same answer each time.
    """
    mean, spread = pooled.mean(dim=0), pooled.std(dim=0, correction=0) + MIN_SPREAD
    standardised = (pooled - mean) / spread
    weight = torch.zeros(num_labels, pooled.shape[1], requires_grad=True)
    bias = torch.zeros(num_labels, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=MAX_ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        logits = standardised @ weight.T + bias
        value = functional.cross_entropy(logits, labels) + RIDGE * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        # Back to the scale that the head sees.
        scaled = weight / spread
        return scaled, bias - scaled @ mean
