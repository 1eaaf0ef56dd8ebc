"""Training learns, stops when it should, and a killed run ends with the very weights of one that was not."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hmi.base.errors import HmiError, InvalidInput
from hmi.build.adapter_trainer import (
    AdaptedLayers,
    AdapterTrainer,
    Interrupted,
    LabelledStates,
    Order,
    TrainedTask,
    TrainingInputs,
    has_finished,
    learning_rate,
)
from hmi.build.checkpoint import load_checkpoint
from hmi.build.distillation import Distillation, Teacher
from hmi.build.kinds.class_weights import class_weights
from hmi.build.kinds.learning import Outputs, Targets
from hmi.build.kinds.single_label import SingleLabelLearning
from hmi.build.states import StateSet
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.backbone import Backbone
from hmi.model.heads import mean_pool
from hmi.model.training_layers import TrainingLayers
from tests.fakes.full_disk import full_disk
from wire.errors import ErrorCode
from wire.training import Recipe

GOOD, BAD, NEUTRAL = (
    ("good", "great", "loved"),
    ("bad", "poor", "hated"),
    ("the", "film", "was", "match", "very"),
)
RECIPE = Recipe(
    rank=4, alpha=8.0, epochs=2, min_steps=0, learning_rate=1e-2, batch_rows=16, patience=100, seed=3
)


class Killed(Exception):
    """Stands for kill -9: nothing after it runs."""


@dataclass
class Heard:
    """Keeps every step, and dies at one when told to."""

    dies_at: int | None = None
    steps: list[int] = field(default_factory=list)
    validations: list[float] = field(default_factory=list)

    def __call__(
        self, step: int, num_steps: int, *, loss: float | None, validation_accuracy: float | None
    ) -> None:
        if step == self.dies_at:
            raise Killed
        self.steps.append(step)
        if validation_accuracy is not None:
            self.validations.append(validation_accuracy)


def rows(backbone: Backbone, *, num_rows: int, seed: int) -> LabelledStates:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, num_rows)
    texts = []
    for label in labels:
        words = [*random.choice(NEUTRAL, 2), *random.choice(GOOD if label else BAD, random.integers(2, 4))]
        texts.append(" ".join(random.permutation(words)))
    documents = backbone.tokenizer.encode(texts, 16).documents
    states = backbone.lower_states(documents).numpy().astype(np.float16)
    return LabelledStates(StateSet(states, documents.offsets), labels.astype(np.int64))


@pytest.fixture(scope="module")
def new_inputs(backbone: Backbone) -> Callable[[Recipe], TrainingInputs]:
    train, validation = rows(backbone, num_rows=96, seed=1), rows(backbone, num_rows=48, seed=2)

    def inputs(recipe: Recipe) -> TrainingInputs:
        adapter = AdapterParameters(backbone.fields, LoraConfig(recipe.rank, recipe.alpha), seed=recipe.seed)
        learning = SingleLabelLearning(2, train.targets)
        layers = TrainingLayers(backbone.upper, adapter)
        return TrainingInputs(layers, adapter, learning, backbone.fields.hidden, recipe, train, validation)

    return inputs


def trained(inputs: TrainingInputs, folder: Path, heard: Heard | None = None) -> TrainedTask:
    seconds = itertools.count(step=5)
    trainer = AdapterTrainer(
        inputs,
        checkpoint=folder / "checkpoint.safetensors",
        listener=heard or Heard(),
        monotonic=lambda: float(next(seconds)),
    )
    return trainer.run()


def is_finished(folder: Path) -> bool:
    checkpoint = load_checkpoint(folder / "checkpoint.safetensors")
    return checkpoint is not None and has_finished(checkpoint)


def weights(inputs: TrainingInputs, task: TrainedTask) -> list[torch.Tensor]:
    adapter = [value for _, value in inputs.adapter.named_parameters()]
    return [*adapter, task.head.weight, task.head.bias]


def test_it_learns_what_the_words_say(new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path) -> None:
    heard = Heard()
    task = trained(new_inputs(RECIPE), tmp_path, heard)
    assert task.validation_accuracy > 0.8
    assert task.validation_accuracy == max(heard.validations)
    assert heard.steps == list(range(1, 2 * 6 + 1))
    assert [point.step for point in task.curve] == [3, 6, 9, 12]
    assert task.curve[-1].loss < task.curve[0].loss / 2
    assert not task.stopped_early


@pytest.mark.parametrize("dies_at", [1, 3, 7, 12])
def test_a_killed_run_goes_on_to_the_same_weights_bit_by_bit(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path, dies_at: int
) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    whole = new_inputs(RECIPE)
    expected = trained(whole, tmp_path / "whole")
    with pytest.raises(Killed):
        trained(new_inputs(RECIPE), tmp_path / "killed", Heard(dies_at=dies_at))
    again = new_inputs(RECIPE)
    heard = Heard()
    task = trained(again, tmp_path / "killed", heard)
    for mine, theirs in zip(weights(again, task), weights(whole, expected), strict=True):
        assert torch.equal(mine, theirs)
    assert task.curve == expected.curve
    if dies_at > 4:
        assert heard.steps[0] > 1  # it did not start over


def test_a_teacher_is_imitated_in_its_states(
    new_inputs: Callable[[Recipe], TrainingInputs], backbone: Backbone, tmp_path: Path
) -> None:
    teacher = _teacher(new_inputs(RECIPE), tmp_path / "teacher")
    distances = {}
    for name, given in (("alone", None), ("taught", teacher)):
        inputs = replace(new_inputs(replace(RECIPE, seed=9)), teacher=given)
        (tmp_path / name).mkdir()
        task = trained(inputs, tmp_path / name)
        assert task.validation_accuracy > 0.8
        states = inputs.train.states
        assert isinstance(states, StateSet)
        with torch.no_grad():
            final = inputs.layers(torch.from_numpy(states.states.astype(np.float32)), states.offsets)
        distances[name] = float((final - torch.from_numpy(teacher.states.states.astype(np.float32))).norm())
    assert distances["taught"] < 0.8 * distances["alone"]


def test_a_killed_run_with_a_teacher_goes_on_to_the_same_weights(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    teacher = _teacher(new_inputs(RECIPE), tmp_path / "teacher")
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    whole = replace(new_inputs(RECIPE), teacher=teacher)
    expected = trained(whole, tmp_path / "whole")
    with pytest.raises(Killed):
        trained(replace(new_inputs(RECIPE), teacher=teacher), tmp_path / "killed", Heard(dies_at=7))
    again = replace(new_inputs(RECIPE), teacher=teacher)
    task = trained(again, tmp_path / "killed")
    for mine, theirs in zip(weights(again, task), weights(whole, expected), strict=True):
        assert torch.equal(mine, theirs)


def test_in_bfloat16_it_learns_as_well(
    new_inputs: Callable[[Recipe], TrainingInputs], backbone: Backbone, tmp_path: Path
) -> None:
    inputs = new_inputs(RECIPE)
    assert isinstance(inputs.adapter, AdapterParameters)
    upper = backbone.upper.in_dtype(torch.bfloat16)
    halved = replace(inputs, layers=TrainingLayers(upper, inputs.adapter))
    assert trained(halved, tmp_path).validation_accuracy > 0.8
    assert {value.dtype for _, value in inputs.adapter.named_parameters()} == {torch.float32}


def _teacher(inputs: TrainingInputs, folder: Path) -> Teacher:
    """A task that was trained on the same rows, and what it says of them."""
    folder.mkdir()
    task = trained(inputs, folder)
    states = inputs.train.states
    assert isinstance(states, StateSet)
    with torch.no_grad():
        final = inputs.layers(torch.from_numpy(states.states.astype(np.float32)), states.offsets)
        logits = mean_pool(final, states.offsets) @ task.head.weight.T + task.head.bias
    return Teacher(StateSet(final.numpy().astype(np.float16), states.offsets), logits.numpy())


def test_a_finished_run_answers_again_without_a_step(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    first = trained(new_inputs(RECIPE), tmp_path)
    heard = Heard()
    second = trained(new_inputs(RECIPE), tmp_path, heard)
    assert heard.steps == []
    assert torch.equal(first.head.weight, second.head.weight)
    assert first.curve == second.curve


def test_it_stops_when_validation_gains_no_more_and_keeps_the_best(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    heard = Heard()
    recipe = replace(RECIPE, epochs=50, patience=3, learning_rate=1e-4)
    task = trained(new_inputs(recipe), tmp_path, heard)
    assert task.stopped_early
    assert heard.steps[-1] < 50 * 6
    best_at = max(range(len(heard.validations)), key=lambda i: (heard.validations[i], -i))
    assert len(heard.validations) - 1 - best_at == 3
    assert task.validation_accuracy == max(heard.validations)
    assert trained(new_inputs(recipe), tmp_path).curve == task.curve  # it does not go on when run again


def test_few_rows_are_gone_through_until_there_are_steps_enough_and_not_stopped_before(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    inputs = new_inputs(replace(RECIPE, epochs=1, min_steps=20, patience=1))
    heard = Heard()
    task = trained(replace(inputs, learning=OneFigure(0.5, inputs.train)), tmp_path, heard)
    assert heard.steps[-1] == 20 and task.stopped_early, "of four epochs with six steps each"
    assert [point.step for point in task.curve] == [4, 8, 12, 16, 20], "a sixth of the least steps apart"


def test_of_equal_validations_the_later_is_kept(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    inputs = new_inputs(RECIPE)
    task = trained(replace(inputs, learning=OneFigure(0.5, inputs.train)), tmp_path)
    again = new_inputs(replace(RECIPE, patience=1))  # stopped at its second validation
    (tmp_path / "sooner").mkdir()
    sooner = trained(replace(again, learning=OneFigure(0.5, again.train)), tmp_path / "sooner")
    assert not torch.equal(task.head.weight, sooner.head.weight)


class OneFigure(SingleLabelLearning):
    """Its figure never changes, as that of spans before the first one is found."""

    def __init__(self, figure: float, train: LabelledStates) -> None:
        super().__init__(2, train.targets)
        self._figure = figure

    def metric(self, outputs: Outputs, targets: Targets) -> float:
        return self._figure


@pytest.mark.parametrize(("figure", "stops"), [(0.0, False), (0.5, True)])
def test_a_figure_of_nought_is_no_standstill_while_the_loss_falls(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path, figure: float, stops: bool
) -> None:
    inputs = new_inputs(replace(RECIPE, patience=1, learning_rate=1e-3))
    task = trained(replace(inputs, learning=OneFigure(figure, inputs.train)), tmp_path)
    assert task.stopped_early == stops
    assert len(task.curve) == (2 if stops else 4)


def test_told_to_leave_it_writes_a_checkpoint_at_that_step_and_goes_on_to_the_same_weights(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "left").mkdir()
    whole = new_inputs(RECIPE)
    expected = trained(whole, tmp_path / "whole")
    heard = Heard()
    with pytest.raises(Interrupted):
        ordered(new_inputs(RECIPE), tmp_path / "left", Order.LEAVE, at_step=5, heard=heard)
    assert heard.steps == [1, 2, 3, 4, 5]
    assert not is_finished(tmp_path / "left") and is_finished(tmp_path / "whole")
    again, heard = new_inputs(RECIPE), Heard()
    task = trained(again, tmp_path / "left", heard)
    assert heard.steps[0] == 6
    for mine, theirs in zip(weights(again, task), weights(whole, expected), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("at_step", [1, 7])
def test_told_to_finish_it_validates_once_more_and_keeps_the_best_so_far(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path, at_step: int
) -> None:
    heard = Heard()
    task = ordered(new_inputs(RECIPE), tmp_path, Order.FINISH, at_step=at_step, heard=heard)
    assert task is not None
    assert heard.steps[-1] == at_step
    assert task.stopped_at_cap
    assert not task.stopped_early
    assert is_finished(tmp_path)
    assert task.validation_accuracy == max(heard.validations)
    assert trained(new_inputs(RECIPE), tmp_path).curve == task.curve  # it has ended for good


def test_told_to_leave_at_its_last_step_it_has_ended(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    task = ordered(new_inputs(RECIPE), tmp_path, Order.LEAVE, at_step=12, heard=Heard())
    assert len(task.curve) == 4


def ordered(inputs: TrainingInputs, folder: Path, order: Order, *, at_step: int, heard: Heard) -> TrainedTask:
    """Train until told ``order``, after the step ``at_step``."""
    orders = [Order.GO_ON] * (at_step - 1) + [order]
    path = folder / "checkpoint.safetensors"
    return AdapterTrainer(inputs, checkpoint=path, listener=heard, asked=lambda: orders.pop(0)).run()


def test_another_seed_gives_another_adapter(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    recipe = replace(RECIPE, epochs=1)
    (tmp_path / "other").mkdir()
    one = trained(new_inputs(recipe), tmp_path)
    other = trained(new_inputs(replace(recipe, seed=4)), tmp_path / "other")
    assert [point.loss for point in one.curve] != [point.loss for point in other.curve]


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    recipe = Recipe(learning_rate=1.0)
    rates = [learning_rate(recipe, step, 100) for step in range(100)]
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) == 5
    assert rates[0] == pytest.approx(1 / 6)
    assert rates[-1] == pytest.approx(1 / 94)
    assert learning_rate(recipe, 0, 1) == 1.0


def test_rare_classes_weigh_more_and_even_ones_all_the_same() -> None:
    assert class_weights(np.array([0, 0, 1, 1, 1]), 2) is None
    labels = np.array([0] * 90 + [1] * 10)
    found = class_weights(labels, 2)
    assert found is not None
    assert float(found[1] / found[0]) == pytest.approx(3.0)
    assert float(found[torch.from_numpy(labels)].mean()) == pytest.approx(1.0)


class ScarceLayers:
    """Layers in a memory that holds ``max_tokens`` tokens with their gradients, and no more."""

    def __init__(self, layers: AdaptedLayers, *, max_tokens: int) -> None:
        self._layers, self._max_tokens = layers, max_tokens

    def __call__(self, states: torch.Tensor, offsets: npt.NDArray[np.int64]) -> torch.Tensor:
        if torch.is_grad_enabled() and len(states) > self._max_tokens:
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 byte")
        return self._layers(states, offsets)


def test_out_of_memory_it_goes_on_with_half_the_rows_at_a_time_to_the_same_end(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    (tmp_path / "ample").mkdir()
    (tmp_path / "scarce").mkdir()
    ample = trained(new_inputs(RECIPE), tmp_path / "ample")
    inputs = new_inputs(RECIPE)
    scarce = replace(inputs, layers=ScarceLayers(inputs.layers, max_tokens=70))
    task = trained(scarce, tmp_path / "scarce")
    for mine, theirs in zip(task.curve, ample.curve, strict=True):
        assert mine.loss == pytest.approx(theirs.loss, abs=1e-3)
    torch.testing.assert_close(task.head.weight, ample.head.weight, atol=1e-3, rtol=1e-2)


@pytest.mark.parametrize("reads_tokens", [False, True])
def test_half_the_rows_at_a_time_a_teacher_is_imitated_as_by_all_together(reads_tokens: bool) -> None:
    """Short texts and long ones, which the halves of a step are: no token of either counts more."""
    random = np.random.default_rng(1)
    offsets = np.array([0, 2, 5, 14, 26])
    states = StateSet(random.normal(size=(26, 8)).astype(np.float16), offsets)
    learning = SingleLabelLearning(3, np.array([0, 1, 2, 0]))
    logits = random.normal(size=(26 if reads_tokens else 4, 3)).astype(np.float32)
    distillation = Distillation(Teacher(states, logits, reads_tokens=reads_tokens), learning)
    final = torch.from_numpy(random.normal(size=(26, 8)).astype(np.float32))
    outputs = torch.from_numpy(random.normal(size=logits.shape).astype(np.float32))
    step = np.arange(4)

    def loss(rows: npt.NDArray[np.int64]) -> float:
        tokens = slice(offsets[rows[0]], offsets[rows[-1] + 1])
        given = outputs[tokens] if reads_tokens else outputs[rows]
        blended = distillation.blended(torch.zeros(()), final[tokens], given, rows, step_rows=step)
        return float(blended)

    assert loss(step[:2]) + loss(step[2:]) == pytest.approx(loss(step), rel=1e-5)


def test_out_of_memory_on_half_the_rows_says_what_to_change(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    inputs = new_inputs(RECIPE)
    scarce = replace(inputs, layers=ScarceLayers(inputs.layers, max_tokens=10))
    with pytest.raises(HmiError, match="fewer batch_rows or max_tokens") as caught:
        trained(scarce, tmp_path)
    assert caught.value.code is ErrorCode.BUDGET_EXCEEDED
    assert caught.value.retryable


def test_a_loss_that_is_no_number_ends_the_training_for_good(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    inputs = new_inputs(RECIPE)
    whole = inputs.train.states
    assert isinstance(whole, StateSet)
    states = whole.states.copy()
    states[5] = np.inf
    broken = replace(inputs, train=replace(inputs.train, states=replace(whole, states=states)))
    with pytest.raises(InvalidInput, match="lower the learning rate"):
        trained(broken, tmp_path)


def test_a_disk_that_is_full_at_a_checkpoint_leaves_the_one_before(
    new_inputs: Callable[[Recipe], TrainingInputs], tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        trained(new_inputs(RECIPE), tmp_path, Heard(dies_at=7))
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    with full_disk(), pytest.raises(OSError, match="too large"):
        trained(new_inputs(RECIPE), tmp_path)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    assert trained(new_inputs(RECIPE), tmp_path).validation_accuracy > 0.8
