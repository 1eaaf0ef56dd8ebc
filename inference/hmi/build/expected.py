"""Texts with the numbers that another machine, or the service, gave them: what answers are compared with."""

from pathlib import Path

import msgspec

from hmi.base.errors import InvalidInput
from hmi.build.json_lines import read_json_lines
from hmi.build.parity import span_name
from hmi.model.tokenizer import Text


class ExpectedSpan(msgspec.Struct):
    """A span with its score."""

    start: int
    end: int
    label: str
    score: float


class Expected(msgspec.Struct):
    """A text with the numbers that another machine, or the service, gave it; other fields are passed over."""

    text: str
    pair: str | None = None
    scores: dict[str, float] | None = None
    value: float | None = None
    spans: list[ExpectedSpan] | None = None

    @property
    def input(self) -> Text:
        return self.text if self.pair is None else (self.text, self.pair)

    @property
    def has_numbers(self) -> bool:
        """Whether it says anything of the text; that it has no spans is something."""
        return not (self.scores is None and self.value is None and self.spans is None)

    def numbers(self) -> dict[str, float]:
        """As hmi.build.parity.numbers_of."""
        return {
            **(self.scores or {}),
            **({} if self.value is None else {"value": self.value}),
            **{span_name(span.start, span.end, span.label): span.score for span in self.spans or ()},
        }


def read_expected(path: Path) -> list[Expected]:
    """JSON lines, at least one. Raises InvalidInput."""
    entries = read_json_lines(path, Expected, param="expected")
    if not entries:
        raise InvalidInput(f"{path.name} has no rows to compare with", param="expected")
    return entries
