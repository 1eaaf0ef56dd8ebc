"""What an uploader says of a file: the kind of its labels, its columns, what parts several labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from portal.datasets.columns import ColumnChoice
from wire.tasks import TaskKind

DEFAULT_SEPARATOR = ";"


@dataclass(frozen=True, slots=True)
class Declared:
    """The default is a file with one label a text, whose columns are found by name."""

    kind: TaskKind = TaskKind.SINGLE_LABEL
    columns: ColumnChoice = field(default_factory=ColumnChoice)
    separator: str = DEFAULT_SEPARATOR  # between the labels of one row, where there may be several

    @property
    def given_columns(self) -> list[str | None]:
        """As they are kept in the database; ``declared_of`` reads them back."""
        return [self.columns.text, self.columns.label, self.columns.pair]


def declared_of(kind: str, given_columns: Sequence[str | None], separator: str) -> Declared:
    """From what a dataset or an upload keeps; those of older releases have two columns, or none."""
    text, label, pair = [*given_columns, None, None, None][:3]
    return Declared(TaskKind(kind), ColumnChoice(text, label, pair=pair), separator)
