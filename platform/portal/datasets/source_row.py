"""One row as an uploaded file has it."""

from dataclasses import dataclass
from typing import Any

from wire.spans import Span


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A value that is absent or null is empty."""

    row: int  # line number of its first line
    text: str
    label: str
    fold: str = ""  # the part of the data it says it is in: "train", "test", ...
    pair: str = ""  # the second text, where rows have two
    listed: tuple[Any, ...] | None = None  # a label that is a list
    spans: tuple[Span, ...] | None = None  # of tags
    document: int | None = None  # row of the first sentence of its document, where the file tells documents
    flaws: tuple[str, ...] = ()  # codes of findings that only the reader can make
