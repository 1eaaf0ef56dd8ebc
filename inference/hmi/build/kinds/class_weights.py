"""Rare classes count more in a training's loss, so that they are learnt at all."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

IMBALANCE = 2.0
"""Classes are weighted when the largest has more than this many times the rows of the smallest."""


def class_weights(labels: npt.NDArray[np.int64], num_labels: int) -> Tensor | None:
    """Weights of mean 1 over the rows, by the root of their rarity; None when classes are of like size."""
    counts = np.bincount(labels, minlength=num_labels)
    present = counts[counts > 0]
    if present.max() <= IMBALANCE * present.min():
        return None
    weights = 1.0 / np.sqrt(np.maximum(counts, 1))
    return torch.from_numpy((weights / weights[labels].mean()).astype(np.float32))


def positive_weights(marks: npt.NDArray[np.float32]) -> Tensor | None:
    """[labels] What a row that has the label counts against one that has not, by the root of its rarity;
    ``marks`` as of several labels a row. None when no label is rare."""
    given = np.maximum(marks.sum(axis=0), 1)
    without = np.maximum(len(marks) - given, 1)
    if without.max() <= IMBALANCE * given[without.argmax()]:
        return None
    return torch.from_numpy(np.maximum(np.sqrt(without / given), 1).astype(np.float32))
