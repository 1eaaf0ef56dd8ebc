"""A dataset, split and encoded: what a training works on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.base.errors import HmiError
from hmi.build.data import LabelledRow, read_rows
from hmi.build.kinds.learning import Targets, TrainingKind
from hmi.build.learn_domain import DomainAbove
from hmi.build.planned_work import PartTokens
from hmi.build.split import ChooseSplit, num_sharing_text
from hmi.kinds.answers import answers_of
from hmi.model.tokenizer import EncodedTexts, Tokenizer
from hmi.plot.ngram import Documents
from hmi.plot.segment import text_hashes
from wire.errors import ErrorCode
from wire.training import TrainJob


@dataclass(frozen=True, slots=True)
class SplitRows:
    """The rows of each part of the split, as they were read."""

    train: tuple[LabelledRow, ...]
    validation: tuple[LabelledRow, ...]
    test: tuple[LabelledRow, ...]
    num_from_ancestors: int  # training rows whose text the domain has seen already
    num_sharing_text: int  # test rows, of pairs, with a text that trains as well: it is in too many rows


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the split, as the model reads it."""

    rows: tuple[LabelledRow, ...]
    targets: Targets
    encoded: EncodedTexts

    @property
    def documents(self) -> Documents:
        return self.encoded.documents

    @property
    def texts(self) -> list[str]:
        """Of each row one: both texts of a pair."""
        return [row.whole_text for row in self.rows]

    @property
    def counted_texts(self) -> list[str]:
        """As segments count them: of a pair two."""
        return [text for row in self.rows for text in row.counted_texts]


@dataclass(frozen=True, slots=True)
class Parts:
    """The split dataset."""

    train: Part
    validation: Part
    test: Part
    num_from_ancestors: int  # training rows whose text the domain has seen already
    num_sharing_text: int  # test rows, of pairs, with a text that trains as well: it is in too many rows

    @property
    def num_rows(self) -> int:
        return len(self.train.rows) + len(self.validation.rows) + len(self.test.rows)

    @property
    def num_truncated(self) -> int:
        """Rows longer than the recipe's max_tokens."""
        return sum(int(part.encoded.truncated.sum()) for part in (self.train, self.validation, self.test))


def read_parts(
    lines: Iterable[bytes],
    job: TrainJob,
    tokenizer: Tokenizer,
    above: DomainAbove,
    choose_split: ChooseSplit,
    kind: TrainingKind,
) -> Parts:
    """Read, split and encode; no text that a look-up in the domain would find traces of is held out.

    Raises HmiError(DATASET_*) when there is not enough to train, to validate or to test on.
    """
    split = read_split(lines, job, above, choose_split, kind)
    train, validation, test = (
        _encoded(part, job, tokenizer, kind) for part in (split.train, split.validation, split.test)
    )
    return Parts(
        train,
        validation,
        test,
        num_from_ancestors=split.num_from_ancestors,
        num_sharing_text=split.num_sharing_text,
    )


def read_split(
    lines: Iterable[bytes], job: TrainJob, above: DomainAbove, choose_split: ChooseSplit, kind: TrainingKind
) -> SplitRows:
    """As read_parts, without encoding anything."""
    rows = read_rows(lines, kind)
    is_elsewhere = are_counted(rows, above.documents)
    must_train = is_elsewhere | are_counted(rows, above.own_documents)
    stratified = [
        LabelledRow(row.row, row.text, stratum, pair=row.pair, document=row.document)
        for row, stratum in zip(rows, kind.strata(rows), strict=True)
    ]
    split = choose_split(stratified, seed=job.recipe.seed, stands_above=must_train.tolist())
    train, validation, test = (
        tuple(rows[i] for i in positions) for positions in (split.train, split.validation, split.test)
    )
    kind.refuse_hopeless(train)
    _refuse_too_little(validation, test, num_seen=int(is_elsewhere.sum()))
    return SplitRows(
        train,
        validation,
        test,
        num_from_ancestors=int(is_elsewhere.sum()),
        num_sharing_text=num_sharing_text(train, test),
    )


def are_counted(rows: Sequence[LabelledRow], documents: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Of which rows all texts are among ``documents``, hashes of what segments have counted; once, pairs were
    counted as one text."""
    is_whole = np.isin(text_hashes(row.whole_text for row in rows), documents)
    if all(row.pair is None for row in rows):
        return is_whole
    first, last = (
        np.isin(text_hashes(row.counted_texts[place] for row in rows), documents) for place in (0, -1)
    )
    return is_whole | (first & last)


def tokens_of(parts: Parts) -> PartTokens:
    """As they were read."""
    return PartTokens(*(part.documents.num_tokens for part in (parts.train, parts.validation, parts.test)))


def _encoded(rows: tuple[LabelledRow, ...], job: TrainJob, tokenizer: Tokenizer, kind: TrainingKind) -> Part:
    encoded = tokenizer.encode(
        [row.input for row in rows],
        job.recipe.max_tokens,
        with_words=answers_of(job.kind).reads_tokens,
    )
    return Part(rows, kind.targets(rows, encoded), encoded)


def _refuse_too_little(
    validation: tuple[LabelledRow, ...],
    test: tuple[LabelledRow, ...],
    *,
    num_seen: int,
) -> None:
    if not validation or not test:
        known = (
            f" {num_seen} of the rows are part of the domain's own text and cannot be held out."
            if num_seen
            else ""
        )
        raise HmiError(
            ErrorCode.DATASET_TOO_FEW_ROWS,
            "there are no rows to validate and test on; give at least 3 different texts of a label." + known,
        )
