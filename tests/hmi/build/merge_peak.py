"""A process of its own for test_merge_memory.py: merges large segments, tells by how much its peak grew.

merge_peak.py FOLDER NUM_ROWS shared|own wide|narrow MAX_BYTES
"""

import json
import resource
import sys
from dataclasses import replace
from multiprocessing import Process
from pathlib import Path

import numpy as np

from hmi.artifacts.bundle import read_manifest
from hmi.artifacts.store import FolderStore
from hmi.build.update_domain import build_node
from hmi.plot.counting import Work
from hmi.plot.estimate import build_table
from hmi.plot.merge import merge_segments
from hmi.plot.ngram import unigram_keys
from hmi.plot.privacy import PersonalPieces
from hmi.plot.segment import TEXT_FORM, Segment, write_segment
from hmi.plot.table import PlotTable, write_table_bundle
from hmi.plot.tree import open_tree, write_tree
from wire.artifacts import BundleRef, SegmentFields, TreeNode, bundle_digest
from wire.domains import Contribution, DomainJob
from wire.ids import BundleUri, DatasetId, Digest, DomainId, JobId, TenantId

BACKBONE = Digest("sha256:" + "b" * 64)
VOCAB = 1000
HIDDEN = {"wide": 256, "narrow": 8}[sys.argv[4]]
"""Wide rows are means above all; of narrow ones, keys and counts are most."""
TENANTS = ("a", "b", "c")


def main() -> None:
    folder, num_rows, is_shared = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "shared"
    store = FolderStore(folder / "store")
    job = replace(_job(store, folder), is_shared=is_shared)
    _update(store, job, folder, "small", 500)  # all that is loaded and compiled once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    table, digest = _update(store, job, folder, "large", num_rows)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = {"peak_growth_bytes": (after - before) * 1024, "num_rows": table.num_rows, "digest": digest}
    sys.stdout.write(json.dumps(told))


def _update(
    store: FolderStore, job: DomainJob, folder: Path, name: str, num_rows: int
) -> tuple[PlotTable, Digest]:
    """The node's table, and the tree's digest."""
    contributions = tuple(
        Contribution(
            DatasetId(tenant), TenantId(tenant), uri, _put(store, folder / name / tenant, uri, num_rows)
        )
        for tenant in TENANTS
        for uri in [BundleUri(f"{name}/{tenant}")]
    )
    work = folder / name / "work"
    work.mkdir()
    uri = BundleUri(f"trees/{name}")
    parent = open_tree(store, job.parent.uri, job.parent.digest, backbone=BACKBONE)
    job = replace(job, contributions=contributions, tree_out_uri=uri)
    build_node(store, job, parent, PersonalPieces([""] * 5000), Work(work, job.max_memory_bytes))
    digest = store.digest(uri)
    assert digest is not None
    return open_tree(store, uri, digest, backbone=BACKBONE).tables[-1], digest


def _job(store: FolderStore, folder: Path) -> DomainJob:
    isolated = np.ones((VOCAB, HIDDEN), np.float32)
    table = build_table(merge_segments([]), backbone=BACKBONE, hidden=HIDDEN, parents=(), isolated=isolated)
    digest = write_table_bundle(table, folder / "root", isolated=isolated)
    store.publish(folder / "root", BundleUri("trees/general.table"))
    root = write_tree(
        folder / "tree", BACKBONE, [TreeNode("general", BundleUri("trees/general.table"), digest)]
    )
    store.publish(folder / "tree", BundleUri("trees/general"))
    return DomainJob(
        job_id=JobId("job"),
        domain_id=DomainId("d"),
        backbone=BundleRef(BundleUri("backbone"), BACKBONE),
        parent=BundleRef(BundleUri("trees/general"), root),
        contributions=(),
        is_shared=True,
        tree_out_uri=BundleUri(""),
        max_node_bytes=4 << 20,
        max_memory_bytes=int(sys.argv[5]),
    )


def _put(store: FolderStore, folder: Path, uri: BundleUri, num_rows: int) -> Digest:
    """Of some ``num_rows`` n-grams, and the unigrams, made in a process of its own: what making it takes is
    not the merge's."""
    making = Process(target=_make, args=(folder, num_rows))
    making.start()
    making.join()
    assert making.exitcode == 0
    digest = bundle_digest(read_manifest(folder / "bundle"))
    store.publish(folder / "bundle", uri)
    return digest


def _make(folder: Path, num_rows: int) -> None:
    """Trigrams (a b c) with their bigrams, or of wide rows right bigrams (* b c) alone; every tenth n-gram is
    the tenant's alone, so that what a shared node keeps lies apart."""
    own = np.arange(num_rows, dtype=np.uint64)
    only = np.where(
        own % np.uint64(10) == 0, np.uint64(1000 * (1 + TENANTS.index(folder.name))), np.uint64(0)
    )
    if sys.argv[4] == "narrow":
        mixed = own * np.uint64(0x9E3779B97F4A7C15)
        a, b, c = ((mixed >> np.uint64(bits)) % np.uint64(VOCAB) + np.uint64(2) for bits in (54, 44, 34))
        c += only
        parts = [
            np.uint64(1 << 60) | a << np.uint64(40) | b << np.uint64(20) | c,
            np.uint64(2 << 60) | a << np.uint64(40) | b << np.uint64(20),
            np.uint64(3 << 60) | b << np.uint64(20) | c,
        ]
    else:
        c = own // np.uint64(VOCAB) + np.uint64(2) + only
        parts = [np.uint64(3 << 60) | (own % np.uint64(VOCAB) + np.uint64(2)) << np.uint64(20) | c]
    parts.append(unigram_keys(np.arange(VOCAB, dtype=np.int32)))
    keys = np.concatenate([np.unique(part) for part in parts])
    counts = (3 + np.arange(len(keys)) % 5).astype(np.uint32)
    fields = SegmentFields(BACKBONE, DatasetId(folder.name), 1, 3 * len(keys), 2, text_form=TEXT_FORM)
    folder.mkdir(parents=True)
    with (folder / "made").open("wb") as file:
        for start in range(0, len(keys), 4096):
            rows = np.arange(start, min(start + 4096, len(keys)))
            invented = (rows[:, None] * 31 + np.arange(HIDDEN) * 7) % 2000 - 1000
            file.write(invented.astype(np.int16).tobytes())
    made = np.memmap(folder / "made", np.int16, "r", shape=(len(keys), HIDDEN))
    documents = np.array([TENANTS.index(folder.name)], np.uint64)
    segment = Segment(fields, keys, counts, np.full(len(keys), 1 << 30, np.int64), made, documents)
    write_segment(segment, folder / "bundle")


if __name__ == "__main__":
    main()
