"""What attention adds to a score for the distance between two tokens, one table for all layers (MPNet, Song
et al. 2020; buckets of distances after T5, Raffel et al. 2020, section 2.1)."""

import math

import torch
from torch import Tensor, nn

NUM_BUCKETS = 32
MAX_DISTANCE = 128
"""Larger distances share the last bucket."""


class RelativePositions(nn.Module):
    """Frozen, and not calibrated either: a backbone's layers share it."""

    weight: Tensor

    def __init__(self, weight: Tensor) -> None:
        """``weight`` is [NUM_BUCKETS, num_heads]."""
        super().__init__()
        self.register_buffer("weight", weight)

    def bias(self, length: int) -> Tensor:
        """To add to the scores of a document of ``length`` tokens, [num_heads, length, length]: row i is what
        token i sees of each."""
        places = torch.arange(length, device=self.weight.device)
        return self.weight[_bucket(places[None, :] - places[:, None])].permute(2, 0, 1)


def _bucket(distance: Tensor) -> Tensor:
    """Of each signed distance (seen token's place less the seeing one's): half of the buckets for each
    direction, half of those for one distance each, the others on a logarithmic scale."""
    half = NUM_BUCKETS // 2
    exact = half // 2
    far = distance.abs()
    scale = (half - exact) / math.log(MAX_DISTANCE / exact)
    coarse = exact + ((far.clamp(min=1).float() / exact).log() * scale).long()
    within = torch.where(far < exact, far, coarse.clamp(max=half - 1))
    return within + half * (distance > 0)
