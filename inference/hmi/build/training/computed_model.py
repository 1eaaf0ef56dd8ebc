"""The same task on what the lower layers really compute: to say what PLOT costs, or to teach."""

from dataclasses import replace

from hmi.build.adapter_trainer import LabelledStates
from hmi.build.distillation import Teacher
from hmi.build.planned_work import Stage
from hmi.build.state_cache import CachedFile
from hmi.build.teacher import ask_teacher
from hmi.build.training.adapter_training import COMPUTED_CHECKPOINT, Lessons, Trained, train_adapter
from hmi.build.training.row_states import RowStates
from hmi.build.training.run import TrainingRun
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.backbone import Backbone, open_original_upper
from hmi.model.training_layers import TrainingLayers
from wire.codec import to_json
from wire.training import Phase, Recipe

TEACHERS_SEED = 1


class ComputedModel:
    """Trained by the job's recipe with a seed of its own, which is always the same, so that the trainings of
    a dataset have it in common."""

    def __init__(self, run: TrainingRun, recipe: Recipe, rows: RowStates) -> None:
        self._run = run
        self._recipe = replace(recipe, seed=TEACHERS_SEED)
        self._rows = rows

    def is_affordable(self) -> bool:
        """It is left out where the cap leaves no time for it."""
        is_begun = (self._run.work.path / COMPUTED_CHECKPOINT).exists()  # by an earlier process, or ended
        return is_begun or self._run.stopping.has_time_for(Phase.COMPARING)

    def train(self) -> Trained | None:
        """None where the cap cut it short."""
        run, train, validation = self._run, self._run.parts.train, self._run.parts.validation
        run.progress.enter(
            Stage.COMPUTING, "computing the lower layers", num_steps=len(train.rows) + len(validation.rows)
        )
        lessons = Lessons(
            LabelledStates(self._rows.computed_to_train(), train.targets),
            LabelledStates(self._rows.computed_to_validate(), validation.targets),
            original_backbone(run).upper,
        )
        checkpoint, shared = run.work.path / COMPUTED_CHECKPOINT, self._file_of("checkpoint")
        run.shared.take(shared, checkpoint)
        trained = train_adapter(run, Stage.TEACHER, self._recipe, lessons)
        if trained.task.stopped_at_cap:
            return None
        run.shared.keep(shared, checkpoint)
        return trained

    def teach(self, trained: Trained) -> Teacher:
        """What the ``trained`` model answers to the training rows."""
        run, train = self._run, self._run.parts.train
        adapter = AdapterParameters(run.backbone.fields, trained.adapter.config, seed=0)
        adapter.load_host(trained.adapter)
        upper = original_backbone(run).upper.in_dtype(run.dtype)
        run.progress.enter(
            Stage.ASKING, "asking the model on computed lower layers", num_steps=len(train.rows)
        )
        path, shared = run.work.path / "taught-train.f16", self._file_of("states")
        run.shared.take(shared, path)
        teacher = ask_teacher(
            path,
            TrainingLayers(upper, adapter),
            trained.task.head,
            train.documents,
            self._rows.computed_to_train(),
            reads_tokens=run.reads_tokens,
            on_documents=run.progress.advance,
        )
        run.shared.keep(shared, path)
        return teacher

    def _file_of(self, what: str) -> CachedFile:
        """With all that the model is a function of."""
        run, validation = self._run, self._run.parts.validation
        followed = replace(
            self._recipe, search=0, max_minutes=None, leaf_mb=0.0, compare_computed=False, distil=True
        )
        return run.shared.file_of(
            f"teacher's {what}",
            run.parts.train,
            run.parts.train.targets.tobytes(),
            validation.documents.token_ids.tobytes(),
            validation.documents.offsets.tobytes(),
            validation.targets.tobytes(),
            run.job.kind.value,
            "\n".join(run.job.labels),
            to_json(followed),
            str(run.dtype),
        )


def original_backbone(run: TrainingRun) -> Backbone:
    """The backbone as its checkpoint had it: what was calibrated on looked-up inputs is no match for
    computed ones."""
    if not run.backbone.fields.is_calibrated:
        return run.backbone
    return replace(run.backbone, upper=open_original_upper(run.backbone_folder, run.backbone.fields))
