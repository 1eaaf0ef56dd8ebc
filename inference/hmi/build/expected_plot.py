"""How large a domain's PLOT will be after a training: its n-grams are counted, their states not computed."""

from collections.abc import Sequence

import numpy as np

from hmi.artifacts.store import Store
from hmi.build.learn_domain import DomainAbove, domain_windowing
from hmi.build.windows import WindowBatches, choose_texts
from hmi.model.backbone import Backbone
from hmi.plot.counting import Keys
from hmi.plot.ngram import CentredScheme
from hmi.plot.node_budget import table_bytes
from hmi.plot.segment import MIN_COUNT
from wire.training import TrainJob

MAX_CHARACTERS = 1_000_000
"""Of training texts that are counted; what more of them would bring is reckoned."""


def expected_plot_bytes(
    store: Store, job: TrainJob, backbone: Backbone, above: DomainAbove, texts: Sequence[str]
) -> int:
    """Of the domain's own table, once the training ``texts`` are in it. A shared domain's stays as it is."""
    if job.is_domain_shared:
        return above.parent.tables[-1].num_bytes
    counter = _Counter(store, job, backbone, above)
    if above.own is not None:
        rows = float(len(counter.with_siblings(above.own.keys)))
    else:
        order = np.random.default_rng(job.recipe.seed).permutation(len(texts)).tolist()
        read = np.cumsum([len(texts[place]) for place in order])
        num_counted = max(1, int(np.searchsorted(read, MAX_CHARACTERS)))
        counted = [texts[place] for place in order[:num_counted]]
        rows = float(len(counter.keys_of(counted)))
        if num_counted < len(texts):
            # Of text of one kind, n-grams grow as a power of its length (Heaps' law).
            half = len(counter.keys_of(counted[: num_counted // 2]))
            rows *= (len(texts) / num_counted) ** float(np.log2(rows / half))
    whole = table_bytes(round(rows), backbone.fields.hidden)
    return whole if job.max_node_bytes is None else min(whole, job.max_node_bytes)


class _Counter:
    """As a training counts the n-grams of its domain."""

    def __init__(self, store: Store, job: TrainJob, backbone: Backbone, above: DomainAbove) -> None:
        self._tokenizer = backbone.tokenizer
        self._windowing = domain_windowing(store, above.parent, job.recipe.max_tokens)
        self._above = above
        self._scheme = CentredScheme()

    def keys_of(self, texts: Sequence[str]) -> Keys:
        chosen = choose_texts(texts, self._above.parent_documents)
        windows = WindowBatches(self._tokenizer, texts, chosen.hashes, self._windowing)
        return self.with_siblings(self._scheme.count(windows, MIN_COUNT).keys)

    def with_siblings(self, keys: Keys) -> Keys:
        """Those of the domain's other datasets, too."""
        return self._scheme.union([keys, *(segment.keys for _, segment in self._above.siblings)])
