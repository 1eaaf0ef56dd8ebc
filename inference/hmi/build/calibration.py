"""Calibration: the upper layers learn to give on looked-up inputs what the whole backbone gives, once per
backbone, on the operator's text (DESIGN's upper layers, calibrated; knowledge distillation, Hinton et al.
2015).

Windows that calibrate are in no node, so a look-up finds of them what it finds of a text in serving.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hmi.build.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    save_checkpoint,
)
from hmi.build.evaluation import LowerPath
from hmi.build.states import document_ranges, select
from hmi.model.backbone import Backbone
from hmi.model.estimators import ReportProgress
from hmi.model.heads import mean_pool
from hmi.model.upper import UpperLayers
from hmi.plot.ngram import Documents
from wire.codec import from_plain, to_plain

CHECKPOINT_INTERVAL_S = 60.0
MAX_WARM_UP_STEPS = 100
MAX_GRADIENT_NORM = 1.0
BETAS = (0.9, 0.98)
WEIGHT_DECAY = 0.01
LENGTHS_A_STEP = 4
"""Windows of few lengths stand in a step: attention over windows of one length is one call."""
EXACT = -1
"""Stands for the computed lower layers among the inputs of a step."""


@dataclass(frozen=True, slots=True)
class CalibrationRecipe:
    """What a calibration does; with the texts, all that it depends on."""

    num_steps: int
    batch_tokens: int = 6144
    learning_rate: float = 5e-4
    exact_share: float = 0.1  # of the steps, so that the exact path stays a known input
    seed: int = 1
    is_bfloat16: bool = True  # matrix products in bfloat16, weights and sums in float32


@dataclass(frozen=True, slots=True)
class Closeness:
    """How far the upper layers' answers on looked-up inputs lie from the whole backbone's, on held-out
    windows."""

    state_error: float  # mean over the upper layers of the squared error over the variance
    pooled_distance: float  # 1 - cosine of the mean-pooled final states


@dataclass(frozen=True, slots=True)
class Measured:
    """Closeness after a step."""

    step: int
    closeness: Closeness


@dataclass(slots=True)
class _Course:
    """How far a calibration is: the plain part of a checkpoint."""

    step: int = 0
    num_tokens: int = 0
    measured: list[Measured] = field(default_factory=list)


class Calibrator:
    """One calibration. What it needs to go on is in the checkpoint file; steps depend on the seed and their
    number."""

    def __init__(
        self,
        backbone: Backbone,
        student: UpperLayers,
        paths: Sequence[LowerPath],
        windows: Documents,
        held_out: Documents,
        recipe: CalibrationRecipe,
        *,
        checkpoint: Path,
        report: ReportProgress,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``student``: a second copy of the backbone's upper layers, which learns; ``paths``: ways to look
        up, as different in coverage as serving will be."""
        self._backbone, self._student, self._paths = backbone, student, tuple(paths)
        self._windows, self._held_out, self._recipe = _ByLength(windows), held_out, recipe
        self._checkpoint_path, self._report, self._monotonic = checkpoint, report, monotonic
        self._parameters = dict(student.named_parameters())
        for parameter in self._parameters.values():
            parameter.requires_grad_(True)
        self._optimiser = torch.optim.AdamW(
            self._parameters.values(), lr=recipe.learning_rate, betas=BETAS, weight_decay=WEIGHT_DECAY
        )
        self._course = _Course()

    @property
    def num_tokens(self) -> int:
        """Tokens learnt from so far."""
        return self._course.num_tokens

    @property
    def measured(self) -> tuple[Measured, ...]:
        """How close it was at the beginning and, when it has ended, at the end."""
        return tuple(self._course.measured)

    def run(self) -> None:
        """Calibrate to the end; from the checkpoint, where there is one."""
        self._resume()
        if not self._course.measured:
            self._measure()
        saved_s = self._monotonic()
        for step in range(self._course.step, self._recipe.num_steps):
            self._step(step)
            self._report("calibrating the upper layers", step + 1, self._recipe.num_steps)
            is_last = step + 1 == self._recipe.num_steps
            if is_last:
                self._measure()
            if is_last or self._monotonic() - saved_s >= CHECKPOINT_INTERVAL_S:
                self._save()
                saved_s = self._monotonic()

    def _closeness(self) -> Closeness:
        """On the held-out windows, looked up along the last path."""
        states, pooled = [], []
        with torch.no_grad():
            for start, end in document_ranges(self._held_out.lengths, self._recipe.batch_tokens):
                one, other = self._errors(select(self._held_out, range(start, end)), len(self._paths) - 1)
                states.append(float(one))
                pooled.append(float(other))
        return Closeness(sum(states) / len(states), sum(pooled) / len(pooled))

    def _measure(self) -> None:
        self._course.measured.append(Measured(self._course.step, self._closeness()))

    def _step(self, step: int) -> None:
        random = np.random.default_rng((self._recipe.seed, step))
        batch = self._windows.draw(self._recipe.batch_tokens, random)
        path = EXACT if random.random() < self._recipe.exact_share else int(random.integers(len(self._paths)))
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(self._recipe, step)
        states, pooled = self._errors(batch, path)
        self._optimiser.zero_grad()
        (states + pooled).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), MAX_GRADIENT_NORM)
        self._optimiser.step()
        self._course.step = step + 1
        self._course.num_tokens += batch.num_tokens

    def _errors(self, batch: Documents, path: int) -> tuple[Tensor, Tensor]:
        with torch.autocast(self._backbone.device.type, torch.bfloat16, enabled=self._recipe.is_bfloat16):
            with torch.no_grad():
                computed = self._backbone.lower_states(batch).clone()
                taught = self._backbone.upper.layer_states(computed, batch.offsets)
            inputs = computed if path == EXACT else self._paths[path](batch).states
            given = self._student.layer_states(inputs.float(), batch.offsets)
        errors = [
            functional.mse_loss(one.float(), other.float()) / other.float().var()
            for one, other in zip(given, taught, strict=True)
        ]
        pooled = [mean_pool(states[-1].float(), batch.offsets) for states in (given, taught)]
        distance = 1 - functional.cosine_similarity(pooled[0], pooled[1]).mean()
        return torch.stack(errors).mean(), distance

    def _save(self) -> None:
        tensors = optimiser_tensors(self._parameters, self._optimiser)
        state: dict[str, Any] = {"course": to_plain(self._course), "recipe": to_plain(self._recipe)}
        save_checkpoint(self._checkpoint_path, Checkpoint(tensors, state))

    def _resume(self) -> None:
        checkpoint = load_checkpoint(self._checkpoint_path)
        if checkpoint is None or checkpoint.state["recipe"] != to_plain(self._recipe):
            return
        self._course = from_plain(_Course, checkpoint.state["course"])
        restore_optimiser(checkpoint, self._parameters, self._optimiser, step=self._course.step)


def learning_rate(recipe: CalibrationRecipe, step: int) -> float:
    """Linear warm-up, then half a cosine down to nothing."""
    warm = min(1.0, (step + 1) / max(1, min(MAX_WARM_UP_STEPS, recipe.num_steps // 10)))
    return recipe.learning_rate * warm * 0.5 * (1 + float(np.cos(np.pi * step / recipe.num_steps)))


class _ByLength:
    """Windows to draw from, by their length."""

    def __init__(self, windows: Documents) -> None:
        self._windows = windows
        order = np.argsort(windows.lengths, kind="stable")
        lengths, firsts = np.unique(windows.lengths[order], return_index=True)
        self._lengths = lengths
        self._of_length = np.split(order, firsts[1:])
        tokens = lengths * np.array([len(some) for some in self._of_length])
        self._shares = tokens / tokens.sum()

    def draw(self, num_tokens: int, random: np.random.Generator) -> Documents:
        """About ``num_tokens`` tokens: windows of LENGTHS_A_STEP lengths, each drawn by its share of all
        tokens."""
        drawn: list[int] = []
        for number in np.sort(random.choice(len(self._lengths), LENGTHS_A_STEP, p=self._shares)):
            num_windows = max(1, round(num_tokens / LENGTHS_A_STEP / int(self._lengths[number])))
            drawn += random.choice(self._of_length[number], num_windows).tolist()
        return select(self._windows, drawn)
