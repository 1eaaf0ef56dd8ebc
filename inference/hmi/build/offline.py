"""A trained version opened from a store, to predict with: what is served, without the service."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hmi.artifacts.bundle import open_bundle
from hmi.artifacts.store import Store
from hmi.base.errors import InvalidInput, NotFound
from hmi.build.evaluation import (
    AnswersStates,
    ExactPath,
    LowerPath,
    PlotPath,
    Predictions,
    TaskModel,
    predict,
)
from hmi.build.parity import numbers_of, parity_report
from hmi.build.private_leaf import open_leaf, standing_leaf
from hmi.build.report import OfflineAnswers
from hmi.build.states import output_bounds
from hmi.kinds.answers import answers_of
from hmi.model.adapter_bundle import open_adapter_bundle
from hmi.model.backbone import Backbone
from hmi.model.heads import HostHead
from hmi.model.tokenizer import EncodedTexts, Text
from hmi.plot.tree import open_tree
from wire.artifacts import AdapterFields, BundleKind, BundleRef
from wire.ids import BundleUri, Digest
from wire.inference import Answer
from wire.tasks import TaskKind


@dataclass(frozen=True, slots=True)
class OfflineModel:
    """Backbone, way to the lower layers' states, adapter and head of one version. One thread."""

    fields: AdapterFields
    digest: Digest
    head: HostHead
    _backbone: Backbone
    _path: LowerPath
    _model: AnswersStates

    def encode(self, texts: Sequence[Text]) -> EncodedTexts:
        """As the model reads them."""
        reads_tokens = answers_of(self.fields.kind).reads_tokens
        return self._backbone.tokenizer.encode(texts, self.fields.max_tokens, with_words=reads_tokens)

    def predict(
        self, encoded: EncodedTexts, *, on_documents: Callable[[int], None] = lambda done: None
    ) -> Predictions:
        """Outputs in the order of the texts, of which there is at least one."""
        return predict(self._path, self._model, encoded.documents, on_documents=on_documents)

    def answers(self, texts: Sequence[Text]) -> list[Answer]:
        """What the service would answer, in the order of ``texts``."""
        if not texts:
            return []
        encoded = self.encode(texts)
        return self.answers_from(self.predict(encoded), encoded)

    def answers_from(self, found: Predictions, encoded: EncodedTexts) -> list[Answer]:
        """What ``found`` for these texts says."""
        return answers_from(found, encoded, self.fields)


def open_offline(
    store: Store,
    bundle_uri: BundleUri,
    tree_uri: BundleUri | None,
    *,
    backbone_uri: BundleUri | None,
    default_backbone_uri: BundleUri | None = None,
) -> OfflineModel:
    """``tree_uri`` None: the lower layers are computed. ``backbone_uri`` None: where the version was trained,
    or the default when it does not say so.

    Raises NotFound, InvalidInput, BundleBroken, BundleMismatch.
    """
    digest = standing_digest(store, bundle_uri)
    folder = store.localize(bundle_uri, digest)
    fields = version_fields(store, bundle_uri)
    place = backbone_uri or fields.backbone_uri or default_backbone_uri
    if place is None:
        raise InvalidInput("the version does not say where its backbone is; give --backbone-uri")
    backbone = Backbone.open(
        store.localize(place, fields.backbone), digest=fields.backbone, with_lower=tree_uri is None
    )
    hplm = open_adapter_bundle(
        folder, digest=digest, backbone_fields=backbone.fields, backbone=backbone.digest
    )
    return OfflineModel(
        fields,
        digest,
        hplm.head,
        backbone,
        ExactPath(backbone) if tree_uri is None else _looking_up(store, tree_uri, backbone, fields.leaf),
        TaskModel(backbone, hplm.adapter, hplm.head, reads_tokens=answers_of(fields.kind).reads_tokens),
    )


def answers_from(found: Predictions, encoded: EncodedTexts, fields: AdapterFields) -> list[Answer]:
    """What ``found`` says of the texts ``encoded``, by a version of these ``fields``."""
    kind, outputs = answers_of(fields.kind), found.outputs
    bounds = output_bounds(encoded.documents.lengths, reads_tokens=kind.reads_tokens)
    return [
        kind.answer(outputs[bounds[place] : bounds[place + 1]], fields, encoded.words_of(place))
        for place in range(encoded.documents.num_documents)
    ]


def offline_answers(
    served: Predictions, computed: Predictions, encoded: EncodedTexts, fields: AdapterFields
) -> OfflineAnswers:
    """How a version of these ``fields`` answers the texts ``encoded`` where it is taken to, by ``computed``
    lower layers, against how it is ``served``."""
    looked_up, without_plot = (
        [numbers_of(answer) for answer in answers_from(found, encoded, fields)]
        for found in (served, computed)
    )
    report = parity_report(looked_up, without_plot, are_spans=fields.kind is TaskKind.TOKEN_CLASSIFICATION)
    return OfflineAnswers(
        report.rows,
        report.same_label / report.rows,
        report.max_score_difference,
        report.mean_score_difference,
    )


def _looking_up(store: Store, uri: BundleUri, backbone: Backbone, leaf: BundleRef | None) -> PlotPath:
    tree = open_tree(store, uri, standing_digest(store, uri), backbone=backbone.digest)
    standing = standing_leaf(store, leaf)
    return PlotPath(backbone, tree, None if standing is None else open_leaf(store, standing, backbone.digest))


def version_fields(store: Store, uri: BundleUri) -> AdapterFields:
    """What the version at ``uri`` says of itself; raises NotFound, BundleBroken, BundleMismatch."""
    digest = standing_digest(store, uri)
    folder = store.localize(uri, digest)
    return open_bundle(folder, kind=BundleKind.ADAPTER, fields_type=AdapterFields, digest=digest).fields


def standing_digest(store: Store, uri: BundleUri) -> Digest:
    """Digest of the bundle at ``uri``; raises NotFound when there is none."""
    digest = store.digest(uri)
    if digest is None:
        raise NotFound(f"there is no bundle at {uri}")
    return digest
