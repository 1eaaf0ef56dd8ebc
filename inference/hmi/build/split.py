"""Training, validation and test: stratified, free of leakage, and a pure function of the dataset's texts."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hmi.base.texts import normalised
from hmi.build.data import LabelledRow

TEST_SHARE = 0.15
VALIDATION_SHARE = 0.10
MIN_GROUPS_TO_HOLD_OUT = 3
MIN_DOCUMENTS = 20
"""Of fewer documents, rows are split one by one: whole ones would leave no choice."""


@dataclass(frozen=True, slots=True)
class Split:
    """Positions in the dataset's list of rows, ascending. No two splits hold equal texts, nor rows of one
    document."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


class ChooseSplit(Protocol):
    """A way to split; split_rows is the product's."""

    def __call__(self, rows: Sequence[LabelledRow], *, seed: int, stands_above: Sequence[bool]) -> Split: ...


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows whose texts are equal after normalisation, or of one document: they go one way together."""

    order: bytes
    members: tuple[int, ...]
    stands_above: bool


def split_rows(rows: Sequence[LabelledRow], *, seed: int, stands_above: Sequence[bool]) -> Split:
    """Per label, groups of equal texts by seeded hash: the last ones test, those before them validate.

    ``stands_above[i]`` says that row i's text is part of an ancestor node's text: it trains, since as a
    held-out text it would find its own traces in PLOT. The order of the rows does not matter.
    """
    train: list[int] = []
    validation: list[int] = []
    test: list[int] = []
    for groups in _groups_by_label(rows, seed, stands_above):
        num_test, num_validation = _held_out(len(groups))
        end = len(groups) - num_test
        start = end - num_validation
        for place, group in enumerate(groups):
            if group.stands_above or place < start:
                train.extend(group.members)
            elif place < end:
                validation.extend(group.members)
            else:
                test.extend(group.members)
    return Split(tuple(sorted(train)), tuple(sorted(validation)), tuple(sorted(test)))


def hash_order(text: str, seed: int) -> bytes:
    """Place of a text in the order of a split: 8 bytes, by the normalised text and the seed alone."""
    return hashlib.blake2b(normalised(text).encode(), digest_size=8, key=str(seed).encode()).digest()


def _groups_by_label(
    rows: Sequence[LabelledRow], seed: int, stands_above: Sequence[bool]
) -> list[list[_Group]]:
    by_label: defaultdict[str, list[_Group]] = defaultdict(list)
    for positions in _kept_together(rows):
        group = _Group(
            order=min(hash_order(text, seed) for text in {rows[position].text for position in positions}),
            members=tuple(positions),
            stands_above=any(stands_above[position] for position in positions),
        )
        by_label[_majority_label([rows[position].label for position in positions])].append(group)
    # Texts of ancestors come first: the held-out shares are taken from the others while there are enough.
    return [
        sorted(by_label[label], key=lambda g: (not g.stands_above, g.order)) for label in sorted(by_label)
    ]


def _kept_together(rows: Sequence[LabelledRow]) -> Iterable[list[int]]:
    """Positions of rows with equal texts, and of those of one document where there are enough documents."""
    documents = {row.document for row in rows if row.document is not None}
    has_documents = len(documents) >= MIN_DOCUMENTS
    leaders = list(range(len(rows)))  # each row's way to the first one of its group

    def leader_of(position: int) -> int:
        while leaders[position] != position:
            leaders[position] = leaders[leaders[position]]
            position = leaders[position]
        return position

    first: dict[str | int, int] = {}
    for position, row in enumerate(rows):
        keys: list[str | int] = [normalised(row.text)]
        if has_documents and row.document is not None:
            keys.append(row.document)
        for key in keys:
            one, other = leader_of(position), leader_of(first.setdefault(key, position))
            leaders[max(one, other)] = min(one, other)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for position in range(len(rows)):
        groups[leader_of(position)].append(position)
    return groups.values()


def _majority_label(labels: list[str]) -> str:
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def _held_out(num_groups: int) -> tuple[int, int]:
    if num_groups < MIN_GROUPS_TO_HOLD_OUT:
        return 0, 0
    return max(1, round(TEST_SHARE * num_groups)), max(1, round(VALIDATION_SHARE * num_groups))
