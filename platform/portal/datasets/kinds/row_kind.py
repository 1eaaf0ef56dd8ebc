"""What the doctor must know of a kind of task: how a row's label is read, what is odd of it, what all say."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from portal.datasets.findings import Finding
from portal.datasets.ledger import Ledger
from portal.datasets.plan import FixPlan
from portal.datasets.records import Record
from portal.datasets.source_row import SourceRow

Edit = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The scores of the rows that are kept."""

    least: float
    most: float
    mean: float


class RowKind(Protocol):
    """One examination's view of its kind: it counts what is kept. Made anew for every examination."""

    @property
    def has_pairs(self) -> bool:
        """Rows have two texts."""

    @property
    def has_spans(self) -> bool:
        """Rows are labelled with spans of their text, so that a file may have columns of tokens and tags."""

    @property
    def label_rows(self) -> Mapping[str, int]:
        """Rows kept of each label, in alphabetical order; none of kinds without labels."""

    @property
    def values(self) -> ValueRange | None:
        """Of the rows kept, for a kind that has them."""

    def takes(self, value: Any) -> bool:
        """Can a label be this JSON value?"""

    def record(self, source: SourceRow, text: str, plan: FixPlan, edit: Edit) -> Record:
        """The row with what could be read of its label; ``edit`` is what the fixes do to labels."""

    def reasons_against(self, record: Record, source: SourceRow) -> Iterator[str]:
        """Codes of findings for which the row cannot be used; in their advice "label" means the label."""

    def oddities(self, record: Record, source: SourceRow) -> Iterator[str]:
        """Codes of findings of a row that can be used."""

    def target(self, record: Record) -> str:
        """Equal for rows that are labelled alike."""

    def names(self, record: Record) -> tuple[str, ...]:
        """Its labels."""

    def count(self, record: Record) -> None:
        """The row is kept. Raises DatasetRefused for more labels than a task may have."""

    def findings(self, ledger: Ledger) -> Iterator[Finding]:
        """What the kept rows' labels say together."""
