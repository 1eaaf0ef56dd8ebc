"""One update of a domain: its node made anew from all its segments, tried on the tasks that it serves."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from hmi.artifacts.bundle import read_manifest
from hmi.artifacts.store import Store
from hmi.base.errors import BundleBroken, HmiError, NotFound
from hmi.build.build_folder import build_folder
from hmi.build.data import LabelledRow
from hmi.build.evaluation import PlotPath, TaskModel, predict
from hmi.build.gate import SIGNIFICANCE, Paired, loss_p_values
from hmi.build.job_progress import JobProgress
from hmi.build.kinds.chosen import training_kind
from hmi.build.kinds.learning import Evaluated, fitted_head
from hmi.build.plot_builder import build_domain, publish_segment_beside, text_dataset_id
from hmi.build.private_leaf import open_leaf
from hmi.build.shared_node import Contributed, shared_node
from hmi.kinds.answers import answers_of
from hmi.model.adapter_bundle import open_adapter_bundle
from hmi.model.backbone import Backbone
from hmi.plot.counting import Work
from hmi.plot.ngram import Rung, rung_rows
from hmi.plot.node_budget import node_budget
from hmi.plot.privacy import PersonalPieces
from hmi.plot.segment import Segment, open_segment
from hmi.plot.table import PlotTable
from hmi.plot.tree import PlotTree, open_tree
from wire.artifacts import BundleRef
from wire.codec import to_plain
from wire.domains import DomainJob, DomainResult, GatedTask, TaskVerdict, TreeDiff
from wire.ids import Digest
from wire.inference import Coverage
from wire.tasks import validation_metric
from wire.training import Phase, PublishedBundle

Segments = list[tuple[BundleRef, Segment]]


def update_domain(job: DomainJob, *, store: Store, folder: Path, progress: JobProgress) -> DomainResult:
    """Publish the domain's tree at ``job.tree_out_uri``, compare it, and try it on the tasks. What does not
    fit in memory waits in ``folder``.

    Done again, it finds its own tree and publishes nothing. Raises HmiError.
    """
    progress.enter(Phase.STARTING, "opening the backbone and the nodes above")
    backbone = Backbone.open(
        store.localize(job.backbone.uri, job.backbone.digest), digest=job.backbone.digest, with_lower=False
    )
    parent = _open(store, job.parent, backbone.digest)
    private_shares: dict[str, float] = {}
    if not job.is_standing:
        num_segments = len(job.contributions)
        progress.enter(Phase.LEARNING_DOMAIN, f"merging {num_segments} segments", num_steps=1)
        personal = PersonalPieces(backbone.tokenizer.pieces())
        with build_folder(folder / "node", job.max_memory_bytes, elsewhere="HMI_WORK_DIR") as work:
            private_shares = build_node(store, job, parent, personal, work)
    tree = _open(store, BundleRef(job.tree_out_uri, _standing(store, job)), backbone.digest)
    num_above = len(parent.tables)
    diff = tree_diff(_table_before(store, job), tree.tables[num_above])
    progress.enter(Phase.EVALUATING, "trying the new tree on deployed tasks", num_steps=len(job.tasks))
    verdicts = _verdicts(store, job, backbone, tree, progress)
    node = tree.fields.nodes[num_above]
    num_bytes = sum(
        entry.num_bytes for entry in read_manifest(store.localize(node.uri, node.digest)).files.values()
    )
    return DomainResult(
        PublishedBundle(job.tree_out_uri, tree.digest, num_bytes), diff, verdicts, private_shares
    )


def tree_diff(before: PlotTable | None, after: PlotTable) -> TreeDiff:
    """Rows of a node before and after an update, by rung."""
    old, new = _keys(before), _keys(after)
    return TreeDiff(
        rows_before=_by_rung(old),
        rows_after=_by_rung(new),
        rows_added=_by_rung(np.setdiff1d(new, old, assume_unique=True)),
        rows_dropped=_by_rung(np.setdiff1d(old, new, assume_unique=True)),
    )


def build_node(
    store: Store, job: DomainJob, parent: PlotTree, personal: PersonalPieces, work: Work
) -> dict[str, float]:
    """Publish the tree, unless it stands; what share of each tenant's n-grams did not enter a shared node."""
    contributed = [
        Contributed(
            one.tenant_id,
            open_segment(store.localize(one.uri, one.digest), one.digest, backbone=job.backbone.digest),
        )
        for one in job.contributions
    ]
    refs = [BundleRef(one.uri, one.digest) for one in job.contributions]
    segments: Segments = [
        (ref, one.segment)
        for ref, one in sorted(zip(refs, contributed, strict=True), key=lambda pair: pair[0].digest)
    ]
    private_shares: dict[str, float] = {}
    if job.is_shared:
        node = shared_node(
            contributed,
            dataset_id=text_dataset_id(f"domain:{job.domain_id}"),
            backbone=job.backbone.digest,
            hidden=parent.tables[0].hidden,
            min_tenants=job.min_tenants,
            personal=personal,
            work=work,
        )
        private_shares = {str(tenant): share for tenant, share in node.private_shares.items()}
        published = publish_segment_beside(store, node.segment, job.tree_out_uri, work=work)
        segments = [(BundleRef(published.uri, published.digest), node.segment)]
    if store.digest(job.tree_out_uri) is None:
        build_domain(
            store,
            parent,
            segments,
            name=job.domain_id,
            tree_uri=job.tree_out_uri,
            budget=node_budget(job.max_node_bytes),
            work=work,
        )
    return private_shares


def _verdicts(
    store: Store, job: DomainJob, backbone: Backbone, tree: PlotTree, progress: JobProgress
) -> tuple[TaskVerdict, ...]:
    tried = {}
    for number, task in enumerate(job.tasks, start=1):
        if task.rows:
            try:
                tried[task.task_id] = _try(store, task, backbone, tree)
            except (HmiError, msgspec.MsgspecError) as exc:
                # What is broken or gone of one task holds up no others' update, nor what must be forgotten.
                if isinstance(exc, HmiError) and exc.retryable:
                    raise
        progress.advance(number)
    p_values = dict(zip(tried, loss_p_values([pair.paired for pair in tried.values()]), strict=True))
    return tuple(
        tried[task.task_id].verdict(task, p_values[task.task_id])
        if task.task_id in tried
        else TaskVerdict(task.task_id, False, 0, None, None, None, None)
        for task in job.tasks
    )


@dataclass(frozen=True, slots=True)
class _Answered:
    """One task's rows, as one tree answers them."""

    quality: npt.NDArray[np.float64]  # [rows], of TrainingKind.row_quality
    figure: float  # of TrainingKind.metric
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class _Tried:
    """One task's rows, answered on the old and on the new tree. Row is compared with row, which sees a loss
    in fewer rows than figures of the whole do; what is told is the figure that the task is judged by."""

    metric: str
    before: _Answered
    after: _Answered

    @property
    def paired(self) -> Paired:
        was, now = self.before.quality, self.after.quality
        return Paired(int((now < was).sum()), int((now > was).sum()))

    def verdict(self, task: GatedTask, p_value: float) -> TaskVerdict:
        return TaskVerdict(
            task_id=task.task_id,
            moves=p_value >= SIGNIFICANCE,
            num_rows=len(self.after.quality),
            metric=self.metric,
            accuracy_before=self.before.figure,
            accuracy_after=self.after.figure,
            p_value=p_value,
            coverage_before=to_plain(self.before.coverage),
            coverage_after=to_plain(self.after.coverage),
        )


def _try(store: Store, task: GatedTask, backbone: Backbone, tree: PlotTree) -> _Tried:
    hplm = open_adapter_bundle(
        store.localize(task.version.uri, task.version.digest),
        digest=task.version.digest,
        backbone_fields=backbone.fields,
        backbone=backbone.digest,
    )
    with store.open_file(task.rows_uri) as lines:
        rows = _rows(lines, task)
    kind = training_kind(hplm.fields.kind, hplm.fields.labels)
    rows = [row for row in rows if kind.problem(row) is None]
    if not rows:
        raise NotFound(f"task {task.task_id}: none of its held-out rows is in {task.rows_uri}")
    reads_tokens = answers_of(hplm.fields.kind).reads_tokens
    encoded = backbone.tokenizer.encode(
        [row.input for row in rows], hplm.fields.max_tokens, with_words=reads_tokens
    )
    model = TaskModel(backbone, hplm.adapter, hplm.head, reads_tokens=reads_tokens)
    targets = kind.targets(rows, encoded)
    fitted = fitted_head(hplm.head, hplm.fields)
    old = _open(store, task.tree, backbone.digest)
    leaf = None if task.leaf is None else open_leaf(store, task.leaf, backbone.digest)

    def answered(which: PlotTree) -> _Answered:
        path = PlotPath(backbone, which, leaf)
        found = predict(path, model, encoded.documents, on_documents=lambda done: None)
        evaluated = Evaluated(
            rows=rows,
            encoded=encoded,
            outputs=found.outputs,
            targets=targets,
            train_targets=None,
            row_coverage=found.row_coverage,
            fitted=fitted,
            seed=1,
        )
        quality = kind.row_quality(found.outputs, targets, fitted)
        return _Answered(quality, kind.metric(evaluated), found.coverage)

    return _Tried(validation_metric(hplm.fields.kind), answered(old), answered(tree))


def _rows(lines: Iterable[bytes], task: GatedTask) -> list[LabelledRow]:
    decoder, wanted = msgspec.json.Decoder(LabelledRow), set(task.rows)
    return [row for row in map(decoder.decode, lines) if row.row in wanted]


def _table_before(store: Store, job: DomainJob) -> PlotTable | None:
    """The domain's own node in the tree before; none in one that ends above it. Nor in one that is gone or
    broken: a new one is what the domain needs then."""
    if job.tree_before is None:
        return None
    try:
        tree = _open(store, job.tree_before, job.backbone.digest)
    except (NotFound, BundleBroken):
        return None
    return next(
        (t for n, t in zip(tree.fields.nodes, tree.tables, strict=True) if n.name == job.domain_id), None
    )


def _open(store: Store, ref: BundleRef, backbone: Digest) -> PlotTree:
    return open_tree(store, ref.uri, ref.digest, backbone=backbone)


def _standing(store: Store, job: DomainJob) -> Digest:
    digest = store.digest(job.tree_out_uri)
    if digest is None:
        raise NotFound(f"there is no tree at {job.tree_out_uri}")
    return digest


def _keys(table: PlotTable | None) -> npt.NDArray[np.uint64]:
    if table is None:
        return np.zeros(0, np.uint64)
    keys: npt.NDArray[np.uint64] = np.sort(table.slot_keys[table.slot_keys != 0])
    return keys


def _by_rung(keys: npt.NDArray[np.uint64]) -> dict[str, int]:
    return {rung.name.lower(): _length(rung_rows(keys, rung)) for rung in Rung}


def _length(rows: slice) -> int:
    return int(rows.stop - rows.start)
