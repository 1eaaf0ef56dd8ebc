"""Estimates what lower-layer states owe to position and token type, on windows of the operator's text with
random start."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmi.model.estimators import ReportProgress
from hmi.model.lower import LowerLayers
from hmi.model.packing import positions_of
from hmi.model.residuals import RowResiduals
from hmi.model.tokenizer import Tokenizer
from hmi.plot.ngram import Documents
from wire.artifacts import BackboneFields

MAX_TOKENS = 24_576
"""Tokens of windows that are computed; more no longer move the tables."""
BATCH_TOKENS = 8_192
MIN_WINDOW = 16


@torch.inference_mode()
def estimate_residuals(
    fields: BackboneFields,
    lower: LowerLayers,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    seed: int,
    report: ReportProgress,
) -> RowResiduals:
    """Residual tables; all zero where ``texts`` are too few to cut a window from.

    The effect of position i is the mean, over windows, of the state at i less its own token's mean: a
    window's start is random, so all places see the same words. What of it could be noise is shrunk away.
    Position 0 is [CLS] alone, in every document, and keeps zero: its row holds its place already. Token type
    1 is the mean difference that the type makes to the same tokens.
    """
    num_types = lower.embeddings.types.shape[0]
    residuals = RowResiduals.zeros(fields, num_types)
    windows = _windows(tokenizer, texts, fields.max_positions, np.random.default_rng(seed))
    if not windows:
        return residuals
    token_ids, positions, states = [], [], []
    type_effects = _TypeEffect(fields.hidden)
    batches = _batches(windows)
    for step, batch in enumerate(batches):
        report("measuring position residuals", step, len(batches))
        computed = lower(batch)
        if num_types > 1 and step % 8 == 0:
            type_effects.add(batch, computed, lower)
        inner = _inner_tokens(batch.offsets)
        token_ids.append(batch.token_ids[inner].astype(np.int64))
        positions.append(positions_of(batch.offsets)[inner])
        states.append(computed[torch.from_numpy(inner)])
    report("measuring position residuals", len(batches), len(batches))
    residuals.position.copy_(
        _position_means(torch.cat(states), np.concatenate(token_ids), np.concatenate(positions), fields)
    )
    if num_types > 1:
        residuals.token_type[1] = type_effects.mean()
    return residuals


def _windows(
    tokenizer: Tokenizer, texts: Sequence[str], max_positions: int, random: np.random.Generator
) -> list[NDArray[np.int32]]:
    """[CLS] window [SEP], of log-uniform length, from the texts in random order, one behind the other."""
    stream = _stream(tokenizer, texts, random)
    if len(stream) < MIN_WINDOW:
        return []
    frame = np.array([tokenizer.first_id]), np.array([tokenizer.last_id])
    longest = min(max_positions - 2, len(stream))
    wanted = min(MAX_TOKENS, 4 * len(stream))
    windows, num_tokens = [], 0
    while num_tokens < wanted:
        length = int(np.exp(random.uniform(np.log(min(MIN_WINDOW, longest)), np.log(longest))))
        start = int(random.integers(0, len(stream) - length + 1))
        windows.append(np.concatenate((frame[0], stream[start : start + length], frame[1])).astype(np.int32))
        num_tokens += length
    return windows


def _stream(tokenizer: Tokenizer, texts: Sequence[str], random: np.random.Generator) -> NDArray[np.int32]:
    pieces: list[NDArray[np.int32]] = []
    num_tokens = 0
    for index in random.permutation(len(texts)):
        pieces.append(tokenizer.encode([texts[index]], np.iinfo(np.int32).max).documents.token_ids[1:-1])
        num_tokens += len(pieces[-1])
        if num_tokens >= 4 * MAX_TOKENS:
            break
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int32)


def _batches(windows: list[NDArray[np.int32]]) -> list[Documents]:
    batches: list[Documents] = []
    group: list[NDArray[np.int32]] = []
    num_tokens = 0
    for window in windows:
        if group and num_tokens + len(window) > BATCH_TOKENS:
            batches.append(Documents.pack(group))
            group, num_tokens = [], 0
        group.append(window)
        num_tokens += len(window)
    return [*batches, Documents.pack(group)]


def _inner_tokens(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of the tokens that are neither [CLS] nor [SEP]."""
    inner = np.ones(int(offsets[-1]), np.bool_)
    inner[offsets[:-1]] = False
    inner[offsets[1:] - 1] = False
    return np.flatnonzero(inner)


def _position_means(
    states: Tensor, token_ids: NDArray[np.int64], positions: NDArray[np.int64], fields: BackboneFields
) -> Tensor:
    """Least squares of ``state = token + position``, the positions' part, shrunk towards zero by its
    noise."""
    _, numbers = np.unique(token_ids, return_inverse=True)
    tokens, places = torch.from_numpy(numbers), torch.from_numpy(positions)
    num_of_token = torch.bincount(tokens).clamp(min=1).unsqueeze(1)
    num_of_place = torch.bincount(places, minlength=fields.max_positions).unsqueeze(1)
    effect = torch.zeros(fields.max_positions, fields.hidden)
    for _ in range(BACKFITTING_ROUNDS):
        token_means = _sums(states - effect[places], tokens, len(num_of_token)) / num_of_token
        rest = states - token_means[tokens]
        effect = _sums(rest, places, fields.max_positions) / num_of_place.clamp(min=1)
        effect -= (effect * num_of_place).sum(0) / num_of_place.sum()
        effect[num_of_place.squeeze(1) == 0] = 0
    noise = (rest - effect[places]).square().sum(1).mean() / num_of_place.clamp(min=1)
    signal = effect.square().sum(1, keepdim=True)
    return effect * (1 - noise / signal.clamp(min=1e-30)).clamp(min=0)


BACKFITTING_ROUNDS = 6


def _sums(values: Tensor, groups: Tensor, num_groups: int) -> Tensor:
    return torch.zeros(num_groups, values.shape[1]).index_add_(0, groups, values)


class _TypeEffect:
    """Mean difference that token type 1 makes to the second half of a window."""

    def __init__(self, hidden: int) -> None:
        self._sum = torch.zeros(hidden)
        self._num_tokens = 0

    def add(self, batch: Documents, plain: Tensor, lower: LowerLayers) -> None:
        halves = np.repeat(np.diff(batch.offsets) // 2, np.diff(batch.offsets))
        second = positions_of(batch.offsets) >= halves
        typed = lower(batch, second.astype(np.int64))
        self._sum += (typed - plain)[torch.from_numpy(second)].sum(0)
        self._num_tokens += int(second.sum())

    def mean(self) -> Tensor:
        return self._sum / self._num_tokens
