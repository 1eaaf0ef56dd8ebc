"""One training among those of a job: a recipe followed on the rows' states."""

from dataclasses import dataclass

import torch

from hmi.build.adapter_trainer import (
    AdapterTrainer,
    LabelledStates,
    TrainedTask,
    TrainingInputs,
    TrainingListener,
)
from hmi.build.data_insight import PartStates
from hmi.build.distillation import Teacher
from hmi.build.planned_work import Stage
from hmi.build.training.run import TrainingRun
from hmi.model.adapters.host import HostAdapter
from hmi.model.adapters.methods import adapter_config
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.training_layers import TrainingLayers, step_cores
from hmi.model.upper import UpperLayers
from wire.artifacts import BackboneFields
from wire.tasks import validation_metric
from wire.training import Recipe

ADAPTER_DTYPE = torch.float16
"""Half the bytes of float32; what is evaluated is what was rounded."""
COMPUTED_CHECKPOINT = "computed.checkpoint"
_MESSAGES = {
    Stage.TEACHER: "training the model on computed lower layers",
    Stage.TRAINING: "training the adapter",
    Stage.LEAF_TRAINING: "training with the private leaf",
}
_CHECKPOINTS = {
    Stage.TEACHER: COMPUTED_CHECKPOINT,
    Stage.TRAINING: "plot.checkpoint",
    Stage.LEAF_TRAINING: "leaf.checkpoint",
}


@dataclass(frozen=True, slots=True)
class Lessons:
    """What an adapter learns from: rows, the upper layers that were made for such states, and whom to imitate
    besides the labels."""

    train: LabelledStates
    validation: LabelledStates
    upper: UpperLayers
    teacher: Teacher | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained task as it is kept and served."""

    task: TrainedTask
    adapter: HostAdapter


def lessons_of(run: TrainingRun, states: PartStates, teacher: Teacher | None) -> Lessons:
    """All training rows, as they are looked up."""
    return Lessons(
        LabelledStates(states.train, run.parts.train.targets),
        LabelledStates(states.validation, run.parts.validation.targets),
        run.backbone.upper,
        teacher,
    )


def train_adapter(run: TrainingRun, stage: Stage, recipe: Recipe, lessons: Lessons) -> Trained:
    """Train, or go on where an earlier process was killed. Raises Interrupted, and InvalidInput where
    max_minutes are over before the first step."""
    adapter = new_adapter(recipe, run.backbone.fields)
    trainer = AdapterTrainer(
        training_inputs(run, recipe, adapter, lessons),
        checkpoint=run.work.path / _CHECKPOINTS[stage],
        listener=_listener(run),
        asked=lambda: run.stopping.order(stage.phase),
    )
    trainer.resume()
    if trainer.step == 0:
        run.stopping.cap.refuse_reached()
    run.progress.enter(stage, _MESSAGES[stage], num_steps=trainer.num_steps, first_step=trainer.step)
    with run.stopping.interruption.deferred(), step_cores(run.dtype):
        return Trained(trainer.run(), adapter.to_host(ADAPTER_DTYPE))


def training_inputs(
    run: TrainingRun, recipe: Recipe, adapter: AdapterParameters, lessons: Lessons
) -> TrainingInputs:
    """``adapter``: a new one, made by the same recipe."""
    return TrainingInputs(
        layers=TrainingLayers(lessons.upper.in_dtype(run.dtype), adapter),
        adapter=adapter,
        learning=run.kind.learning(lessons.train.targets, weighs_classes=recipe.class_weights),
        hidden=run.backbone.fields.hidden,
        recipe=recipe,
        train=lessons.train,
        validation=lessons.validation,
        teacher=lessons.teacher,
        reads_tokens=run.reads_tokens,
    )


def new_adapter(recipe: Recipe, fields: BackboneFields) -> AdapterParameters:
    """As the recipe asks for it, before its first step."""
    config = adapter_config(recipe.method, rank=recipe.rank, alpha=recipe.alpha)
    return AdapterParameters(fields, config, seed=recipe.seed)


def _listener(run: TrainingRun) -> TrainingListener:
    def heard(step: int, num_steps: int, *, loss: float | None, validation_accuracy: float | None) -> None:
        message = None
        if validation_accuracy is not None:
            name = validation_metric(run.job.kind)
            message = f"step {step} of {num_steps}: {name} {validation_accuracy:.3f} on the validation rows"
        run.progress.advance(step, loss=loss, validation_accuracy=validation_accuracy, message=message)

    return heard
