"""Labelled spans of a text, and how columns of tokens and tags (CoNLL) say them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

OUTSIDE = "O"
_OWN_NAMES = {"L": "E", "U": "S", "W": "S", "M": "I"}  # of BILOU, BMEWO and the like
_PREFIXES = frozenset("BIES")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters ``start`` to ``end`` (Unicode code points, the last one not included) are a ``label``."""

    start: int
    end: int
    label: str


class TagScheme(StrEnum):
    """What a file's tags mean. Spans are read alike of all; they differ in which tag may follow which."""

    IOB1 = "iob1"  # I begins a span, and B one that follows another of its label
    IOB2 = "iob2"  # B begins every span
    BIOES = "bioes"  # E ends a span, S is one of a single token


@dataclass(frozen=True, slots=True)
class Tag:
    """One token's tag, taken apart; an outside one has no label."""

    prefix: str  # B, I, E, S or O
    label: str

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(written: str) -> "Tag":
        """``PER`` alone is read as ``I-PER``."""
        if written == OUTSIDE:
            return Tag(OUTSIDE, "")
        prefix, dash, label = written.partition("-")
        prefix = _OWN_NAMES.get(prefix, prefix)
        return Tag(prefix, label) if dash and prefix in _PREFIXES else Tag("I", written)


@dataclass(frozen=True, slots=True)
class TaggedText:
    """The tokens of one sentence with a blank between each two, and what its tags say."""

    text: str
    spans: tuple[Span, ...]
    misplaced: str | None  # the first tag that cannot stand where it stands, with the one before


def tagged_text(tokens: Sequence[str], tags: Sequence[str], scheme: TagScheme) -> TaggedText:
    """A tag that cannot continue a span begins one, whatever the scheme."""
    spans: list[Span] = []
    opened: tuple[int, str] | None = None  # start and label of the span that goes on
    start = 0
    for token, tag in zip(tokens, map(Tag.of, tags), strict=True):
        if opened is not None and not _continues(tag, opened[1]):
            spans.append(Span(opened[0], start - 1, opened[1]))
            opened = None
        if opened is None and tag.prefix != OUTSIDE:
            opened = (start, tag.label)
        if opened is not None and tag.prefix in "ES":
            spans.append(Span(opened[0], start + len(token), opened[1]))
            opened = None
        start += len(token) + 1
    if opened is not None:
        spans.append(Span(opened[0], start - 1, opened[1]))
    return TaggedText(" ".join(tokens), tuple(spans), next(_misplaced(tags, scheme), None))


def scheme_of(sentences: Iterable[Sequence[str]]) -> TagScheme:
    """The scheme of a file some of whose sentences' tags these are."""
    begins_inside = begins_apart = False
    for tags in sentences:
        before = Tag(OUTSIDE, "")
        for tag in map(Tag.of, tags):
            if tag.prefix in "ES":
                return TagScheme.BIOES
            begins_inside |= tag.prefix == "I" and tag.label != before.label
            begins_apart |= tag.prefix == "B" and tag.label != before.label
            before = tag
    return TagScheme.IOB1 if begins_inside and not begins_apart else TagScheme.IOB2


def _continues(tag: Tag, label: str) -> bool:
    return tag.prefix in "IE" and tag.label == label


def _misplaced(tags: Sequence[str], scheme: TagScheme) -> Iterator[str]:
    before, before_written = Tag(OUTSIDE, ""), ""
    for written in tags:
        tag = Tag.of(written)
        if not _may_follow(before, tag, scheme):
            yield f"{written} after {before_written}" if before_written else f"{written} at the beginning"
        before, before_written = tag, written
    if scheme is TagScheme.BIOES and before.prefix in "BI":
        yield f"{before_written} at the end"


def _may_follow(before: Tag, tag: Tag, scheme: TagScheme) -> bool:
    goes_on = tag.prefix in "IE" and before.prefix in "BI" and tag.label == before.label
    match scheme:
        case TagScheme.IOB1:
            return tag.prefix != "B" or tag.label == before.label
        case TagScheme.IOB2:
            return tag.prefix != "I" or goes_on
        case TagScheme.BIOES:
            return goes_on if before.prefix in "BI" else tag.prefix not in "IE"
