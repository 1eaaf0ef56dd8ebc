"""What a version is worth, measured on the test rows, and what its training tells of the dataset itself."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from hmi.build.data_insight import DataInsight, look_into_data, outputs_of, token_learning_curve
from hmi.build.evaluation import ExactPath, Predictions, TaskModel, predict, predict_each
from hmi.build.floor_curve import FloorPoint, floor_curve
from hmi.build.kinds.span_suspects import SpanErrors
from hmi.build.kinds.token_classification import TokenClassificationTraining
from hmi.build.offline import offline_answers
from hmi.build.planned_work import Stage
from hmi.build.rank_curve import RankPoint, cut_ranks, rank_curve
from hmi.build.report import OfflineAnswers, PlotCost, plot_cost
from hmi.build.training.computed_model import original_backbone
from hmi.build.training.run import TrainingRun
from hmi.build.training.trained_models import TrainedModels
from hmi.model.adapter_bundle import Hplm
from hmi.model.adapters.host import HostAdapter
from hmi.model.backbone import Backbone
from hmi.model.heads import HostHead

Quality = npt.NDArray[np.float64]  # [test rows], of TrainingKind.row_quality


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Of one version."""

    predictions: Predictions  # looked up, as it serves
    cost: PlotCost | None  # None: nothing was trained to compare with
    floors: tuple[FloorPoint, ...]
    ranks: tuple[RankPoint, ...]
    offline: OfflineAnswers
    insight: DataInsight


def evaluate(run: TrainingRun, models: TrainedModels, kept: Hplm) -> Evaluation:
    """Measure the served model as it is ``kept``."""
    measures = _Measures(run, models, kept)
    predictions = measures.predictions()
    quality = measures.quality(predictions)
    cost, floors, offline = measures.against_computed(predictions, quality)
    return Evaluation(predictions, cost, floors, measures.ranks(quality), offline, measures.insight())


@dataclass(frozen=True, slots=True)
class _Measures:
    run: TrainingRun
    models: TrainedModels
    kept: Hplm

    def predictions(self) -> Predictions:
        run, test = self.run, self.run.parts.test
        run.progress.enter(Stage.ANSWERING, "evaluating on the test rows", num_steps=len(test.rows))
        return predict(
            self.models.served.path,
            self._model(run.backbone, self.kept.adapter, self.kept.head),
            test.documents,
            on_documents=run.progress.advance,
        )

    def quality(self, predictions: Predictions) -> Quality:
        fitted = self.models.served.trained.task.fitted
        return self.run.kind.row_quality(predictions.outputs, self.run.parts.test.targets, fitted)

    def against_computed(
        self, plot: Predictions, plot_quality: Quality
    ) -> tuple[PlotCost | None, tuple[FloorPoint, ...], OfflineAnswers]:
        """The test rows on computed lower layers: as the service answers those under a floor, with the very
        same adapter, and as all are answered without PLOT; and by the model that was trained on such, where
        there is one."""
        run, test, computed = self.run, self.run.parts.test, self.models.computed
        run.progress.enter(
            Stage.COMPUTED_ANSWERING, "measuring what a coverage floor would bring", num_steps=len(test.rows)
        )
        answering = [self._model(run.backbone, self.kept.adapter, self.kept.head)]
        if computed is not None:
            head = computed.task.fitted.head
            answering.append(self._model(original_backbone(run), computed.adapter, head))
        exact, *others = predict_each(
            ExactPath(run.backbone), answering, test.documents, on_documents=run.progress.advance
        )
        floors = floor_curve(plot, exact, plot_quality, self.quality(exact), seed=self._seed)
        offline = offline_answers(plot, exact, test.encoded, self.kept.fields)
        if computed is None:
            return None, floors, offline
        (other,) = others
        computed_quality = run.kind.row_quality(other.outputs, test.targets, computed.task.fitted)
        return plot_cost(plot_quality, computed_quality, seed=self._seed), floors, offline

    def ranks(self, quality: Quality) -> tuple[RankPoint, ...]:
        """Of the test rows as they were looked up; the very same head."""
        if self.kept.adapter is None:
            return ()
        run, states, num_done = self.run, self.models.served.states.test, 0
        num_ranks = len(cut_ranks(self.models.recipe.method, self.models.recipe.rank))
        run.progress.enter(Stage.RANKS, "measuring what a smaller rank would cost", num_steps=num_ranks)
        fitted = self.models.served.trained.task.fitted

        def measure(adapter: HostAdapter) -> Quality:
            nonlocal num_done
            outputs = outputs_of(self._model(run.backbone, adapter, self.kept.head, dtype=run.dtype), states)
            num_done += 1
            run.progress.advance(num_done)
            return run.kind.row_quality(outputs, run.parts.test.targets, fitted)

        return rank_curve(self.kept.adapter, quality, measure, seed=self._seed)

    def insight(self) -> DataInsight:
        run = self.run
        num_rows = run.parts.num_rows
        run.progress.enter(Stage.JUDGING, "looking for labels that may be wrong", num_steps=num_rows)
        judge = run.kind.judge()
        if judge is None:
            assert isinstance(run.kind, TokenClassificationTraining), "other kinds have a judge"
            curve = token_learning_curve(
                run.backbone, run.parts, self.models.served.states, run.kind, seed=self._seed
            )
            return DataInsight(self._span_errors(run.kind), curve)
        return look_into_data(
            run.backbone,
            run.parts,
            self.models.served.states,
            run.kind,
            judge,
            seed=self._seed,
            on_documents=run.progress.advance,
        )

    def _span_errors(self, kind: TokenClassificationTraining) -> SpanErrors:
        """What the trained model says of all rows, those it was trained on looked up without their own
        text."""
        run, parts, states = self.run, self.run.parts, self.models.served.states
        trained = self.models.served.trained
        model = self._model(run.backbone, trained.adapter, trained.task.fitted.head)
        outputs, num_done = [], 0
        for part in (states.train, states.validation, states.test):
            outputs.append(outputs_of(model, part))
            num_done += len(part.lengths)
            run.progress.advance(num_done)
        rows = (*parts.train.rows, *parts.validation.rows, *parts.test.rows)
        encoded = run.backbone.tokenizer.encode(
            [row.input for row in rows], self.models.recipe.max_tokens, with_words=True
        )
        return kind.suspects(rows, encoded, np.concatenate(outputs), trained.task.fitted)

    def _model(
        self,
        backbone: Backbone,
        adapter: HostAdapter | None,
        head: HostHead,
        *,
        dtype: torch.dtype = torch.float32,
    ) -> TaskModel:
        """In float32, as offline: who predicts a report's rows anywhere finds its figures."""
        return TaskModel(backbone, adapter, head, reads_tokens=self.run.reads_tokens, dtype=dtype)

    @property
    def _seed(self) -> int:
        return self.models.recipe.seed
