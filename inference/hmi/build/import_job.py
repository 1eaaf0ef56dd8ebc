"""One import: from an archive with an adapter to a published version and its parity test."""

import random
import shutil
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmi.artifacts.store import Store
from hmi.base.errors import InvalidInput
from hmi.build.adapter_archive import AdapterRefused, Unpacked, unpack_adapter
from hmi.build.brought_adapter import BroughtAdapter, read_brought, refusing
from hmi.build.data import LabelledRow, read_rows
from hmi.build.dataset_parts import are_counted
from hmi.build.expected import Expected, read_expected
from hmi.build.import_parity import Candidates, ImportAnswers, compare_answers
from hmi.build.job_progress import JobProgress
from hmi.build.kinds.chosen import training_kind
from hmi.build.kinds.learning import Evaluated
from hmi.build.learn_domain import bundle_bytes
from hmi.build.report import REPORT_FORMAT, Latency, RowCounts, plot_cost
from hmi.kinds.answers import answers_of
from hmi.model.adapter_bundle import Hplm, open_adapter_bundle, save_adapter_bundle
from hmi.model.backbone import Backbone
from hmi.model.bert import BERT
from hmi.model.tokenizer import Text
from hmi.plot.tree import PlotTree, counted_documents, open_tree
from wire.artifacts import EXPECTED_FILE
from wire.codec import to_plain
from wire.imports import ImportJob, ImportResult
from wire.training import Phase, PublishedBundle

MAX_ROWS = 400
"""Of the dataset, that are compared: the libraries compute every layer of each."""
MAX_GIVEN = 400
SEED = 1


def run_import(job: ImportJob, *, store: Store, work: Path, progress: JobProgress) -> ImportResult:
    """Do the job in the scratch folder ``work``; done again, it publishes the same bundle.

    Raises AdapterRefused for what cannot be used, and HmiError.
    """
    work.mkdir(parents=True, exist_ok=True)
    archive = work / "archive"
    with store.open_file(job.archive_uri) as source, archive.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    with nullcontext() if job.rows_uri is None else store.open_file(job.rows_uri) as lines:
        return import_adapter(job, archive, lines, store=store, target=store, work=work, progress=progress)


def import_adapter(
    job: ImportJob,
    archive: Path,
    lines: Iterable[bytes] | None,
    *,
    store: Store,
    target: Store,
    work: Path,
    progress: JobProgress,
) -> ImportResult:
    """As run_import, of a file or folder at ``archive`` and rows of a dataset, published in ``target``."""
    progress.enter(Phase.STARTING, "unpacking the archive")
    unpacked = unpack_adapter(archive, _empty(work / "adapter"))
    folder = store.localize(job.backbone_uri, job.backbone_digest)
    backbone = Backbone.open(folder, digest=job.backbone_digest)
    if backbone.fields.architecture != BERT:
        raise AdapterRefused(f"adapters are brought for {BERT} alone; this is {backbone.fields.architecture}")
    brought = read_brought(unpacked, backbone.fields, job)
    tree = open_tree(store, job.tree_uri, job.tree_digest, backbone=job.backbone_digest)
    texts = _texts(job, lines, store, unpacked, brought, tree)
    hplm = _written(job, brought, backbone, _empty(work / "version"))
    progress.enter(
        Phase.COMPARING, f"comparing answers to {texts.num_texts} texts", num_steps=texts.num_texts
    )
    answers = compare_answers(
        Candidates(backbone, folder, unpacked.folder, tree, hplm),
        texts.inputs,
        texts.expected,
        min_share=job.min_agreement,
        report=lambda message, step, num_steps: progress.advance(step, num_steps=num_steps, message=message),
    )
    progress.enter(Phase.PUBLISHING, "publishing the version", num_steps=1)
    target.publish(work / "version", job.version_out_uri)
    published = PublishedBundle(
        job.version_out_uri, hplm.digest, bundle_bytes(target, job.version_out_uri, hplm.digest)
    )
    progress.advance(1, message="the version is published")
    domain_node = tree.fields.nodes[-1]
    plot_bytes = bundle_bytes(store, domain_node.uri, domain_node.digest)
    return ImportResult(
        version=published,
        labels=brought.labels,
        passed=answers.parity.passed,
        report=_report(job, brought, unpacked, backbone, hplm, texts, answers, published, plot_bytes),
    )


@dataclass(frozen=True, slots=True)
class _Texts:
    """What answers are compared on: first what came with the adapter, then rows of the dataset."""

    expected: Sequence[Expected]
    bare: Sequence[Expected]  # without numbers
    rows: Sequence[LabelledRow]
    num_seen: int | None  # rows left out since the tree has counted them; None: not known

    @property
    def inputs(self) -> list[Text]:
        given = [entry.input for entry in (*self.expected, *self.bare)]
        return [*given, *(row.input for row in self.rows)]

    @property
    def num_texts(self) -> int:
        return len(self.expected) + len(self.bare) + len(self.rows)


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _texts(
    job: ImportJob,
    lines: Iterable[bytes] | None,
    store: Store,
    unpacked: Unpacked,
    brought: BroughtAdapter,
    tree: PlotTree,
) -> _Texts:
    path = unpacked.folder / EXPECTED_FILE
    with refusing():
        given = read_expected(path)[:MAX_GIVEN] if path.exists() else []
    if any((entry.pair is not None) != answers_of(job.kind).has_pairs for entry in given):
        raise AdapterRefused(f"{EXPECTED_FILE}: pairs of texts are for tasks of kind sentence_pair alone")
    rows: list[LabelledRow] = []
    num_seen: int | None = None
    if lines is not None:
        every = read_rows(lines, training_kind(job.kind, brought.labels))
        fresh = _held_out(every, store, tree)
        num_seen = None if fresh is None else len(every) - len(fresh)
        rows = sorted(_sample(every if fresh is None else fresh), key=lambda row: row.row)
    if not given and not rows:
        raise InvalidInput(
            f"there are no texts to compare answers on: name a dataset with rows that the domain has not "
            f"learnt, or put {EXPECTED_FILE} into the archive",
            param="dataset",
        )
    return _Texts(
        expected=[entry for entry in given if entry.has_numbers],
        bare=[entry for entry in given if not entry.has_numbers],
        rows=rows,
        num_seen=num_seen,
    )


def _held_out(rows: Sequence[LabelledRow], store: Store, tree: PlotTree) -> list[LabelledRow] | None:
    """Rows that no node of the tree has counted; None where its segments are not at hand."""
    if not all(store.exists(ref.uri) for node in tree.fields.nodes for ref in node.segments):
        return None
    seen = are_counted(rows, counted_documents(store, tree))
    return [row for row, is_seen in zip(rows, seen, strict=True) if not is_seen]


def _sample(rows: list[LabelledRow]) -> list[LabelledRow]:
    return rows if len(rows) <= MAX_ROWS else random.Random(SEED).sample(rows, MAX_ROWS)


def _written(job: ImportJob, brought: BroughtAdapter, backbone: Backbone, folder: Path) -> Hplm:
    """The bundle, opened again as the service will."""
    with refusing():
        digest = save_adapter_bundle(
            folder,
            adapter=brought.adapter,
            head=brought.fitted.head,
            labels=brought.labels,
            max_tokens=brought.max_tokens,
            backbone_fields=backbone.fields,
            backbone=backbone.digest,
            tree=job.tree_digest,
            metrics=brought.fitted.metrics,
            backbone_uri=job.backbone_uri,
            label_set_thresholds=brought.fitted.label_set_thresholds,
            kind=job.kind,
            thresholds=brought.fitted.thresholds,
            adjacent_cost=brought.fitted.adjacent_cost,
            score_slope=brought.fitted.score_map.slope,
            score_offset=brought.fitted.score_map.offset,
            value_bounds=brought.fitted.value_bounds,
        )
    return open_adapter_bundle(
        folder, digest=digest, backbone_fields=backbone.fields, backbone=backbone.digest
    )


def _report(
    job: ImportJob,
    brought: BroughtAdapter,
    unpacked: Unpacked,
    backbone: Backbone,
    hplm: Hplm,
    texts: _Texts,
    answers: ImportAnswers,
    published: PublishedBundle,
    plot_bytes: int,
) -> dict[str, Any]:
    """As a training's where the two have something in common, and "import" beside it."""
    plot = answers.plot
    return {
        **_figures(job, brought, backbone, texts, answers),
        "kind": job.kind.value,
        "coverage": to_plain(plot.coverage),
        "offline": to_plain(answers.offline),
        "adapter_bytes": published.num_bytes,
        "plot_bytes": plot_bytes,
        "latency": to_plain(
            Latency(
                retrieve_ms=1000 * plot.retrieve_s / texts.num_texts,
                compute_ms=1000 * plot.compute_s / texts.num_texts,
                batch_rows=plot.batch_rows,
            )
        ),
        "backbone": job.backbone_digest,
        "tree": job.tree_digest,
        "import": {
            "method": hplm.fields.method,
            "rank": hplm.fields.rank,
            "alpha": hplm.fields.alpha,
            "target_modules": list(hplm.fields.target_modules),
            "dtype": brought.dtype,
            "max_tokens": brought.max_tokens,
            "ignored_files": list(unpacked.ignored),
            "notes": list(brought.notes),
            "texts_given": len(texts.expected) + len(texts.bare),
            "rows_of_dataset": len(texts.rows),
            "rows_left_out": texts.num_seen,
            "passed": answers.parity.passed,
            "parity": to_plain(answers.parity),
        },
    }


def _figures(
    job: ImportJob, brought: BroughtAdapter, backbone: Backbone, texts: _Texts, answers: ImportAnswers
) -> dict[str, Any]:
    """Of the dataset's rows. Whether whoever trained the adapter held them out, nobody here knows."""
    if not texts.rows:
        return {}
    kind, rows = training_kind(job.kind, brought.labels), texts.rows
    reads_tokens = answers_of(job.kind).reads_tokens
    encoded = backbone.tokenizer.encode(
        [row.input for row in rows], brought.max_tokens, with_words=reads_tokens
    )
    documents, targets = encoded.documents, kind.targets(rows, encoded)
    num_truncated = int(encoded.truncated.sum())
    # They come last.
    num_outputs = documents.num_tokens if reads_tokens else len(rows)
    computed, plot = (found.outputs[-num_outputs:] for found in (answers.computed, answers.plot))
    figures = kind.figures(
        Evaluated(
            rows=rows,
            encoded=encoded,
            outputs=plot,
            targets=targets,
            train_targets=None,
            row_coverage=answers.plot.row_coverage[-len(rows) :],
            fitted=brought.fitted,
            seed=SEED,
        )
    )
    theirs, ours = (kind.row_quality(outputs, targets, brought.fitted) for outputs in (computed, plot))
    return {
        **to_plain(figures),
        "format_version": REPORT_FORMAT,
        "headline": to_plain(figures.headline),
        "plot_cost": to_plain(plot_cost(ours, theirs, seed=SEED)),
        "test_rows": [row.row for row in rows],
        "stopped_early": False,
        "truncated_share": num_truncated / len(rows),
        "rows": to_plain(
            RowCounts(0, 0, len(rows), from_ancestors=0, sharing_text=0, truncated=num_truncated)
        ),
    }
