"""The report of a training's version, from what its phases have found."""

from typing import Any

from hmi.build.kinds.learning import Evaluated, Figures
from hmi.build.learn_domain import LearnedDomain
from hmi.build.learning_curve import MIN_ROWS
from hmi.build.report import REPORT_FORMAT, Latency, Report, RowCounts, report_body
from hmi.build.training.run import TrainingRun
from hmi.build.training.trained_models import TrainedModels
from hmi.build.training.version_evaluation import Evaluation
from hmi.model.adapters.methods import METHODS
from wire.training import PublishedBundle


def version_report(
    run: TrainingRun,
    domain: LearnedDomain,
    models: TrainedModels,
    evaluation: Evaluation,
    version: PublishedBundle,
    private_share: float,
) -> dict[str, Any]:
    """As plain JSON; ``private_share`` as Report has it."""
    figures = _figures(run, models, evaluation)
    task, parts = models.served.trained.task, run.parts
    report = Report(
        format_version=REPORT_FORMAT,
        kind=run.job.kind,
        headline=figures.headline,
        label_errors=evaluation.insight.label_errors,
        learning_curve=evaluation.insight.learning_curve,
        validation_accuracy=task.validation_accuracy,
        curve=task.curve,
        stopped_early=task.stopped_early,
        stopped_at_cap=task.stopped_at_cap,
        stopped_at=run.stopping.cap.limit if task.stopped_at_cap else None,
        seconds=round(run.stopping.cap.spent_s, 1),
        rows=_row_counts(run),
        truncated_share=parts.num_truncated / parts.num_rows,
        coverage=evaluation.predictions.coverage,
        adapter_bytes=version.num_bytes,
        plot_bytes=domain.published_tree.num_bytes,
        private_share=private_share,
        private_leaf=models.leaf_trial,
        latency=_latency(evaluation, len(parts.test.rows)),
        plot_cost=evaluation.cost,
        floor_curve=evaluation.floors,
        rank_curve=evaluation.ranks,
        offline=evaluation.offline,
        recipe=models.recipe,
        search=models.search,
        backbone=run.job.backbone_digest,
        tree=domain.published_tree.digest,
        segment=domain.published_segment.digest,
        test_rows=tuple(row.row for row in parts.test.rows),
        left_out=_left_out(run, models, evaluation),
    )
    return report_body(report, figures)


def _left_out(run: TrainingRun, models: TrainedModels, evaluation: Evaluation) -> dict[str, str]:
    why = dict(run.kind.left_out)
    if evaluation.insight.learning_curve is None:
        why["learning_curve"] = f"There are fewer than {MIN_ROWS} training rows: parts of them tell nothing."
    if evaluation.cost is None:
        asked = models.recipe.compare_computed or models.recipe.distil
        why["plot_cost"] = (
            "There was no time left for the model on computed lower layers."
            if asked
            else "The recipe left the model on computed lower layers out."
        )
    cut = METHODS[models.recipe.method].cut
    if isinstance(cut, str):
        why["rank_curve"] = cut
    return why


def _figures(run: TrainingRun, models: TrainedModels, evaluation: Evaluation) -> Figures:
    test = run.parts.test
    return run.kind.figures(
        Evaluated(
            rows=test.rows,
            encoded=test.encoded,
            outputs=evaluation.predictions.outputs,
            targets=test.targets,
            train_targets=run.parts.train.targets,
            row_coverage=evaluation.predictions.row_coverage,
            fitted=models.served.trained.task.fitted,
            seed=models.recipe.seed,
        )
    )


def _row_counts(run: TrainingRun) -> RowCounts:
    parts = run.parts
    return RowCounts(
        train=len(parts.train.rows),
        validation=len(parts.validation.rows),
        test=len(parts.test.rows),
        from_ancestors=parts.num_from_ancestors,
        sharing_text=parts.num_sharing_text,
        truncated=parts.num_truncated,
    )


def _latency(evaluation: Evaluation, num_rows: int) -> Latency:
    predictions = evaluation.predictions
    return Latency(
        retrieve_ms=1000 * predictions.retrieve_s / num_rows,
        compute_ms=1000 * predictions.compute_s / num_rows,
        batch_rows=predictions.batch_rows,
    )
