"""Trains one task's adapter and head on cached lower-layer states; when killed, it goes on from there."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from hmi.base.errors import HmiError, InvalidInput
from hmi.base.out_of_memory import is_out_of_memory
from hmi.build.batching import BatchPlan, in_batches
from hmi.build.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    save_checkpoint,
)
from hmi.build.distillation import Distillation, Teacher
from hmi.build.kinds.learning import FittedHead, Learning, Targets
from hmi.build.report import CurvePoint
from hmi.build.settled_recipe import settled
from hmi.build.states import DocumentStates, StateBatch, output_bounds, rows_between
from hmi.model.heads import HostHead, read_by_head
from wire.codec import from_plain, to_plain
from wire.errors import ErrorCode
from wire.training import Recipe

WARM_UP_SHARE = 0.06
WEIGHT_DECAY = 0.01
MAX_GRADIENT_NORM = 1.0
VALIDATIONS_PER_EPOCH = 2
VALIDATIONS_IN_LEAST_STEPS = 6
"""Small datasets are validated no more often: each look at a few rows is one more chance to be misled."""
MAX_VALIDATION_ROWS = 1_000
"""Early stopping looks at no more rows: they tell a point, and cost little beside half an epoch."""
INFERENCE_ROWS = 16
"""As a step usually has: products of these shapes are prepared already (training_layers.LENGTH_STEP)."""
CHECKPOINT_INTERVAL_S = 10.0

HEAD_WEIGHT = "head.weight"
HEAD_BIAS = "head.bias"

_BEST = "best."


class TrainableAdapter(Protocol):
    """An adapter whose parameters get gradients."""

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]: ...


class AdaptedLayers(Protocol):
    """The upper layers with the adapter that is trained in them."""

    def __call__(self, states: Tensor, offsets: npt.NDArray[np.int64]) -> Tensor:
        """Final states of packed documents: float32 [num_tokens, hidden] to the same."""


class Order(Enum):
    """What a trainer is told after each step."""

    GO_ON = "go_on"
    FINISH = "finish"  # the time that it may take is over: what is best so far counts
    LEAVE = "leave"  # for now: another process goes on from the checkpoint


class Interrupted(Exception):
    """The training has left, as it was told to; its checkpoint is written."""


class TrainingListener(Protocol):
    """Hears of every step; ``validation_accuracy`` is given after a validation."""

    def __call__(
        self, step: int, num_steps: int, *, loss: float | None, validation_accuracy: float | None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class LabelledStates:
    """Rows to train or to validate on."""

    states: DocumentStates
    targets: Targets  # one a row


@dataclass(frozen=True, slots=True)
class TrainingInputs:
    """What a training is a function of; ``adapter`` is fresh, made from the recipe's seed, and the one that
    ``layers`` have.

    Adapter, head and losses are float32. ``teacher``: whom to imitate besides the labels (task distillation).
    """

    layers: AdaptedLayers
    adapter: TrainableAdapter
    learning: Learning
    hidden: int
    recipe: Recipe
    train: LabelledStates
    validation: LabelledStates
    teacher: Teacher | None = None
    reads_tokens: bool = False  # the head reads every token's state; else their mean


@dataclass(frozen=True, slots=True)
class TrainedTask:
    """What the best validation had; the adapter's weights were set to it as well."""

    head: HostHead
    validation_accuracy: float
    curve: tuple[CurvePoint, ...]
    stopped_early: bool
    stopped_at_cap: bool
    fitted: FittedHead  # of ``head``, on the validation rows


@dataclass(slots=True)
class _Course:
    """How far the training is: the plain part of a checkpoint."""

    step: int = 0
    finished: bool = False
    stopped_early: bool = False
    stopped_at_cap: bool = False
    best_accuracy: float = -1.0
    best_loss: float = 0.0
    validations_without_gain: int = 0
    losses: list[float] = field(default_factory=list)  # since the last validation
    curve: list[CurvePoint] = field(default_factory=list)


class AdapterTrainer:
    """One training. Owned by one thread; all it needs to go on is in the checkpoint file.

    The rows and the learning rate of a step depend on the seed and the step's number alone, so a run that was
    killed ends with the same weights as one that was not.
    """

    def __init__(
        self,
        inputs: TrainingInputs,
        *,
        checkpoint: Path,
        listener: TrainingListener,
        asked: Callable[[], Order] = lambda: Order.GO_ON,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``asked`` is called after each step."""
        recipe = inputs.recipe
        self._inputs = inputs
        self._distillation = None if inputs.teacher is None else Distillation(inputs.teacher, inputs.learning)
        self._checkpoint_path = checkpoint
        self._listener = listener
        self._asked = asked
        self._monotonic = monotonic
        self._plan = BatchPlan(inputs.train.states.lengths, recipe.batch_rows, recipe.seed)
        self._epochs = settled(recipe, num_rows=len(inputs.train.states.lengths)).epochs
        self._num_steps = self._epochs * self._plan.steps_per_epoch
        self._validate_every = max(
            1,
            -(-self._plan.steps_per_epoch // VALIDATIONS_PER_EPOCH),
            -(-recipe.min_steps // VALIDATIONS_IN_LEAST_STEPS),
        )
        self._validation_rows = _spread(len(inputs.validation.states.lengths), MAX_VALIDATION_ROWS)
        num_outputs = inputs.learning.num_outputs
        self._parameters = {
            **dict(inputs.adapter.named_parameters()),
            HEAD_WEIGHT: torch.zeros(num_outputs, inputs.hidden, requires_grad=True),
            HEAD_BIAS: torch.zeros(num_outputs, requires_grad=True),
        }
        self._best: dict[str, Tensor] = {}
        self._optimiser = torch.optim.AdamW(
            self._parameters.values(), lr=recipe.learning_rate, weight_decay=WEIGHT_DECAY, fused=True
        )
        self._course = _Course()
        self._is_halved = False

    @property
    def step(self) -> int:
        """Steps that are done."""
        return self._course.step

    @property
    def num_steps(self) -> int:
        """Steps when nothing stops the training early."""
        return self._num_steps

    def run(self) -> TrainedTask:
        """Train to the end, or until validation gains no more. A finished training answers at once.

        Raises Interrupted when told to leave.
        """
        if self._course.step == 0:
            self.resume()
        saved_s = self._monotonic()
        for rows in self._batches_to_come():
            loss = self._step(rows)
            order = self._asked()
            if order is Order.FINISH and not self._course.finished:
                self._course.finished = self._course.stopped_at_cap = True
            accuracy = self._validate() if self._is_validation_due() else None
            self._listener(self._course.step, self._num_steps, loss=loss, validation_accuracy=accuracy)
            is_leaving = order is Order.LEAVE and not self._course.finished
            if self._course.finished or is_leaving or self._monotonic() - saved_s >= CHECKPOINT_INTERVAL_S:
                self._save()
                saved_s = self._monotonic()
            if is_leaving:
                raise Interrupted
            if self._course.finished:
                break
        return self._best_task()

    def _batches_to_come(self) -> Iterator[npt.NDArray[np.int64]]:
        if self._course.finished:  # also before its last step: stopped early, and resumed
            return
        per_epoch = self._plan.steps_per_epoch
        for epoch in range(self._course.step // per_epoch, self._epochs):
            yield from self._plan.epoch(epoch)[self._course.step - epoch * per_epoch :]

    def _step(self, rows: npt.NDArray[np.int64]) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(self._inputs.recipe, self._course.step, self._num_steps)
        loss = self._gradients_in_memory(rows)
        if not math.isfinite(loss):
            raise InvalidInput(
                f"the loss is no number any more after step {self._course.step + 1}; lower the learning rate",
                param="learning_rate",
            )
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), MAX_GRADIENT_NORM)
        self._optimiser.step()
        self._course.step += 1
        self._course.losses.append(loss)
        self._course.finished = self._course.step == self._num_steps
        return loss

    def _gradients_in_memory(self, rows: npt.NDArray[np.int64]) -> float:
        """When memory is lacking, from now on half a batch at a time: the same step, by half the room."""
        try:
            return self._gradients(rows)
        except (MemoryError, RuntimeError) as exc:
            if not is_out_of_memory(exc):
                raise
            if self._is_halved or len(rows) < 2:
                raise HmiError(
                    ErrorCode.BUDGET_EXCEEDED,
                    f"there is not enough memory to train on {len(rows)} rows a step, nor on half of "
                    "them at a time; give fewer batch_rows or max_tokens, or the machine more memory",
                    retryable=True,
                ) from exc
        self._is_halved = True
        return self._gradients_in_memory(rows)

    def _gradients(self, rows: npt.NDArray[np.int64]) -> float:
        """Set the gradients of these rows' mean loss; returns it."""
        train, learning = self._inputs.train, self._inputs.learning
        total = learning.weight(self._targets(train, rows))
        self._optimiser.zero_grad()
        loss = 0.0
        for some in np.array_split(rows, 2 if self._is_halved else 1):
            final, offsets = self._final(train.states.batch(some))
            outputs = self._outputs(final, offsets)
            part = learning.loss(outputs, self._targets(train, some)) / total
            if self._distillation is not None:
                part = self._distillation.blended(part, final, outputs, some, step_rows=rows)
            part.backward()  # type: ignore[no-untyped-call]
            loss += float(part.detach())
        return loss

    def _is_validation_due(self) -> bool:
        return self._course.finished or self._course.step % self._validate_every == 0

    def _validate(self) -> float:
        course, validation = self._course, self._inputs.validation
        outputs, learning = self._validation_outputs(), self._inputs.learning
        targets = self._targets(validation, self._validation_rows)
        accuracy = learning.metric(outputs.numpy(), targets.numpy())
        loss = learning.validation_loss(outputs, targets)
        gained = accuracy > course.best_accuracy or not self._best
        is_better_blindly = accuracy == course.best_accuracy == 0 and loss < course.best_loss
        # Few rows give few distinct accuracies: of equal ones the later is kept, but that buys no patience.
        if accuracy >= course.best_accuracy or not self._best:
            course.best_accuracy = accuracy
            course.best_loss = loss if gained else min(loss, course.best_loss)
            self._best = {name: value.detach().clone() for name, value in self._parameters.items()}
        # A figure of nought tells nothing yet, as long as no span is found: then a loss that falls is a gain.
        if gained or is_better_blindly:
            course.validations_without_gain = 0
        else:
            course.validations_without_gain += 1
        recipe = self._inputs.recipe
        is_patient = course.validations_without_gain < recipe.patience or course.step < recipe.min_steps
        if not is_patient and not course.finished:
            course.finished = course.stopped_early = True
        mean_loss = sum(course.losses) / len(course.losses)
        course.losses = []
        epoch = course.step / self._plan.steps_per_epoch
        course.curve.append(CurvePoint(course.step, epoch, mean_loss, accuracy))
        return accuracy

    @staticmethod
    def _targets(part: LabelledStates, rows: npt.NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(part.targets[rows])

    @torch.inference_mode()
    def _validation_outputs(self) -> Tensor:
        """The head's outputs on the validation rows, in their order, computed in batches of like length."""
        states, rows = self._inputs.validation.states, self._validation_rows
        lengths = states.lengths[rows]
        bounds = output_bounds(lengths, reads_tokens=self._inputs.reads_tokens)
        outputs = torch.empty(int(bounds[-1]), self._inputs.learning.num_outputs)
        for places in in_batches(np.arange(len(rows)), lengths, INFERENCE_ROWS):
            chosen = torch.from_numpy(rows_between(bounds, places))
            outputs[chosen] = self._outputs(*self._final(states.batch(rows[places])))
        return outputs.clone()

    def _final(self, batch: StateBatch) -> tuple[Tensor, npt.NDArray[np.int64]]:
        """Final states, float32 [num_tokens, hidden], and the batch's offsets."""
        return self._inputs.layers(batch.states, batch.offsets), batch.offsets

    def _outputs(self, final: Tensor, offsets: npt.NDArray[np.int64]) -> Tensor:
        """[rows, outputs], or [tokens, outputs], from final states."""
        read = read_by_head(final, offsets, reads_tokens=self._inputs.reads_tokens)
        return functional.linear(read, self._parameters[HEAD_WEIGHT], self._parameters[HEAD_BIAS])

    def _best_task(self) -> TrainedTask:
        with torch.no_grad():
            for name, value in self._best.items():
                self._parameters[name].copy_(value)
        head = HostHead(self._best[HEAD_WEIGHT], self._best[HEAD_BIAS])
        targets = self._targets(self._inputs.validation, self._validation_rows).numpy()
        return TrainedTask(
            head=head,
            validation_accuracy=self._course.best_accuracy,
            curve=tuple(self._course.curve),
            stopped_early=self._course.stopped_early,
            stopped_at_cap=self._course.stopped_at_cap,
            fitted=self._inputs.learning.finish(head, self._validation_outputs().numpy(), targets),
        )

    def _save(self) -> None:
        tensors = optimiser_tensors(self._parameters, self._optimiser)
        tensors |= {_BEST + name: value for name, value in self._best.items()}
        save_checkpoint(self._checkpoint_path, Checkpoint(tensors, to_plain(self._course)))

    def resume(self) -> None:
        """Go back to the checkpoint, if there is one. run() does so by itself."""
        checkpoint = load_checkpoint(self._checkpoint_path)
        if checkpoint is None:
            return
        self._course = from_plain(_Course, checkpoint.state)
        restore_optimiser(checkpoint, self._parameters, self._optimiser, step=self._course.step)
        self._best |= {  # none before the first validation
            name: checkpoint.tensors[_BEST + name]
            for name in self._parameters
            if _BEST + name in checkpoint.tensors
        }


def has_finished(checkpoint: Checkpoint) -> bool:
    """Whether the training that has left it will answer without a further step."""
    return from_plain(_Course, checkpoint.state).finished


def learning_rate(recipe: Recipe, step: int, num_steps: int) -> float:
    """Linear warm-up, then linear decay to zero after the last step."""
    warm_up = max(1, round(WARM_UP_SHARE * num_steps))
    factor = min((step + 1) / warm_up, (num_steps - step) / max(1, num_steps - warm_up))
    return recipe.learning_rate * factor


def _spread(num_rows: int, max_rows: int) -> npt.NDArray[np.int64]:
    """At most ``max_rows`` rows, evenly over all of them."""
    return np.unique(np.linspace(0, num_rows - 1, min(num_rows, max_rows)).astype(np.int64))
