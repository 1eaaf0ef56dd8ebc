"""One training: from a dataset's rows to published segment, tree and version. Killed and run again, it goes
on."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hmi.artifacts.bundle import read_manifest
from hmi.artifacts.store import Store
from hmi.base.compute_type import ComputeType
from hmi.base.errors import InvalidInput
from hmi.build.adapter_trainer import (
    AdapterTrainer,
    LabelledStates,
    Order,
    Teacher,
    TrainedTask,
    TrainingInputs,
)
from hmi.build.data_insight import DataInsight, PartStates, look_into_data, outputs_of
from hmi.build.dataset_parts import Part, Parts, read_parts, tokens_of
from hmi.build.evaluation import ExactPath, LowerPath, PlotPath, Predictions, TaskModel, predict, predict_each
from hmi.build.floor_curve import FloorPoint, floor_curve
from hmi.build.interruption import Interruption
from hmi.build.job_progress import JobProgress
from hmi.build.kinds.chosen import training_kind
from hmi.build.kinds.learning import Evaluated
from hmi.build.kinds.span_suspects import SpanErrors
from hmi.build.kinds.token_classification import TokenClassificationTraining
from hmi.build.learn_domain import LearnedDomain, bundle_bytes, learn_domain, open_above
from hmi.build.planned_work import Stage, planned_work, usual_work
from hmi.build.plot_builder import look_up_leaving_out
from hmi.build.private_leaf import (
    MEGABYTE,
    LeafTrial,
    PrivateLeaf,
    build_leaf,
    leaf_trial,
    private_rows,
    publish_leaf,
)
from hmi.build.rank_curve import RankPoint, cut_ranks, rank_curve
from hmi.build.recipe_search import RecipeSearch, Round, candidates, rounds, search_recipe
from hmi.build.report import (
    REPORT_FORMAT,
    Latency,
    PlotCost,
    Report,
    RowCounts,
    plot_cost,
    report_body,
)
from hmi.build.settled_recipe import settled
from hmi.build.spend_cap import SpendCap
from hmi.build.split import ChooseSplit, split_rows
from hmi.build.state_cache import CachedFile, StateCache, content_key
from hmi.build.states import ComputeStates, SomeStates, StateSet, kept_states, select
from hmi.build.teacher import ask_teacher
from hmi.build.window_states import WindowStates
from hmi.build.work_folder import WINDOWS_FILE, WorkFolder
from hmi.kinds.answers import answers_of
from hmi.model.adapter_bundle import Hplm, open_adapter_bundle, save_adapter_bundle
from hmi.model.adapters.host import HostAdapter
from hmi.model.adapters.methods import adapter_config
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.backbone import Backbone, open_original_upper
from hmi.model.compute_type import compute_dtype
from hmi.model.heads import HostHead
from hmi.model.training_layers import TrainingLayers, step_cores
from hmi.model.upper import UpperLayers
from hmi.plot.leave_one_out import NodeEvidence
from hmi.plot.segment import text_hashes
from hmi.plot.tree import open_leave_one_out
from wire.artifacts import BackboneFields, BundleRef, bundle_digest
from wire.codec import to_json
from wire.ids import Digest
from wire.tasks import validation_metric
from wire.training import Phase, PublishedBundle, Recipe, TrainJob, TrainResult

VERSION_FOLDER = "version"
TEACHERS_SEED = 1
CACHE_FORMAT = "1"
"""Of what is cached: another number where the same inputs give other states."""
COMPUTED_CHECKPOINT = "computed.checkpoint"
_AFTER = {
    Phase.SEARCHING: (Phase.COMPARING, Phase.TRAINING, Phase.EVALUATING),
    Phase.COMPARING: (Phase.TRAINING, Phase.EVALUATING),
    Phase.TRAINING: (Phase.EVALUATING,),
    Phase.TRYING_LEAF: (Phase.EVALUATING,),
}
"""What a phase must leave time for under a cap, where it is still to come."""
ADAPTER_DTYPE = torch.float16
"""Half the bytes of float32; what is evaluated is what was rounded."""


def run_training(
    job: TrainJob,
    *,
    store: Store,
    work: WorkFolder,
    progress: JobProgress,
    split: ChooseSplit = split_rows,
    interruption: Interruption | None = None,
    cache: StateCache | None = None,
) -> TrainResult:
    """Do the job, or what an earlier, killed run left of it; a finished one answers at once. ``cache``: where
    earlier jobs have left states that this one needs again.

    Raises HmiError, of which one of a 4xx code means that trying again cannot help; and Interrupted.
    """
    with work.claim(job):
        done = work.result()
        if done is None:
            training = _Training(job, store, work, progress, interruption or Interruption(), cache)
            done = training.run(split)
            work.finish(done)
        return done


@dataclass(frozen=True, slots=True)
class _Trained:
    """A trained task as it is kept and served."""

    task: TrainedTask
    adapter: HostAdapter


@dataclass(frozen=True, slots=True)
class _OnPlot:
    """What was trained on looked-up rows, and how they are looked up."""

    path: PlotPath
    states: PartStates
    trained: _Trained
    leaf: PrivateLeaf | None = None


@dataclass(frozen=True, slots=True)
class _Privacy:
    """What of the dataset's n-grams stayed with the task."""

    share: float
    leaf: LeafTrial | None


@dataclass(frozen=True, slots=True)
class _Curves:
    """What other floors and ranks would bring."""

    floors: tuple[FloorPoint, ...]
    ranks: tuple[RankPoint, ...]


class _Training:
    """The phases of one run, in order. Each leaves what it made in the work folder or the store, whole."""

    def __init__(
        self,
        job: TrainJob,
        store: Store,
        work: WorkFolder,
        progress: JobProgress,
        interruption: Interruption,
        cache: StateCache | None,
    ) -> None:
        self._job = job
        self._cache = cache
        self._interruption = interruption
        self._cap = SpendCap(work.path / "seconds", job.recipe.max_minutes)
        self._recipe = job.recipe
        self._kind = training_kind(job.kind, job.labels)
        self._reads_tokens = answers_of(job.kind).reads_tokens
        self._store = store
        self._work = work
        self._progress = progress
        check_recipe(job.recipe)
        progress.enter(Phase.STARTING, "opening the backbone")
        folder = store.localize(job.backbone_uri, job.backbone_digest)
        self._backbone = Backbone.open(folder, digest=job.backbone_digest)
        self._folder = folder
        check_fits(job.recipe, self._backbone)
        self._dtype = compute_dtype(ComputeType.AUTO, "cpu")
        self._window_states = WindowStates(self._backbone, work.path / WINDOWS_FILE, dtype=self._dtype)

    def run(self, split: ChooseSplit) -> TrainResult:
        job, progress = self._job, self._progress
        above = open_above(self._store, job, self._backbone)
        progress.enter(Phase.SPLITTING, "splitting the rows")
        with self._store.open_file(job.rows_uri) as lines:
            parts = read_parts(lines, job, self._backbone.tokenizer, above, split, self._kind)
        num_train = len(parts.train.rows)
        self._recipe = settled(self._recipe, num_rows=num_train)
        work = usual_work(self._dtype)
        progress.plan(planned_work(tokens_of(parts), num_train, self._backbone.fields, self._recipe, work))
        progress.enter(Stage.LEARNING_DOMAIN, "learning the domain's n-grams")
        domain = learn_domain(
            self._store,
            job,
            self._backbone,
            above,
            parts.train.texts,
            states=self._window_states,
            report=self._report,
        )
        plot_path = PlotPath(self._backbone, domain.tree)
        states = self._look_up(domain, plot_path, parts)
        search = self._search(parts, states)
        if search is not None:
            self._recipe = settled(search.recipe, num_rows=num_train)
        recipe = self._recipe
        computed, teacher = None, None
        if recipe.distil and self._is_to_compare():
            computed = self._train_on_computed(parts)
            teacher = None if computed is None else self._teacher(computed, parts)
        plot = self._train(
            Stage.TRAINING,
            "plot.checkpoint",
            parts,
            states.train,
            states.validation,
            upper=self._backbone.upper,
            teacher=teacher,
        )
        is_private = private_rows(self._store, above.parent, domain.own)
        plain = _OnPlot(plot_path, states, plot)
        served, trial = self._with_leaf(domain, is_private, parts, plain, teacher)
        if not recipe.distil and recipe.compare_computed and self._is_to_compare():
            computed = self._train_on_computed(parts)  # after the model that it is compared with
        leaf = None if served.leaf is None else publish_leaf(self._store, served.leaf, job.version_out_uri)
        version = self._write_version(domain, served.trained, leaf)
        progress.enter(Stage.ANSWERING, "evaluating on the test rows", num_steps=len(parts.test.rows))
        kept = open_adapter_bundle(
            self._work.path / VERSION_FOLDER,
            digest=version,
            backbone_fields=self._backbone.fields,
            backbone=self._backbone.digest,
        )
        task = served.trained.task
        predictions = self._predict(self._backbone, served.path, kept.adapter, kept.head, parts.test)
        quality = self._kind.row_quality(predictions.outputs, parts.test.targets, task.fitted)
        cost, floors = self._against_computed(predictions, quality, kept, task, computed, parts.test)
        curves = _Curves(floors, self._rank_curve(kept, task, quality, parts.test, served.states.test))
        insight = self._look_into_data(parts, served.states, served.trained)
        progress.enter(Stage.PUBLISHING, "publishing the version", num_steps=1)
        published = self._publish_version(version)
        privacy = _Privacy(float(is_private.mean()) if len(is_private) else 1.0, trial)
        report = self._report_of(
            parts, domain, task, predictions, cost, curves, insight, search, published, privacy
        )
        progress.advance(1, message="the version is published")
        return TrainResult(
            version=published,
            tree=domain.published_tree,
            segment=domain.published_segment,
            leaf=leaf,
            report=report,
        )

    def _report(self, message: str, step: int, num_steps: int) -> None:
        self._cap.refuse_reached()
        self._progress.advance(step, num_steps=num_steps, message=message)

    def _asked(self, *to_come: Phase) -> Order:
        if self._interruption.is_asked:
            return Order.LEAVE
        to_come_s = self._progress.seconds_for(*to_come)
        return Order.FINISH if self._cap.is_reached(still_to_come_s=to_come_s) else Order.GO_ON

    def _is_to_compare(self) -> bool:
        """The model on computed lower layers, also as a teacher, is left out where the cap leaves no time."""
        to_come_s = self._progress.seconds_for(Phase.COMPARING, *_AFTER[Phase.COMPARING])
        is_begun = (self._work.path / COMPUTED_CHECKPOINT).exists()  # by an earlier process, or ended
        return is_begun or not self._cap.is_reached(still_to_come_s=to_come_s)

    def _with_leaf(
        self,
        domain: LearnedDomain,
        is_private: npt.NDArray[np.bool_],
        parts: Parts,
        plain: _OnPlot,
        teacher: Teacher | None,
    ) -> tuple[_OnPlot, LeafTrial | None]:
        """``plain``, or the same recipe with a private leaf where the validation rows gain by it."""
        max_bytes = round(self._recipe.leaf_mb * MEGABYTE)
        if max_bytes == 0:
            return plain, None
        if plain.trained.task.stopped_at_cap:
            return plain, LeafTrial(False, "max_minutes left no time to try one", max_bytes)
        self._progress.enter(Stage.LEAF_LOOKING_UP, "building the private leaf")
        leaf = build_leaf(domain.own, is_private, domain.tree, max_bytes)
        if leaf is None:
            return plain, LeafTrial(False, "nothing of the text stayed private", max_bytes)
        path = PlotPath(self._backbone, domain.tree, leaf.table)
        states = self._look_up(domain, path, parts, leaf=leaf)
        trained = self._train(
            Stage.LEAF_TRAINING,
            "leaf.checkpoint",
            parts,
            states.train,
            states.validation,
            upper=self._backbone.upper,
            teacher=teacher,
        )
        with_leaf = _OnPlot(path, states, trained, leaf)
        trial = leaf_trial(
            leaf,
            max_bytes,
            without=plain.trained.task.validation_accuracy,
            with_it=trained.task.validation_accuracy,
            is_cut_short=trained.task.stopped_at_cap,
        )
        return (with_leaf if trial.is_kept else plain), trial

    def _look_up(
        self, domain: LearnedDomain, path: PlotPath, parts: Parts, *, leaf: PrivateLeaf | None = None
    ) -> PartStates:
        """Training rows are looked up as if their own text had never been counted, the others as in
        serving."""
        train, validation, test = parts.train, parts.validation, parts.test
        stage, name = (Stage.LOOKING_UP, "plot") if leaf is None else (Stage.LEAF_LOOKING_UP, "leaf")
        self._progress.enter(stage, "looking all rows up", num_steps=parts.num_rows)
        evidence = None if leaf is None else NodeEvidence((leaf.segment,), leaf.table)
        leaving_out = open_leave_one_out(self._store, domain.tree, own=domain.own, leaf=evidence)

        def look_up(start: int, end: int) -> npt.NDArray[np.float32]:
            found = look_up_leaving_out(
                self._backbone,
                leaving_out,
                train.texts[start:end],
                max_tokens=self._recipe.max_tokens,
                inputs=[row.input for row in train.rows[start:end]],
                states=self._window_states,
            )
            residuals: npt.NDArray[np.float32] = self._backbone.residuals_of(found.encoded.documents).numpy()
            return found.rows + residuals

        def states(part: str, of: Part, compute: ComputeStates, done_before: int) -> StateSet:
            # A leaf is the task's own: nothing of it is left to others.
            kept = self._looked_up(domain, of, leaves_out=of is train) if leaf is None else None
            return self._states(f"{name}-{part}.f16", of, compute, done_before=done_before, cached=kept)

        num_train, num_validation = len(train.rows), len(validation.rows)
        return PartStates(
            states("train", train, look_up, 0),
            states("validation", validation, _along(path, validation), num_train),
            states("test", test, _along(path, test), num_train + num_validation),
        )

    def _looked_up(self, domain: LearnedDomain, part: Part, *, leaves_out: bool) -> CachedFile:
        """What a part's looked-up states are a function of: with ``leaves_out``, of whole texts and of what
        their dataset has counted, too."""
        nodes = [node.digest for node in domain.tree.fields.nodes]
        left_out: list[bytes | str] = []
        if leaves_out:
            hashes = text_hashes(part.texts).tobytes()
            left_out = [domain.published_segment.digest, hashes, str(self._dtype)]
        return self._cached("looked up", part, *nodes, *left_out, tree=domain.tree.digest)

    def _cached(self, what: str, part: Part, *further: bytes | str, tree: Digest | None = None) -> CachedFile:
        documents = part.documents
        key = content_key(
            CACHE_FORMAT,
            what,
            self._job.backbone_digest,
            documents.token_ids.tobytes(),
            documents.offsets.tobytes(),
            *further,
        )
        return CachedFile(self._job.tenant_id, self._job.dataset_id, tree, key)

    def _train_on_computed(self, parts: Parts) -> _Trained | None:
        """The same recipe on what the lower layers really compute; None where the cap cut it short.

        Its seed is always the same, so that the trainings of a dataset have it in common.
        """
        train, validation = parts.train, parts.validation
        self._progress.enter(
            Stage.COMPUTING, "computing the lower layers", num_steps=len(train.rows) + len(validation.rows)
        )
        states = (
            self._computed_states("train", train, done_before=0),
            self._computed_states("validation", validation, done_before=len(train.rows)),
        )
        checkpoint, cached = self._work.path / COMPUTED_CHECKPOINT, self._of_teacher("checkpoint", parts)
        self._take(cached, checkpoint)
        trained = self._train(
            Stage.TEACHER,
            COMPUTED_CHECKPOINT,
            parts,
            *states,
            upper=self._original().upper,
            recipe=self._teachers_recipe,
        )
        if trained.task.stopped_at_cap:
            return None
        self._keep(cached, checkpoint)
        return trained

    @property
    def _teachers_recipe(self) -> Recipe:
        return replace(self._recipe, seed=TEACHERS_SEED)

    def _computed_states(self, name: str, part: Part, *, done_before: int) -> StateSet:
        """As exact as the upper layers that read them."""
        return self._states(
            f"computed-{name}.f16",
            part,
            _along(ExactPath(self._backbone, dtype=self._dtype), part),
            done_before=done_before,
            cached=self._cached("computed", part, str(self._dtype)),
        )

    def _teacher(self, computed: _Trained, parts: Parts) -> Teacher:
        """What the model on computed lower layers answers to the training rows."""
        train = parts.train
        adapter = AdapterParameters(self._backbone.fields, computed.adapter.config, seed=0)
        adapter.load_host(computed.adapter)
        upper = self._original().upper.in_dtype(self._dtype)
        self._progress.enter(
            Stage.ASKING, "asking the model on computed lower layers", num_steps=len(train.rows)
        )
        path, cached = self._work.path / "taught-train.f16", self._of_teacher("states", parts)
        self._take(cached, path)
        teacher = ask_teacher(
            path,
            TrainingLayers(upper, adapter),
            computed.task.head,
            train.documents,
            self._computed_states("train", train, done_before=0),
            reads_tokens=self._reads_tokens,
            on_documents=self._progress.advance,
        )
        self._keep(cached, path)
        return teacher

    def _of_teacher(self, what: str, parts: Parts) -> CachedFile:
        """What the model on computed lower layers is a function of."""
        validation = parts.validation
        followed = replace(
            self._teachers_recipe,
            search=0,
            max_minutes=None,
            leaf_mb=0.0,
            compare_computed=False,
            distil=True,
        )
        return self._cached(
            f"teacher's {what}",
            parts.train,
            parts.train.targets.tobytes(),
            validation.documents.token_ids.tobytes(),
            validation.documents.offsets.tobytes(),
            validation.targets.tobytes(),
            self._job.kind.value,
            "\n".join(self._job.labels),
            to_json(followed),
            str(self._dtype),
        )

    def _original(self) -> Backbone:
        """The backbone as its checkpoint had it: what was calibrated on looked-up inputs is no match for
        computed ones."""
        if not self._backbone.fields.is_calibrated:
            return self._backbone
        upper = open_original_upper(self._folder, self._backbone.fields)
        return replace(self._backbone, upper=upper)

    def _states(
        self,
        name: str,
        part: Part,
        compute: ComputeStates,
        *,
        done_before: int,
        cached: CachedFile | None,
    ) -> StateSet:
        """The states of a part's rows: those of a run before, or of another job, or computed now."""
        path = self._work.path / name
        self._take(cached, path)
        states = kept_states(
            path,
            part.documents,
            compute,
            hidden=self._backbone.fields.hidden,
            on_documents=lambda done: self._progress.advance(done_before + done),
        )
        self._keep(cached, path)
        return states

    def _take(self, cached: CachedFile | None, path: Path) -> None:
        """Let another job's file stand at ``path``, where there is one and this job has none yet."""
        if self._cache is not None and cached is not None and not path.exists():
            self._cache.take(cached, path)

    def _keep(self, cached: CachedFile | None, path: Path) -> None:
        """Leave what stands at ``path`` to others."""
        if self._cache is not None and cached is not None:
            self._cache.keep(cached, path)

    def _search(self, parts: Parts, states: PartStates) -> RecipeSearch | None:
        """Which recipe near the one asked for validates best; what an earlier process chose stands."""
        num_rows = len(parts.train.rows)
        tried = candidates(self._recipe)
        if len(tried) < 2:
            return None
        done = self._work.search()
        if done is not None:
            return done
        num_trials = sum(part.num_candidates for part in rounds(len(tried)))
        self._progress.enter(Stage.SEARCHING, f"trying {len(tried)} recipes", num_steps=num_trials)
        order = np.random.default_rng(self._recipe.seed).permutation(num_rows)
        num_done = 0

        def measure(recipe: Recipe, part: Round, place: int) -> float:
            nonlocal num_done
            chosen = np.sort(order[: part.rows_of(num_rows)])
            inputs = self._inputs(
                recipe,
                self._new_adapter(recipe),
                self._backbone.upper,
                LabelledStates(SomeStates(states.train, chosen), parts.train.targets[chosen]),
                LabelledStates(states.validation, parts.validation.targets),
            )
            trainer = AdapterTrainer(
                inputs,
                checkpoint=self._work.path / f"search-{part.number}-{place}.checkpoint",
                listener=lambda *step, **figures: self._progress.advance(num_done),
                asked=lambda: self._asked(*_AFTER[Phase.SEARCHING]),
            )
            with self._interruption.deferred(), step_cores(self._dtype):
                accuracy = trainer.run().validation_accuracy
            num_done += 1
            self._progress.advance(
                num_done,
                message=f"round {part.number}, recipe {place + 1} of {part.num_candidates}: learning rate "
                f"{recipe.learning_rate:.1g}, rank {recipe.rank}, {recipe.epochs} epochs: "
                f"{validation_metric(self._job.kind)} {accuracy:.3f} on the validation rows",
            )
            return accuracy

        found = search_recipe(
            self._recipe,
            num_rows=num_rows,
            measure=measure,
            is_over=lambda: self._asked(*_AFTER[Phase.SEARCHING]) is Order.FINISH,
        )
        self._work.keep_search(found)
        return found

    def _new_adapter(self, recipe: Recipe) -> AdapterParameters:
        return new_adapter(recipe, self._backbone.fields)

    def _inputs(
        self,
        recipe: Recipe,
        adapter: AdapterParameters,
        upper: UpperLayers,
        train: LabelledStates,
        validation: LabelledStates,
        *,
        teacher: Teacher | None = None,
    ) -> TrainingInputs:
        return TrainingInputs(
            layers=TrainingLayers(upper.in_dtype(self._dtype), adapter),
            adapter=adapter,
            learning=self._kind.learning(train.targets),
            hidden=self._backbone.fields.hidden,
            recipe=recipe,
            train=train,
            validation=validation,
            teacher=teacher,
            reads_tokens=self._reads_tokens,
        )

    def _train(
        self,
        stage: Stage,
        checkpoint: str,
        parts: Parts,
        train: StateSet,
        validation: StateSet,
        *,
        upper: UpperLayers,
        teacher: Teacher | None = None,
        recipe: Recipe | None = None,
    ) -> _Trained:
        """By the job's recipe, or another ``recipe``."""
        recipe = recipe or self._recipe
        adapter = self._new_adapter(recipe)
        inputs = self._inputs(
            recipe,
            adapter,
            upper,
            LabelledStates(train, parts.train.targets),
            LabelledStates(validation, parts.validation.targets),
            teacher=teacher,
        )
        trainer = AdapterTrainer(
            inputs,
            checkpoint=self._work.path / checkpoint,
            listener=self._heard,
            asked=lambda: self._asked(*_AFTER[stage.phase]),
        )
        trainer.resume()
        if trainer.step == 0:
            self._cap.refuse_reached()
        self._progress.enter(
            stage, "training the adapter", num_steps=trainer.num_steps, first_step=trainer.step
        )
        with self._interruption.deferred(), step_cores(self._dtype):
            return _Trained(trainer.run(), adapter.to_host(ADAPTER_DTYPE))

    def _heard(
        self, step: int, num_steps: int, *, loss: float | None, validation_accuracy: float | None
    ) -> None:
        message = None
        if validation_accuracy is not None:
            name = validation_metric(self._job.kind)
            message = f"step {step} of {num_steps}: {name} {validation_accuracy:.3f} on the validation rows"
        self._progress.advance(step, loss=loss, validation_accuracy=validation_accuracy, message=message)

    def _write_version(
        self, domain: LearnedDomain, trained: _Trained, leaf: PublishedBundle | None
    ) -> Digest:
        folder = self._work.bundle(VERSION_FOLDER)
        if folder is not None:
            return bundle_digest(read_manifest(folder))
        return save_adapter_bundle(
            self._work.new_bundle(VERSION_FOLDER),
            adapter=trained.adapter,
            head=trained.task.fitted.head,
            labels=self._job.labels,
            max_tokens=self._recipe.max_tokens,
            backbone_fields=self._backbone.fields,
            backbone=self._backbone.digest,
            tree=domain.published_tree.digest,
            metrics={
                "validation_accuracy": trained.task.validation_accuracy,
                **trained.task.fitted.metrics,
            },
            backbone_uri=self._job.backbone_uri,
            label_set_thresholds=trained.task.fitted.label_set_thresholds,
            kind=self._job.kind,
            thresholds=trained.task.fitted.thresholds,
            adjacent_cost=trained.task.fitted.adjacent_cost,
            score_slope=trained.task.fitted.score_map.slope,
            score_offset=trained.task.fitted.score_map.offset,
            value_bounds=trained.task.fitted.value_bounds,
            leaf=None if leaf is None else BundleRef(leaf.uri, leaf.digest),
        )

    def _publish_version(self, digest: Digest) -> PublishedBundle:
        uri = self._job.version_out_uri
        self._store.publish(self._work.path / VERSION_FOLDER, uri)
        return PublishedBundle(uri, digest, bundle_bytes(self._store, uri, digest))

    def _predict(
        self, backbone: Backbone, path: LowerPath, adapter: HostAdapter | None, head: HostHead, test: Part
    ) -> Predictions:
        model = self._model(backbone, adapter, head)
        return predict(path, model, test.documents, on_documents=self._progress.advance)

    def _model(
        self,
        backbone: Backbone,
        adapter: HostAdapter | None,
        head: HostHead,
        *,
        dtype: torch.dtype = torch.float32,
    ) -> TaskModel:
        """In float32, as offline: who predicts a report's rows anywhere finds its figures."""
        return TaskModel(backbone, adapter, head, reads_tokens=self._reads_tokens, dtype=dtype)

    def _against_computed(
        self,
        plot: Predictions,
        plot_quality: npt.NDArray[np.float64],
        kept: Hplm,
        task: TrainedTask,
        computed: _Trained | None,
        test: Part,
    ) -> tuple[PlotCost | None, tuple[FloorPoint, ...]]:
        """The test rows on computed lower layers: as the service answers those under a floor, with the very
        same adapter, and by the model that was trained on such, where there is one."""
        self._progress.enter(
            Stage.COMPUTED_ANSWERING, "measuring what a coverage floor would bring", num_steps=len(test.rows)
        )
        models, fitted = [self._model(self._backbone, kept.adapter, kept.head)], [task.fitted]
        if computed is not None:
            fitted.append(computed.task.fitted)
            models.append(self._model(self._original(), computed.adapter, fitted[-1].head))
        answers = predict_each(
            ExactPath(self._backbone), models, test.documents, on_documents=self._progress.advance
        )
        exact_quality, *computed_quality = (
            self._kind.row_quality(answer.outputs, test.targets, of)
            for answer, of in zip(answers, fitted, strict=True)
        )
        seed = self._recipe.seed
        cost = plot_cost(plot_quality, computed_quality[0], seed=seed) if computed_quality else None
        return cost, floor_curve(plot, answers[0], plot_quality, exact_quality, seed=seed)

    def _rank_curve(
        self,
        kept: Hplm,
        task: TrainedTask,
        quality: npt.NDArray[np.float64],
        test: Part,
        states: StateSet,
    ) -> tuple[RankPoint, ...]:
        """Of the test rows as they were looked up; the very same head."""
        if kept.adapter is None:
            return ()
        num_ranks, num_done = len(cut_ranks(self._recipe.rank)), 0
        self._progress.enter(Stage.RANKS, "measuring what a smaller rank would cost", num_steps=num_ranks)

        def measure(adapter: HostAdapter) -> npt.NDArray[np.float64]:
            nonlocal num_done
            outputs = outputs_of(self._model(self._backbone, adapter, kept.head, dtype=self._dtype), states)
            num_done += 1
            self._progress.advance(num_done)
            return self._kind.row_quality(outputs, test.targets, task.fitted)

        return rank_curve(kept.adapter, quality, measure, seed=self._recipe.seed)

    def _look_into_data(self, parts: Parts, states: PartStates, trained: _Trained) -> DataInsight:
        self._progress.enter(Stage.JUDGING, "looking for labels that may be wrong", num_steps=parts.num_rows)
        judge = self._kind.judge()
        if judge is None:
            assert isinstance(self._kind, TokenClassificationTraining), "other kinds have a judge"
            return DataInsight(self._span_errors(self._kind, parts, states, trained), None)
        return look_into_data(
            self._backbone,
            parts,
            states,
            judge,
            seed=self._recipe.seed,
            on_documents=self._progress.advance,
        )

    def _span_errors(
        self, kind: TokenClassificationTraining, parts: Parts, states: PartStates, trained: _Trained
    ) -> SpanErrors:
        """What the trained model says of all rows, those it was trained on looked up without their own
        text."""
        fitted = trained.task.fitted
        model = self._model(self._backbone, trained.adapter, fitted.head)
        outputs, num_done = [], 0
        for part in (states.train, states.validation, states.test):
            outputs.append(outputs_of(model, part))
            num_done += len(part.lengths)
            self._progress.advance(num_done)
        rows = (*parts.train.rows, *parts.validation.rows, *parts.test.rows)
        encoded = self._backbone.tokenizer.encode(
            [row.input for row in rows], self._recipe.max_tokens, with_words=True
        )
        return kind.suspects(rows, encoded, np.concatenate(outputs), fitted)

    def _report_of(
        self,
        parts: Parts,
        domain: LearnedDomain,
        task: TrainedTask,
        predictions: Predictions,
        cost: PlotCost | None,
        curves: _Curves,
        insight: DataInsight,
        search: RecipeSearch | None,
        version: PublishedBundle,
        privacy: _Privacy,
    ) -> dict[str, Any]:
        num_test = len(parts.test.rows)
        figures = self._kind.figures(
            Evaluated(
                rows=parts.test.rows,
                encoded=parts.test.encoded,
                outputs=predictions.outputs,
                targets=parts.test.targets,
                train_targets=parts.train.targets,
                row_coverage=predictions.row_coverage,
                fitted=task.fitted,
                seed=self._recipe.seed,
            )
        )
        report = Report(
            format_version=REPORT_FORMAT,
            kind=self._job.kind,
            headline=figures.headline,
            label_errors=insight.label_errors,
            learning_curve=insight.learning_curve,
            validation_accuracy=task.validation_accuracy,
            curve=task.curve,
            stopped_early=task.stopped_early,
            stopped_at_cap=task.stopped_at_cap,
            seconds=round(self._cap.spent_s, 1),
            rows=RowCounts(
                train=len(parts.train.rows),
                validation=len(parts.validation.rows),
                test=num_test,
                from_ancestors=parts.num_from_ancestors,
                truncated=parts.num_truncated,
            ),
            truncated_share=parts.num_truncated / parts.num_rows,
            coverage=predictions.coverage,
            adapter_bytes=version.num_bytes,
            plot_bytes=domain.published_tree.num_bytes,
            private_share=privacy.share,
            private_leaf=privacy.leaf,
            latency=Latency(
                retrieve_ms=1000 * predictions.retrieve_s / num_test,
                compute_ms=1000 * predictions.compute_s / num_test,
                batch_rows=predictions.batch_rows,
            ),
            plot_cost=cost,
            floor_curve=curves.floors,
            rank_curve=curves.ranks,
            recipe=self._recipe,
            search=search,
            backbone=self._job.backbone_digest,
            tree=domain.published_tree.digest,
            segment=domain.published_segment.digest,
            test_rows=tuple(row.row for row in parts.test.rows),
        )
        return report_body(report, figures)


def new_adapter(recipe: Recipe, fields: BackboneFields) -> AdapterParameters:
    """As the recipe asks for it, before its first step."""
    config = adapter_config(recipe.method, rank=recipe.rank, alpha=recipe.alpha)
    return AdapterParameters(fields, config, seed=recipe.seed)


def check_recipe(recipe: Recipe) -> None:
    """Raise InvalidInput for what no training can do."""
    adapter_config(recipe.method, rank=max(1, recipe.rank), alpha=recipe.alpha)
    for name in ("rank", "epochs", "batch_rows", "patience"):
        if getattr(recipe, name) < 1:
            raise InvalidInput(
                f"the recipe's {name} is {getattr(recipe, name)}, at least 1 is needed", param=name
            )
    if recipe.min_steps < 0:
        raise InvalidInput(f"the recipe's min_steps is {recipe.min_steps}", param="min_steps")
    if not 0 <= recipe.leaf_mb < float("inf"):
        raise InvalidInput(f"the recipe's leaf_mb is {recipe.leaf_mb}", param="leaf_mb")
    if recipe.max_minutes is not None and not recipe.max_minutes > 0:
        raise InvalidInput(f"the recipe's max_minutes is {recipe.max_minutes}", param="max_minutes")
    if not 0 < recipe.learning_rate < 1:
        raise InvalidInput(
            f"the recipe's learning_rate is {recipe.learning_rate}; it lies between 0 and 1",
            param="learning_rate",
        )


def check_fits(recipe: Recipe, backbone: Backbone) -> None:
    """Raise InvalidInput for texts longer than the backbone takes."""
    if not 3 <= recipe.max_tokens <= backbone.fields.max_positions:
        raise InvalidInput(
            f"the recipe's max_tokens is {recipe.max_tokens}; {backbone.fields.name} takes 3 to "
            f"{backbone.fields.max_positions}",
            param="max_tokens",
        )


def _along(path: LowerPath, part: Part) -> ComputeStates:
    def compute(start: int, end: int) -> npt.NDArray[np.float32]:
        states: npt.NDArray[np.float32] = path(select(part.documents, range(start, end))).states.numpy()
        return states

    return compute
