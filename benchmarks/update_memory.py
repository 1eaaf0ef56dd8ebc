"""How much memory does an update of a domain take, and how does it grow with the segments and the tasks?"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch

from benchmarks.common import print_result, say
from benchmarks.plot_world import PlotWorld
from hmi.artifacts.bundle import read_manifest
from hmi.model.adapter_bundle import save_adapter_bundle
from hmi.model.heads import HostHead
from hmi.plot.ngram import unigram_keys
from hmi.plot.segment import TEXT_FORM, Segment, write_segment
from wire.artifacts import BundleRef, SegmentFields, bundle_digest
from wire.codec import to_plain
from wire.domains import MAX_GATE_ROWS, Contribution, DomainJob, GatedTask
from wire.ids import BundleUri, DatasetId, Digest, DomainId, JobId, TaskId, TenantId

VOCAB = 1000
NODE_BYTES = 128 << 20  # HMI_NODE_BYTES
MAX_TOKENS, WORDS_A_ROW = 128, 150
LABELS = ("no", "yes")
TENANTS = ("a", "b", "c")


def main() -> None:
    """Few n-grams, many, and many with tasks; of a tenant's domain and of a shared one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000, help="n-grams of each of three segments")
    parser.add_argument("--tasks", type=int, default=3, help="deployed, that the new tree is tried on")
    args = parser.parse_args()
    peaks = {}
    with tempfile.TemporaryDirectory(prefix="hmi-update-memory-") as folder:
        world = PlotWorld(Path(folder), [])
        task = _task(world, Path(folder))
        small, large = (_segments(world, Path(folder) / str(rows), rows) for rows in (500, args.rows))
        for name, segments, num_tasks, is_shared in (
            ("small", small, 0, False),
            ("large", large, 0, False),
            ("large_shared", large, 0, True),
            ("with_tasks", large, args.tasks, False),
        ):
            tasks = tuple(
                GatedTask(TaskId(f"{number}"), task, _ref(world), BundleUri("rows.jsonl"), _numbers())
                for number in range(num_tasks)
            )
            peaks[f"{name}_peak_mb"] = _updated(world, Path(folder), name, segments, tasks, is_shared) / 1e6
            say(f"{name}: {peaks[f'{name}_peak_mb']:.0f} MB")
    print_result({"benchmark": "update_memory", "rows": args.rows, "tasks": args.tasks, **peaks})


def _updated(
    world: PlotWorld,
    folder: Path,
    name: str,
    segments: Sequence[Contribution],
    tasks: tuple[GatedTask, ...],
    is_shared: bool,
) -> float:
    """Peak of the process as the platform starts it, mapped files aside."""
    job = DomainJob(
        job_id=JobId(name),
        domain_id=DomainId("bench"),
        backbone=BundleRef(BundleUri("backbone"), world.backbone.digest),
        parent=_ref(world),
        contributions=tuple(segments),
        is_shared=is_shared,
        tree_out_uri=BundleUri(f"trees/{name}"),
        tasks=tasks,
        max_node_bytes=NODE_BYTES,
    )
    work = folder / f"work-{name}"
    work.mkdir()
    (work / "job.json").write_bytes(msgspec.json.encode(to_plain(job)))
    command = (sys.executable, "-m", "hmi.cli", "domain", "update", "--job", str(work / "job.json"))
    store = f"file://{folder / 'store'}"
    with (work / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--work", str(work)],
            env={**os.environ, "HMI_STORE_URL": store},
            stdout=log,
            stderr=log,
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, _anonymous_bytes(process.pid))
            time.sleep(0.02)
    said = (work / "log").read_text()
    assert process.returncode == 0, said[-2000:]
    assert re.search(r'"event": ?"domain_result"', said), said[-2000:]
    return peak


def _anonymous_bytes(pid: int) -> int:
    """As portal.training.memory reckons it; 0 of a process that has just ended."""
    told = re.search(r"^RssAnon:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text("ascii"), re.MULTILINE)
    return 0 if told is None else 1024 * int(told[1])


def _ref(world: PlotWorld) -> BundleRef:
    digest = world.store.digest(BundleUri("trees/general"))
    assert digest is not None, "the world has built it"
    return BundleRef(BundleUri("trees/general"), digest)


def _numbers() -> tuple[int, ...]:
    return tuple(range(1, MAX_GATE_ROWS + 1))


def _task(world: PlotWorld, folder: Path) -> BundleRef:
    """A deployed version without an adapter, and rows as long as it reads them."""
    world.store.publish(folder / "backbone", BundleUri("backbone"))
    hidden = world.backbone.fields.hidden
    (folder / "version").mkdir()
    digest = save_adapter_bundle(
        folder / "version",
        adapter=None,
        head=HostHead(torch.zeros(len(LABELS), hidden), torch.zeros(len(LABELS))),
        labels=LABELS,
        max_tokens=MAX_TOKENS,
        backbone_fields=world.backbone.fields,
        backbone=world.backbone.digest,
        tree=_ref(world).digest,
        metrics={},
    )
    world.store.publish(folder / "version", BundleUri("version"))
    words = " ".join(["word"] * WORDS_A_ROW)
    rows = [
        {"row": number, "text": f"{number} {words}", "label": LABELS[number % 2]} for number in _numbers()
    ]
    (folder / "store" / "rows.jsonl").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return BundleRef(BundleUri("version"), digest)


def _segments(world: PlotWorld, folder: Path, num_rows: int) -> list[Contribution]:
    """The same n-grams of three tenants, with invented means."""
    hidden = world.backbone.fields.hidden
    own = np.arange(num_rows, dtype=np.uint64)
    bigrams = (
        np.uint64(3 << 60)
        | (own % np.uint64(VOCAB) + np.uint64(2)) << np.uint64(20)
        | (own // np.uint64(VOCAB) + np.uint64(2))
    )
    keys = np.concatenate([np.unique(bigrams), unigram_keys(np.arange(VOCAB, dtype=np.int32))])
    made = []
    for number, tenant in enumerate(TENANTS):
        fields = SegmentFields(
            world.backbone.digest, DatasetId(tenant), 1, 3 * len(keys), 2, text_form=TEXT_FORM
        )
        place = folder / tenant
        place.mkdir(parents=True)
        means = np.memmap(place / "means", np.int16, "w+", shape=(len(keys), hidden))
        for start in range(0, len(keys), 4096):
            rows = np.arange(start, min(start + 4096, len(keys)))
            means[rows[0] : rows[-1] + 1] = (rows[:, None] * 31 + np.arange(hidden) * 7) % 2000 - 1000
        counts = (3 + np.arange(len(keys)) % 5).astype(np.uint32)
        segment = Segment(
            fields, keys, counts, np.full(len(keys), 1 << 30, np.int64), means, np.array([number], np.uint64)
        )
        write_segment(segment, place / "bundle")
        digest: Digest = bundle_digest(read_manifest(place / "bundle"))
        uri = BundleUri(f"segments/{num_rows}-{tenant}")
        world.store.publish(place / "bundle", uri)
        made.append(Contribution(DatasetId(tenant), TenantId(tenant), uri, digest))
    return made


if __name__ == "__main__":
    main()
