"""Rows that a person judges one by one: some labelled otherwise, others left out; as a fix like any other."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise

from portal.common.errors import Conflict, InvalidField
from portal.common.store import ObjectStore
from portal.datasets import selectors
from portal.datasets.findings import Fix, FixKind
from portal.datasets.models import Dataset
from portal.datasets.row_checks import CORRECTED_ROWS
from wire.spans import Span
from wire.tasks import TaskKind

FIELDS = {
    TaskKind.SINGLE_LABEL.value: "label",
    TaskKind.SENTENCE_PAIR.value: "label",
    TaskKind.MULTI_LABEL.value: "labels",
    TaskKind.SCORE.value: "value",
    TaskKind.TOKEN_CLASSIFICATION.value: "spans",
}
"""What a row of a kind is labelled with."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What becomes of one row of a dataset: one of the four, or it is left out."""

    row: int  # line number, as reports name it
    label: str | None = None
    labels: tuple[str, ...] | None = None
    value: float | None = None
    spans: tuple[Span, ...] | None = None

    @property
    def field(self) -> str | None:
        """The one of the four that is given."""
        return next((name for name in FIELDS.values() if getattr(self, name) is not None), None)

    @property
    def names(self) -> tuple[str, ...]:
        """All labels that it gives."""
        label = () if self.label is None else (self.label,)
        return (*label, *(self.labels or ()), *(span.label for span in self.spans or ()))


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
    wanted = FIELDS[dataset.kind]
    if any(correction.field != wanted for correction in given):
        raise InvalidField("corrections", f"Rows of kind {dataset.kind} are corrected by their {wanted}.")
    known = {count["label"] for count in dataset.labels}
    strange = sorted({name for correction in given for name in correction.names} - known)
    if strange:
        raise InvalidField("corrections", f"The dataset has no label {strange[0]!r}.")
    rows = selectors.dataset_rows(dataset=dataset, store=store, offset=0, limit=len(numbers), numbers=numbers)
    absent = sorted(numbers - {record.row for record in rows})
    if absent:
        raise InvalidField("corrections", f"The dataset has no row {absent[0]}.")
    texts = {record.row: record.text for record in rows}
    for correction in given:
        _check_spans(correction, texts[correction.row])
    dropped = sorted(numbers - {correction.row for correction in given})
    words = f"Labels corrected by hand: {len(given)}; rows left out by hand: {len(dropped)}"
    values = {str(one.row): one.value for one in given if one.value is not None}
    labels = {str(one.row): one.label or one.labels for one in given if one.field in ("label", "labels")}
    spans = {str(one.row): list(map(astuple, one.spans)) for one in given if one.spans is not None}
    parts = {"labels": labels, "values": values, "spans": spans, "drop": dropped}
    return Fix(FixKind.CORRECT, CORRECTED_ROWS, words, parts)


def _check_spans(correction: Correction, text: str) -> None:
    """Raises InvalidField for spans that an upload could not have either, and for those of no word."""
    spans, row = sorted(correction.spans or ()), correction.row
    for span in spans:
        where = f"The span {span.start} to {span.end} of row {row}"
        if not 0 <= span.start < span.end <= len(text):
            raise InvalidField(
                "corrections", f"{where} is empty or outside its text, which has {len(text)} characters."
            )
        if text[span.start : span.end].isspace():
            raise InvalidField("corrections", f"{where} has white space alone.")
    for first, second in pairwise(spans):
        if second.start < first.end:
            raise InvalidField(
                "corrections",
                f"The spans {first.start} to {first.end} and {second.start} to {second.end} of row {row} "
                "lie over one another: a character can have one label.",
            )
