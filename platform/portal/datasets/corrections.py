"""Rows that a person judges one by one: other labels for some, others left out; as a fix like any other."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.common.errors import Conflict, InvalidField
from portal.common.store import ObjectStore
from portal.datasets import selectors
from portal.datasets.findings import Fix, FixKind
from portal.datasets.models import Dataset
from portal.datasets.row_checks import CORRECTED_ROWS
from wire.tasks import TaskKind

ONE_LABEL_A_ROW = (TaskKind.SINGLE_LABEL.value, TaskKind.SENTENCE_PAIR.value)


@dataclass(frozen=True, slots=True)
class Correction:
    """What becomes of one row of a dataset."""

    row: int  # line number, as reports name it
    label: str | None  # None: leave the row out


def correcting_fix(*, dataset: Dataset, corrections: Sequence[Correction], store: ObjectStore) -> Fix:
    """The fix that does all of it.

    Raises Conflict while the dataset is examined, InvalidField for a row or a label that it does not have,
    and for a row that is named twice.
    """
    numbers = frozenset(correction.row for correction in corrections)
    if len(numbers) < len(corrections):
        raise InvalidField("corrections", "A row is named twice.")
    if not dataset.num_rows:
        raise Conflict("This dataset has no rows, or has not been examined yet: see its report.")
    given = {c.row: c.label for c in corrections if c.label is not None}
    if given and dataset.kind not in ONE_LABEL_A_ROW:
        raise InvalidField("corrections", f"Rows of kind {dataset.kind} can only be left out.")
    known = {count["label"] for count in dataset.labels}
    strange = sorted(set(given.values()) - known)
    if strange:
        raise InvalidField("corrections", f"The dataset has no label {strange[0]!r}.")
    rows = selectors.dataset_rows(dataset=dataset, store=store, offset=0, limit=len(numbers), numbers=numbers)
    absent = sorted(numbers - {record.row for record in rows})
    if absent:
        raise InvalidField("corrections", f"The dataset has no row {absent[0]}.")
    dropped = sorted(numbers - set(given))
    words = f"Labels corrected by hand: {len(given)}; rows left out by hand: {len(dropped)}"
    labels = {str(row): label for row, label in given.items()}
    return Fix(FixKind.CORRECT, CORRECTED_ROWS, words, {"labels": labels, "drop": dropped})
