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
MIN_GROUPS = 20
"""Pairs are joined by a common text while no group is larger than such a part of all rows."""


@dataclass(frozen=True, slots=True)
class Split:
    """Positions in the dataset's list of rows, ascending. No two splits hold equal texts, nor rows of one
    document; nor, but for the most frequent ones, one text of pairs (num_sharing_text)."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


class ChooseSplit(Protocol):
    """A way to split; split_rows is the product's."""

    def __call__(self, rows: Sequence[LabelledRow], *, seed: int, stands_above: Sequence[bool]) -> Split: ...


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows whose texts are equal after normalisation, or of one document, or pairs with a text in common:
    they go one way together."""

    order: bytes
    members: tuple[int, ...]
    stands_above: bool


def split_rows(rows: Sequence[LabelledRow], *, seed: int, stands_above: Sequence[bool]) -> Split:
    """Per label, groups that stay together by seeded hash: the last ones test, those before them validate.

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


def num_sharing_text(train: Iterable[LabelledRow], held_out: Iterable[LabelledRow]) -> int:
    """Held-out rows with a text that also stands in a training row: of pairs whose text is in so many rows
    that they could not be kept together."""
    known = {text for row in train for text in row_texts(row)}
    return sum(not known.isdisjoint(row_texts(row)) for row in held_out)


def row_texts(row: LabelledRow) -> tuple[str, ...]:
    """Its one text, or both in the order of the alphabet, as far as they are told apart."""
    texts = (row.text,) if row.pair is None else (row.text, row.pair)
    return tuple(sorted(normalised(text) for text in texts))


def hash_order(text: str, seed: int) -> bytes:
    """Place of a text in the order of a split: 8 bytes, by the normalised text and the seed alone."""
    return hashlib.blake2b(normalised(text).encode(), digest_size=8, key=str(seed).encode()).digest()


def _groups_by_label(
    rows: Sequence[LabelledRow], seed: int, stands_above: Sequence[bool]
) -> list[list[_Group]]:
    by_label: defaultdict[str, list[_Group]] = defaultdict(list)
    for positions in _kept_together(rows):
        group = _Group(
            # By one of its texts: the least of all hashes would let the larger groups come first.
            order=hash_order(min("\n".join(row_texts(rows[place])) for place in positions), seed),
            members=tuple(positions),
            stands_above=any(stands_above[position] for position in positions),
        )
        by_label[_majority_label([rows[position].label for position in positions])].append(group)
    # Texts of ancestors come first: the held-out shares are taken from the others while there are enough.
    return [
        sorted(by_label[label], key=lambda g: (not g.stands_above, g.order)) for label in sorted(by_label)
    ]


def _kept_together(rows: Sequence[LabelledRow]) -> Iterable[list[int]]:
    """Positions of rows with equal texts, of those of one document where there are enough documents, and of
    pairs that have a text in common, as far as the groups stay small enough."""
    documents = {row.document for row in rows if row.document is not None}
    has_documents = len(documents) >= MIN_DOCUMENTS
    groups = _Groups(len(rows))
    alike: defaultdict[tuple[str, ...] | int, list[int]] = defaultdict(list)
    sharing: defaultdict[str, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        texts = row_texts(row)
        alike[texts].append(position)
        if has_documents and row.document is not None:
            alike[row.document].append(position)
        for text in texts if row.pair is not None else ():
            sharing[text].append(position)
    for positions in alike.values():
        groups.join(positions)
    most = max(2, len(rows) // MIN_GROUPS)
    # The rarest first: it is the frequent ones that would join everything.
    for text in sorted(sharing, key=lambda text: (len(sharing[text]), text)):
        if groups.size_with(sharing[text]) <= most:
            groups.join(sharing[text])
    return groups.members()


class _Groups:
    """Positions, each in one group; groups can be joined."""

    def __init__(self, num_positions: int) -> None:
        self._leaders = list(range(num_positions))  # each one's way to the first of its group
        self._sizes = [1] * num_positions  # of the leaders' groups

    def join(self, positions: Sequence[int]) -> None:
        """Make one group of those that these stand in."""
        for position in positions[1:]:
            first, other = sorted((self._leader_of(positions[0]), self._leader_of(position)))
            if first != other:
                self._leaders[other] = first
                self._sizes[first] += self._sizes[other]

    def size_with(self, positions: Sequence[int]) -> int:
        """How many positions that one group would have."""
        return sum(self._sizes[leader] for leader in {self._leader_of(position) for position in positions})

    def members(self) -> Iterable[list[int]]:
        """The groups."""
        groups: defaultdict[int, list[int]] = defaultdict(list)
        for position in range(len(self._leaders)):
            groups[self._leader_of(position)].append(position)
        return groups.values()

    def _leader_of(self, position: int) -> int:
        leaders = self._leaders
        while leaders[position] != position:
            leaders[position] = leaders[leaders[position]]
            position = leaders[position]
        return position


def _majority_label(labels: list[str]) -> str:
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def _held_out(num_groups: int) -> tuple[int, int]:
    if num_groups < MIN_GROUPS_TO_HOLD_OUT:
        return 0, 0
    return max(1, round(TEST_SHARE * num_groups)), max(1, round(VALIDATION_SHARE * num_groups))
