"""How much more does one device answer than with what one would use instead?"""

import argparse
import importlib.util
import statistics
import sys
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor
from transformers import BertConfig, BertModel

from benchmarks.common import default_dtype, device, print_result, say
from benchmarks.onnx_peer import OnnxModel, export_models
from benchmarks.serving_load import ClosedLoop, chooser
from benchmarks.serving_oracle import Checker
from benchmarks.serving_world import (
    DEVICE_BYTES,
    DISK_BYTES_PER_S,
    DISK_LATENCY_S,
    SOURCE,
    Tenant,
    World,
    add_depth,
    random_head,
    scratch,
)
from hmi.build.backbone_source import find_source
from hmi.service.live_plane import LivePlane
from hmi.service.settings import ServiceSettings

TENANTS, SLOTS, HOST = 100, 128, 256
WINDOW = 256
BATCH_SIZES = (16, 32, 64)
EXACT = 2.0
"""A coverage floor that no look-up reaches: all lower layers are computed."""

Run = Callable[[float], float]
"""Seconds to run -> texts a second."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a peer uses the cores: so many batches at a time, each on so many threads."""

    at_a_time: int
    threads: int

    def __str__(self) -> str:
        return f"{self.at_a_time} at a time on {self.threads}"


@dataclass(frozen=True, slots=True)
class Question:
    """One text of one tenant."""

    tenant: int
    token_ids: Tensor  # int64


class Peft:
    """transformers and peft: one model, all adapters loaded, a mixed batch by ``adapter_names``."""

    def __init__(self, world: World, tenants: Sequence[Tenant]) -> None:
        began = time.monotonic()
        base = BertModel.from_pretrained(find_source(SOURCE).folder, add_pooling_layer=False)
        folders = [world.store.localize(t.hplm.adapter.uri, t.hplm.adapter.digest) for t in tenants]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._model = PeftModel.from_pretrained(base, folders[0], adapter_name="0")
            for number, folder in enumerate(folders[1:], start=1):
                self._model.load_adapter(folder, adapter_name=str(number))
        self._model.eval()
        heads = [random_head(world.backbone.fields, number) for number in range(len(tenants))]
        self._heads = torch.stack([head.weight for head in heads]).to(device())
        self.load_s = time.monotonic() - began

    def to(self, dtype: torch.dtype) -> None:
        self._model.to(device(), dtype)

    @torch.inference_mode()
    def answer(self, questions: Sequence[Question]) -> Tensor:
        ids, mask = _padded(questions)
        states = self._model(
            input_ids=ids, attention_mask=mask, adapter_names=[str(q.tenant) for q in questions]
        ).last_hidden_state
        return _labels(states, mask, self._heads[[question.tenant for question in questions]]).cpu()


class WholeModels:
    """A fine-tuned model for every tenant, as many at a time as the device's budget holds, each brought from
    the stated disk. All compute with the same weights: what they answer costs what theirs would."""

    def __init__(self, dtype: torch.dtype) -> None:
        folder = find_source(SOURCE).folder
        model: torch.nn.Module = BertModel.from_pretrained(folder, add_pooling_layer=False, dtype=dtype)
        self._model = model.eval().to(device())
        self._model_bytes = sum(p.nbytes for p in self._model.parameters())
        self._max_resident = DEVICE_BYTES // self._model_bytes
        self._resident: OrderedDict[int, None] = OrderedDict()
        self._lock = threading.Lock()

    @torch.inference_mode()
    def answer(self, questions: Sequence[Question]) -> Tensor:
        """All of one tenant."""
        self._bring(questions[0].tenant)
        ids, mask = _padded(questions)
        states: Tensor = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        return states.mean(1).cpu()

    def _bring(self, tenant: int) -> None:
        if tenant not in self._resident:
            time.sleep(DISK_LATENCY_S + self._model_bytes / DISK_BYTES_PER_S)
        with self._lock:
            self._resident[tenant] = None
            self._resident.move_to_end(tenant)
            if len(self._resident) > self._max_resident:
                self._resident.popitem(last=False)


def main() -> int:
    args = _parser().parse_args()
    if args.full:
        args.rounds, args.seconds = 5, 15.0
    num_threads = args.threads or torch.get_num_threads()
    began = time.monotonic()
    types = list(dict.fromkeys([torch.float32, default_dtype()]))
    with scratch("peers") as folder:
        world = World(Path(folder), TENANTS, num_lower=args.num_lower)
        questions = _questions(world)
        peft = Peft(world, world.tenants)
        say(f"peft: {TENANTS} adapters loaded in {peft.load_s:.0f} s")
        searches: dict[str, dict[str, float]] = {}
        peers: dict[str, Run] = {}
        peers["peft"], searches["peft"] = _best_peft(peft, types, num_threads, questions, args.seconds)
        peers["whole_models"], searches["whole_models"] = _best_whole(
            types, num_threads, questions, args.seconds
        )
        onnx, searches["onnx"] = _best_onnx(Path(folder), num_threads, questions, args.seconds)
        peers |= onnx
        each = ServiceSettings(**world.settings(num_slots=SLOTS, num_host=HOST)).forward_threads
        torch.set_num_threads(each)  # of threads that begin from now on, as cli/serve.py
        ours = world.plane(num_slots=SLOTS, num_host=HOST, lower_layers=True)
        plain = world.plane(num_slots=SLOTS, num_host=HOST, compute_type="float32", lower_layers=True)
        loops = {
            "ours": _loop(world, ours),
            "computed": _loop(world, ours, coverage_floor=EXACT),
            "ours_float32": _loop(world, plain),
            "computed_float32": _loop(world, plain, coverage_floor=EXACT),
        }
        runs = {name: loop.run for name, loop in loops.items()} | peers
        for plane in (ours, plain):
            plane.start()
        for name in loops:
            runs[name](args.seconds)
        speeds: dict[str, list[float]] = {name: [] for name in runs}
        for number in range(args.rounds):
            for name, run in runs.items():
                speeds[name].append(run(args.seconds))
            say(f"round {number + 1}: " + ", ".join(f"{n} {s[-1]:.0f}" for n, s in speeds.items()))
        for plane in (ours, plain):
            plane.close()
        checker = Checker(world)
        checker.check(loops["ours"].answers, sample=args.sample, seed=1)
        checker.check(loops["ours_float32"].answers, sample=args.sample, seed=2, dtype=torch.float32)
    print_result(
        {
            "ratio_peft_mixed": _ratio(speeds, "ours", "peft"),
            "ratio_whole_models": _ratio(speeds, "ours", "whole_models"),
            "ratio_computed": _ratio(speeds, "ours", "computed"),
            "ratio_computed_float32": _ratio(speeds, "ours_float32", "computed_float32"),
            "ratio_onnx_equal": _ratio(speeds, "ours_float32", "onnx_float32"),
            "ratio_onnx_best_float": _ratio(speeds, "ours", "onnx_float32"),
            "ratio_onnx_int8": _ratio(speeds, "ours", "onnx_int8"),
            "texts_per_s": {name: round(statistics.median(values), 1) for name, values in speeds.items()},
            "peft_load_s": round(peft.load_s, 1),
            "searches_texts_per_s": searches,
            "failed": sum(loop.num_failed for loop in loops.values()),
            **checker.result(),
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def _questions(world: World) -> list[Question]:
    """As the closed loops ask: every tenant as often, about 32 tokens."""
    tenants = np.random.default_rng(3).integers(TENANTS, size=4096)
    texts = [torch.from_numpy(ids.astype(np.int64)) for ids in world.texts]
    return [Question(int(tenant), texts[number % len(texts)]) for number, tenant in enumerate(tenants)]


def _ways(num_threads: int) -> list[Way]:
    """All cores for one batch, or a batch for each core; beside a device, one batch or two."""
    if device().type != "cpu":
        return [Way(1, num_threads), Way(2, num_threads)]
    return list(dict.fromkeys([Way(1, num_threads), Way(num_threads, 1)]))


def _best_peft(
    peft: Peft, types: Sequence[torch.dtype], num_threads: int, questions: Sequence[Question], seconds: float
) -> tuple[Run, dict[str, float]]:
    """By type, batch size and threads. One batch at a time: a mixed batch hangs hooks into the one model."""
    tried: dict[str, Run] = {}
    for dtype in types:
        for threads in sorted({1, num_threads}):
            for size in BATCH_SIZES:
                way = Way(1, threads)
                run = partial(_speed, peft.answer, partial(_chunks, size=size), questions, way)
                tried[f"{_name(dtype)}, {size}, {way}"] = partial(_in_type, peft, dtype, run)
    return _best("peft", tried, seconds)


def _in_type(peft: Peft, dtype: torch.dtype, run: Run, seconds: float) -> float:
    peft.to(dtype)
    return run(seconds)


def _best_whole(
    types: Sequence[torch.dtype], num_threads: int, questions: Sequence[Question], seconds: float
) -> tuple[Run, dict[str, float]]:
    """By type and threads; a batch is what waits for one tenant."""
    tried: dict[str, Run] = {
        f"{_name(dtype)}, {way}": partial(_speed, WholeModels(dtype).answer, _by_tenant, questions, way)
        for dtype in types
        for way in _ways(num_threads)
    }
    return _best("whole models", tried, seconds)


def _best_onnx(
    folder: Path, num_threads: int, questions: Sequence[Question], seconds: float
) -> tuple[dict[str, Run], dict[str, float]]:
    """ONNX Runtime in each type, by batch size and threads; nothing without the packages."""
    if device().type != "cpu":
        say("onnxruntime is compared with on a processor alone")
        return {}, {}
    if importlib.util.find_spec("onnxruntime") is None:
        say("onnxruntime is absent, not compared with: pip install --no-deps -r requirements/peers.lock")
        return {}, {}
    best: dict[str, Run] = {}
    searches: dict[str, float] = {}
    head = torch.randn(4, BertConfig.from_pretrained(find_source(SOURCE).folder).hidden_size)
    for name, path in export_models(find_source(SOURCE).folder, folder).items():
        tried: dict[str, Run] = {}
        for way in _ways(num_threads):
            model = OnnxModel(path, head, way.threads)
            for size in BATCH_SIZES:
                answer = partial(_by_one_model, model)
                tried[f"{name}, {size}, {way}"] = partial(
                    _speed, answer, partial(_chunks, size=size), questions, way
                )
        best[f"onnx_{name}"], search = _best(f"onnxruntime in {name}", tried, seconds)
        searches |= search
    return best, searches


def _by_one_model(model: OnnxModel, questions: Sequence[Question]) -> Tensor:
    """Whoever asks."""
    return model.answer(*_padded(questions))


def _best(name: str, tried: dict[str, Run], seconds: float) -> tuple[Run, dict[str, float]]:
    """Whichever answers most, and how many texts a second each did."""
    speeds = {how: run(seconds / 2) for how, run in tried.items()}
    search = {how: round(speed, 1) for how, speed in speeds.items()}
    say(f"{name}: {search}")
    return tried[max(speeds, key=lambda how: speeds[how])], search


def _loop(world: World, plane: LivePlane, coverage_floor: float = 0.0) -> ClosedLoop:
    uniform = np.full(TENANTS, 1 / TENANTS)
    return ClosedLoop(world, plane, chooser(world.tenants, uniform, 3), WINDOW, coverage_floor=coverage_floor)


def _speed(
    answer: Callable[[Sequence[Question]], Tensor],
    batches: Callable[[Sequence[Question]], Iterator[list[Question]]],
    questions: Sequence[Question],
    way: Way,
    seconds: float,
) -> float:
    """Texts a second, after a first batch on each thread that does not count."""
    torch.set_num_threads(way.threads)  # of the threads that begin now, and of all their libraries

    def one(number: int) -> float:
        mine = batches(questions[number :: way.at_a_time])
        answer(next(mine))
        num_texts, begin = 0, time.monotonic()
        while (now := time.monotonic()) < begin + seconds:
            batch = next(mine)
            answer(batch)
            num_texts += len(batch)
        return num_texts / (now - begin)

    with ThreadPoolExecutor(way.at_a_time) as threads:
        return sum(threads.map(one, range(way.at_a_time)))


def _chunks(questions: Sequence[Question], size: int) -> Iterator[list[Question]]:
    """Batches for ever, of texts of like lengths out of so many that wait."""
    while True:
        for start in range(0, len(questions), WINDOW):
            waiting = sorted(questions[start : start + WINDOW], key=lambda q: len(q.token_ids))
            for first in range(0, len(waiting), size):
                yield waiting[first : first + size]


def _by_tenant(questions: Sequence[Question]) -> Iterator[list[Question]]:
    """Batches for ever, each of one tenant: all that waits for it, the tenant with most first."""
    while True:
        for start in range(0, len(questions), WINDOW):
            waiting: dict[int, list[Question]] = {}
            for question in questions[start : start + WINDOW]:
                waiting.setdefault(question.tenant, []).append(question)
            yield from sorted(waiting.values(), key=len, reverse=True)


def _padded(questions: Sequence[Question]) -> tuple[Tensor, Tensor]:
    """Token ids and mask, [texts, longest], on the device."""
    ids = torch.nn.utils.rnn.pad_sequence([q.token_ids for q in questions], batch_first=True)
    lengths = torch.tensor([len(q.token_ids) for q in questions])
    return ids.to(device()), (torch.arange(ids.shape[1]) < lengths[:, None]).long().to(device())


def _labels(states: Tensor, mask: Tensor, heads: Tensor) -> Tensor:
    weights = mask[..., None].to(torch.float32)
    pooled = (states.to(torch.float32) * weights).sum(1) / weights.sum(1)
    return torch.einsum("nlh,nh->nl", heads, pooled).softmax(-1)


def _ratio(speeds: dict[str, list[float]], ours: str, peer: str) -> float | None:
    """Median of the rounds' ratios: each pair ran one after the other. None: the peer is not installed."""
    if peer not in speeds:
        return None
    return round(statistics.median(o / p for o, p in zip(speeds[ours], speeds[peer], strict=True)), 2)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of one run")
    parser.add_argument("--sample", type=int, default=30, help="of our answers that are checked, each type")
    parser.add_argument("--threads", type=int, help="of a peer's forward (default: all cores)")
    add_depth(parser)
    parser.add_argument("--full", action="store_true", help="longer runs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
