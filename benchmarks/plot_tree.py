"""What the tree is worth: its bytes against separate tables at equal accuracy, and what a node adds to the
root.

Accuracy is that of a linear head on frozen states that were looked up, not of a trained adapter.
"""

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import GENERAL_TEXT, data_folder, general_texts, print_result, say
from benchmarks.plot_world import WINDOWING, Domain, PlotWorld, is_right, paired_points, points, probe
from hmi.build.windows import WindowBatches, choose_texts
from hmi.plot.counting import Keys
from hmi.plot.estimate import build_table
from hmi.plot.merge import merge_segments
from hmi.plot.ngram import CentredScheme
from hmi.plot.node_budget import NodeBudget, table_bytes
from hmi.plot.segment import MIN_COUNT, Segment
from hmi.plot.table import PlotTable
from hmi.plot.tree import counted_documents

ROWS = {
    "movie": {"node_rows": 3000, "train_rows": 1200, "max_test": 1200},
    "amazon": {"node_rows": 2000, "train_rows": 1000, "max_test": 1200},
    "drug": {"node_rows": 500, "train_rows": 300, "max_test": 1200},
    "bbc": {"node_rows": 600, "train_rows": 400, "max_test": 1200},
}
GENERAL_CHARACTERS = 500_000
FULL_TIMES = 4
NUM_DOMAINS = 16
SOURCE_CHARACTERS = 40_000
"""Of each domain without labels: its bytes count, its accuracy cannot be measured."""

Right = dict[str, list[npt.NDArray[np.bool_]]]
"""By arrangement of tables: which test rows were answered rightly, a domain at a time."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of one domain's part of the tree, and of its tables where domains share nothing."""

    in_tree: int
    separate: int  # general text and the domain's in one
    own_text: int  # the domain's text alone

    @classmethod
    def of(cls, world: PlotWorld, keys: Keys) -> "Sizes":
        """Of the n-grams that a domain's text has; sizes follow from the number of rows."""
        scheme = CentredScheme()
        vocabulary = scheme.token_keys(np.arange(len(world.isolated), dtype=np.int32))
        general = [segment.keys for segment in world.root_segments]
        sets = ([keys], [*general, vocabulary, keys], [vocabulary, keys])
        hidden = world.backbone.fields.hidden
        return cls(*(table_bytes(len(scheme.union(each)), hidden) for each in sets))


def main() -> int:
    args = _parser().parse_args()
    began = time.monotonic()
    times = FULL_TIMES if args.full else 1
    general = list(general_texts(times * GENERAL_CHARACTERS))
    with tempfile.TemporaryDirectory(prefix="hmi-plot-tree-") as folder:
        world = PlotWorld(Path(folder), general)
        domains = _domains(world, times)
        if not domains:
            print_result({"storage_ratio": None})
            return 0
        others = _unlabelled(world, len(domains), times, len(general))
        figures = _measure(world, domains, others)
    print_result({**figures, "full": args.full, "seconds": round(time.monotonic() - began)})
    return 0


def _domains(world: PlotWorld, times: int) -> list[Domain]:
    found = []
    for name, rows in ROWS.items():
        node_rows = rows["node_rows"] * times
        domain = world.domain(
            name, node_rows=node_rows, train_rows=rows["train_rows"], max_test=rows["max_test"]
        )
        if domain is not None:
            found.append(domain)
    return found


def _measure(world: PlotWorld, domains: list[Domain], others: list[Sizes]) -> dict[str, Any]:
    above = counted_documents(world.store, world.root)
    segments = [
        world.segment(domain.name, domain.node_texts, np.concatenate((above, domain.held_out)))
        for domain in domains
    ]
    sizes = [Sizes.of(world, segment.keys) for segment in segments]
    storage = _storage(world.root.tables[0].num_bytes, sizes, others)
    say(f"{storage}")
    tree_bytes = world.root.tables[0].num_bytes + sum(size.in_tree for size in sizes)
    per_domain = {}
    right: Right = defaultdict(list)
    for domain, segment in zip(domains, segments, strict=True):
        whole = [*world.root_segments, segment]
        budget = NodeBudget(tree_bytes // len(domains))
        arranged = {
            "general": world.root.tables,
            "tree": (*world.root.tables, _table(world, [segment], parents=world.root.tables)),
            "separate": (_table(world, whole),),
            "equal_bytes": (_table(world, whole, budget=budget),),
            "own_text": (_table(world, [segment]),),
        }
        per_domain[domain.name] = _judge(world, domain, arranged, right)
        say(f"{domain.name}: {per_domain[domain.name]}")
    return {
        **storage,
        **_accuracy(right),
        "per_domain": per_domain,
        "accuracy_of": "a linear head on frozen states",
        "num_test": sum(len(domain.test.truth) for domain in domains),
        "general_tokens": sum(segment.fields.num_tokens for segment in world.root_segments),
    }


def _judge(
    world: PlotWorld,
    domain: Domain,
    arranged: "dict[str, tuple[PlotTable, ...]]",
    right: Right,
) -> dict[str, Any]:
    figures: dict[str, Any] = {"num_test": len(domain.test.truth), "node_texts": len(domain.node_texts)}
    for name, tables in arranged.items():
        seen = world.see(domain, tables)
        right[name].append(is_right(domain, probe(domain, seen), seen))
        figures[name] = {
            "accuracy": round(float(right[name][-1].mean()), 4),
            "trigram_or_bigram": round(float(seen.coverage[:2].sum()), 3),
            "trigram": round(float(seen.coverage[0]), 3),
            "own_bytes": tables[-1].num_bytes,
        }
    return figures


def _storage(root_bytes: int, labelled: list[Sizes], others: list[Sizes]) -> dict[str, Any]:
    """Bytes of the tree over those of as many tables that share nothing."""
    figures: dict[str, Any] = {}
    for sizes in (labelled, [*labelled, *others]):
        tree = root_bytes + sum(size.in_tree for size in sizes)
        for name in ("separate", "own_text"):
            apart = sum(int(getattr(size, name)) for size in sizes)
            figures[f"over_{name}_{len(sizes)}"] = round(tree / apart, 3)
    # The one to judge by is the greater: that of the fewer domains.
    return {"storage_ratio": figures[f"over_separate_{len(labelled)}"], **figures, "root_bytes": root_bytes}


def _accuracy(right: Right) -> dict[str, Any]:
    """Tree less the other arrangements in points, over all test rows together."""
    together = {name: np.concatenate(parts) for name, parts in right.items()}
    figures: dict[str, Any] = {}
    for other in ("separate", "equal_bytes", "own_text", "general"):
        difference = together["tree"].mean() - together[other].mean()
        figures[f"tree_minus_{other}_points"] = points(float(difference))
        figures[f"tree_minus_{other}_ci95"] = paired_points(together["tree"], together[other])
    return figures


def _unlabelled(world: PlotWorld, num_labelled: int, times: int, num_general: int) -> list[Sizes]:
    """Domains of one source of the general text each, of texts that the root has not counted."""
    above = counted_documents(world.store, world.root)
    found = list(_by_source(num_general, times * SOURCE_CHARACTERS).values())
    sizes = []
    for texts in found[: NUM_DOMAINS - num_labelled]:
        chosen = choose_texts(texts, above).hashes
        batches = WindowBatches(world.backbone.tokenizer, texts, chosen, WINDOWING)
        keys = CentredScheme().count(batches, MIN_COUNT).keys
        sizes.append(Sizes.of(world, keys))
    return sizes


def _by_source(num_general: int, max_characters: int) -> dict[str, list[str]]:
    """Texts by source, from the ``num_general``th on: first every source once, then once more."""
    folder = data_folder()
    path = folder / GENERAL_TEXT if folder else None
    found: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    if path is None or not path.is_file():
        return {}
    num_characters: defaultdict[str, int] = defaultdict(int)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number < num_general:
                continue
            record = json.loads(line)
            source = str(record["source"])
            part = num_characters[source] // max_characters
            if part < 2:
                found[part, source].append(str(record["text"]))
                num_characters[source] += len(record["text"])
    by_size = sorted(found, key=lambda key: (key[0], -sum(map(len, found[key])), key[1]))
    return {f"{source}-{part + 1}": found[part, source] for part, source in by_size}


def _table(
    world: PlotWorld,
    segments: Sequence[Segment],
    *,
    parents: Sequence[PlotTable] = (),
    budget: NodeBudget | None = None,
) -> PlotTable:
    return build_table(
        merge_segments(segments),
        backbone=world.backbone.digest,
        hidden=world.backbone.fields.hidden,
        parents=parents,
        isolated=None if parents else world.isolated,
        budget=budget,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="four times the text")
    return parser


if __name__ == "__main__":
    sys.exit(main())
