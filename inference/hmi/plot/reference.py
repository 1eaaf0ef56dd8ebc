"""The same as the rest of PLOT with dictionaries and floats, one n-gram at a time: the tests' oracle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.plot.ngram import BOUNDARY, FIRST_TOKEN, WILDCARD, Answer, Rung

Vector = npt.NDArray[np.float64]
Gram = tuple[int, int, int]
"""Codes of a, b and c; WILDCARD where the rung does not look."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text as it was counted: its windows of token ids, with a state for every token."""

    windows: tuple[tuple[int, ...], ...]
    states: tuple[Vector, ...]  # per window [length, hidden]


@dataclass(frozen=True, slots=True)
class Evidence:
    """How often an n-gram occurred, and the sum of the states there."""

    count: int
    total: Vector


def grams(window: Sequence[int], place: int) -> dict[Rung, Gram]:
    """The n-grams round the token at ``place``."""
    a = window[place - 1] + FIRST_TOKEN if place > 0 else BOUNDARY
    b = window[place] + FIRST_TOKEN
    c = window[place + 1] + FIRST_TOKEN if place + 1 < len(window) else BOUNDARY
    return {
        Rung.TRIGRAM: (a, b, c),
        Rung.LEFT: (a, b, WILDCARD),
        Rung.RIGHT: (WILDCARD, b, c),
        Rung.UNIGRAM: (WILDCARD, b, WILDCARD),
    }


def count_dataset(texts: Sequence[Text], min_count: int) -> dict[Gram, Evidence]:
    """What one dataset contributes."""
    evidence: dict[Gram, Evidence] = {}
    for text in texts:
        for window, states in zip(text.windows, text.states, strict=True):
            for place, state in enumerate(states):
                for gram in grams(window, place).values():
                    before = evidence.get(gram, Evidence(0, np.zeros_like(state)))
                    evidence[gram] = Evidence(before.count + 1, before.total + state)
    return {gram: e for gram, e in evidence.items() if _is_unigram(gram) or e.count >= min_count}


def merge_datasets(datasets: Sequence[Mapping[Gram, Evidence]]) -> dict[Gram, Evidence]:
    """What the datasets of a node contribute together."""
    merged: dict[Gram, Evidence] = {}
    for dataset in datasets:
        for gram, more in dataset.items():
            before = merged.get(gram, Evidence(0, np.zeros_like(more.total)))
            merged[gram] = Evidence(before.count + more.count, before.total + more.total)
    return merged


def node_rows(
    evidence: Mapping[Gram, Evidence],
    tau: Mapping[Rung, float],
    parents: Sequence[Mapping[Gram, Vector]],
    isolated: Sequence[Vector] | None,
) -> dict[Gram, Vector]:
    """The rows of a node, from ``parents``' rows (root first) or, for the root, the ``isolated`` ones."""
    rows: dict[Gram, Vector] = {}
    for rung in (Rung.UNIGRAM, Rung.LEFT, Rung.RIGHT, Rung.TRIGRAM):
        for gram, seen in evidence.items():
            if grams_rung(gram) is rung:
                prior = _prior(gram, rows, parents, isolated)
                rows[gram] = (seen.total + tau[rung] * prior) / (seen.count + tau[rung])
    for token, row in enumerate(isolated or ()):
        rows.setdefault((WILDCARD, token + FIRST_TOKEN, WILDCARD), row)
    return rows


def climb(wanted: Mapping[Rung, Gram], path: Sequence[Mapping[Gram, Vector]]) -> tuple[Answer, int, Vector]:
    """The ladder: what answers, at which position of the path (root first), and the row."""
    found = {rung: _nearest(gram, path) for rung, gram in wanted.items()}
    trigram, left, right, unigram = (found[rung] for rung in Rung)
    if trigram:
        return Answer.TRIGRAM, *trigram
    assert unigram, "the root has every token"
    if left and right:
        return Answer.BOTH_BIGRAMS, max(left[0], right[0]), left[1] + right[1] - unigram[1]
    if left:
        return Answer.LEFT, *left
    if right:
        return Answer.RIGHT, *right
    return Answer.UNIGRAM, *unigram


def _prior(
    gram: Gram,
    rows: Mapping[Gram, Vector],
    parents: Sequence[Mapping[Gram, Vector]],
    isolated: Sequence[Vector] | None,
) -> Vector:
    above = _nearest(gram, parents)
    if above:
        return above[1]
    a, b, c = gram
    rung = grams_rung(gram)
    if rung is Rung.UNIGRAM:
        assert isolated is not None, "the root has every token"
        return isolated[b - FIRST_TOKEN]
    unigram = rows[WILDCARD, b, WILDCARD]
    if rung is Rung.TRIGRAM:
        return rows[a, b, WILDCARD] + rows[WILDCARD, b, c] - unigram
    return unigram


def _nearest(gram: Gram, path: Sequence[Mapping[Gram, Vector]]) -> tuple[int, Vector] | None:
    for position in reversed(range(len(path))):
        if gram in path[position]:
            return position, path[position][gram]
    return None


def _is_unigram(gram: Gram) -> bool:
    return grams_rung(gram) is Rung.UNIGRAM


def grams_rung(gram: Gram) -> Rung:
    """Of which order it is."""
    a, _, c = gram
    if a != WILDCARD:
        return Rung.LEFT if c == WILDCARD else Rung.TRIGRAM
    return Rung.UNIGRAM if c == WILDCARD else Rung.RIGHT


Suffix = tuple[int, ...]
"""Codes of the tokens that end at a token, the last one last; BOUNDARY stands before a window's first."""


def suffixes(window: Sequence[int], place: int, order: int) -> list[Suffix]:
    """The suffixes that end at the token at ``place``, the shortest first."""
    codes = (BOUNDARY, *(token + FIRST_TOKEN for token in window[: place + 1]))
    return [codes[-length:] for length in range(1, min(order, len(codes)) + 1)]


def count_suffixes(texts: Sequence[Text], order: int, min_count: int) -> dict[Suffix, Evidence]:
    """What one dataset contributes to a decoder's node."""
    evidence: dict[Suffix, Evidence] = {}
    for text in texts:
        for window, states in zip(text.windows, text.states, strict=True):
            for place, state in enumerate(states):
                for suffix in suffixes(window, place, order):
                    before = evidence.get(suffix, Evidence(0, np.zeros_like(state)))
                    evidence[suffix] = Evidence(before.count + 1, before.total + state)
    return {suffix: e for suffix, e in evidence.items() if len(suffix) == 1 or e.count >= min_count}


def suffix_rows(
    evidence: Mapping[Suffix, Evidence],
    tau: Mapping[int, float],
    parents: Sequence[Mapping[Suffix, Vector]],
    isolated: Sequence[Vector] | None,
) -> dict[Suffix, Vector]:
    """The rows of a decoder's node; ``tau`` by length. As node_rows otherwise."""
    rows: dict[Suffix, Vector] = {}
    for suffix, seen in sorted(evidence.items(), key=lambda item: len(item[0])):
        above = next((parent[suffix] for parent in reversed(parents) if suffix in parent), None)
        if above is None and len(suffix) > 1:
            above = rows[suffix[1:]]
        elif above is None:
            assert isolated is not None, "the root has every token"
            above = isolated[suffix[0] - FIRST_TOKEN]
        weight = tau[len(suffix)]
        rows[suffix] = (seen.total + weight * above) / (seen.count + weight)
    for token, row in enumerate(isolated or ()):
        rows.setdefault((token + FIRST_TOKEN,), row)
    return rows


def climb_suffixes(
    wanted: Sequence[Suffix], path: Sequence[Mapping[Suffix, Vector]]
) -> tuple[int, int, Vector]:
    """The length that answers, at which position of the path (root first), and the row."""
    for suffix in reversed(wanted):
        for position in reversed(range(len(path))):
            if suffix in path[position]:
                return len(suffix), position, path[position][suffix]
    raise AssertionError("the root has every token")
