"""A training's version as a bundle: written and opened in the work folder, then published."""

from hmi.artifacts.bundle import read_manifest
from hmi.build.learn_domain import bundle_bytes
from hmi.build.training.adapter_training import Trained
from hmi.build.training.run import TrainingRun
from hmi.model.adapter_bundle import Hplm, open_adapter_bundle, save_adapter_bundle
from wire.artifacts import BundleRef, bundle_digest
from wire.ids import Digest
from wire.training import PublishedBundle

VERSION_FOLDER = "version"


def write_version(run: TrainingRun, trained: Trained, tree: Digest, leaf: PublishedBundle | None) -> Hplm:
    """What is served, opened again: what is evaluated is what was written. One that an earlier process wrote
    stands."""
    folder = run.work.bundle(VERSION_FOLDER)
    digest = _save(run, trained, tree, leaf) if folder is None else bundle_digest(read_manifest(folder))
    return open_adapter_bundle(
        run.work.path / VERSION_FOLDER,
        digest=digest,
        backbone_fields=run.backbone.fields,
        backbone=run.backbone.digest,
    )


def publish_version(run: TrainingRun, digest: Digest) -> PublishedBundle:
    """Put what was written into the store."""
    uri = run.job.version_out_uri
    run.store.publish(run.work.path / VERSION_FOLDER, uri)
    return PublishedBundle(uri, digest, bundle_bytes(run.store, uri, digest))


def _save(run: TrainingRun, trained: Trained, tree: Digest, leaf: PublishedBundle | None) -> Digest:
    fitted = trained.task.fitted
    return save_adapter_bundle(
        run.work.new_bundle(VERSION_FOLDER),
        adapter=trained.adapter,
        head=fitted.head,
        labels=run.job.labels,
        max_tokens=run.job.recipe.max_tokens,
        backbone_fields=run.backbone.fields,
        backbone=run.backbone.digest,
        tree=tree,
        metrics={"validation_accuracy": trained.task.validation_accuracy, **fitted.metrics},
        backbone_uri=run.job.backbone_uri,
        label_set_thresholds=fitted.label_set_thresholds,
        kind=run.job.kind,
        thresholds=fitted.thresholds,
        adjacent_cost=fitted.adjacent_cost,
        score_slope=fitted.score_map.slope,
        score_offset=fitted.score_map.offset,
        value_bounds=fitted.value_bounds,
        leaf=None if leaf is None else BundleRef(leaf.uri, leaf.digest),
    )
