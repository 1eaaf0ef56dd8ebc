"""Rows that a person judges one by one: some labelled otherwise, others left out; as a fix like any other."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.common.errors import Conflict, InvalidField
from portal.common.store import ObjectStore
from portal.datasets import selectors
from portal.datasets.findings import Fix, FixKind
from portal.datasets.models import Dataset
from portal.datasets.row_checks import CORRECTED_ROWS
from wire.tasks import TaskKind

FIELDS = {
    TaskKind.SINGLE_LABEL.value: "label",
    TaskKind.SENTENCE_PAIR.value: "label",
    TaskKind.MULTI_LABEL.value: "labels",
    TaskKind.SCORE.value: "value",
}
"""What a row of a kind is labelled with; rows of other kinds can only be left out."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What becomes of one row of a dataset: one of the three, or it is left out."""

    row: int  # line number, as reports name it
    label: str | None = None
    labels: tuple[str, ...] | None = None
    value: float | None = None

    @property
    def field(self) -> str | None:
        """The one of the three that is given."""
        return next((name for name in ("label", "labels", "value") if getattr(self, name) is not None), None)

    @property
    def names(self) -> tuple[str, ...]:
        """All labels that it gives."""
        return (*(self.labels or ()), *(() if self.label is None else (self.label,)))


def correcting_fix(*, dataset: Dataset, corrections: Sequence[Correction], store: ObjectStore) -> Fix:
    """The fix that does all of it.

    Raises Conflict while the dataset is examined, InvalidField for a row or a label that it does not have,
    for what rows of its kind are not labelled with, and for a row that is named twice.
    """
    numbers = frozenset(correction.row for correction in corrections)
    if len(numbers) < len(corrections):
        raise InvalidField("corrections", "A row is named twice.")
    if not dataset.num_rows:
        raise Conflict("This dataset has no rows, or has not been examined yet: see its report.")
    given = [correction for correction in corrections if correction.field is not None]
    wanted = FIELDS.get(dataset.kind)
    if any(correction.field != wanted for correction in given):
        raise InvalidField(
            "corrections",
            f"Rows of kind {dataset.kind} can only be left out."
            if wanted is None
            else f"Rows of kind {dataset.kind} are corrected by their {wanted}.",
        )
    known = {count["label"] for count in dataset.labels}
    strange = sorted({name for correction in given for name in correction.names} - known)
    if strange:
        raise InvalidField("corrections", f"The dataset has no label {strange[0]!r}.")
    rows = selectors.dataset_rows(dataset=dataset, store=store, offset=0, limit=len(numbers), numbers=numbers)
    absent = sorted(numbers - {record.row for record in rows})
    if absent:
        raise InvalidField("corrections", f"The dataset has no row {absent[0]}.")
    dropped = sorted(numbers - {correction.row for correction in given})
    words = f"Labels corrected by hand: {len(given)}; rows left out by hand: {len(dropped)}"
    values = {str(one.row): one.value for one in given if one.value is not None}
    labels = {str(one.row): one.label or one.labels for one in given if one.value is None}
    return Fix(FixKind.CORRECT, CORRECTED_ROWS, words, {"labels": labels, "values": values, "drop": dropped})
