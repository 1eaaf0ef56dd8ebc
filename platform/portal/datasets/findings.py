"""What is wrong, or odd, with an upload: findings with row numbers, examples and the fixes on offer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portal.common.errors import PortalError
from wire.codec import to_plain
from wire.errors import ErrorCode

MAX_LISTED_ROWS = 20
MAX_EXAMPLES = 3
MAX_EXAMPLE_CHARS = 160


class Severity(StrEnum):
    """What a finding means for training."""

    BLOCKING = "blocking"  # not trainable until it is fixed
    WARNING = "warning"  # trainable, and worth a look
    NOTE = "note"  # nothing to do


class FixKind(StrEnum):
    """What a fix does; the rows it leaves out are counted in the next version's report."""

    RE_ENCODE = "re_encode"  # read the bytes in another encoding
    SET_HEADER = "set_header"  # say which columns hold text and label, and whether there is a header
    LITERAL_QUOTES = "literal_quotes"  # read quotes as any other character
    DROP = "drop"  # leave out the finding's rows
    DROP_LABELS = "drop_labels"  # leave out the rows of some labels
    MERGE_LABELS = "merge_labels"  # write labels alike
    SET_SEPARATOR = "set_separator"  # say what stands between the labels of a row
    TRIM = "trim"  # take white space off both ends of texts
    CUT = "cut"  # keep the beginning of over-long texts
    REMOVE_NUL = "remove_nul"  # take NUL characters out of texts and labels
    REPAIR = "repair"  # undo a wrong decoding inside texts
    CORRECT = "correct"  # give rows other labels, or leave them out, one by one
    SPLIT = "split"  # keep the rows that one domain knows best; the others are in datasets of their own
    WIDEN = "widen"  # let spans that end inside a word take all of it
    KEEP_LONGEST = "keep_longest"  # of spans over one another
    MASK = "mask"  # put [email] and the like in place of personal data


@dataclass(frozen=True, slots=True)
class Fix:
    """One click's worth of mending, offered by a finding and kept with the version that came of it."""

    kind: FixKind
    finding: str  # the finding's code
    words: str  # what the button says
    values: Mapping[str, Any] = field(default_factory=dict)  # what the kind needs, as JSON
    variant: str = ""  # tells fixes of one kind and finding apart

    @property
    def id(self) -> str:
        """Names the fix within one report."""
        return ":".join(part for part in (self.kind.value, self.finding, self.variant) if part)

    def as_json(self) -> dict[str, Any]:
        """As it is kept and answered; ``fix_of`` reads it back."""
        return {**to_plain(self), "id": self.id}


def fix_of(plain: Mapping[str, Any]) -> Fix:
    """The fix that ``as_json`` wrote."""
    return Fix(
        FixKind(plain["kind"]), plain["finding"], plain["words"], plain["values"], plain.get("variant", "")
    )


@dataclass(frozen=True, slots=True)
class Example:
    """One row's value, shortened."""

    row: int
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of problem and where it is. Rows are line numbers as in an editor: the header is row 1."""

    code: str
    message: str
    fix: str  # what to do, in words
    severity: Severity = Severity.BLOCKING
    rows: tuple[int, ...] = ()  # the first MAX_LISTED_ROWS
    num_rows: int = 0  # all of them
    examples: tuple[Example, ...] = ()
    fixes: tuple[Fix, ...] = ()  # what one click can do about it

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a dataset and answered by the API."""
        return {**to_plain(self), "fixes": [fix.as_json() for fix in self.fixes]}


@dataclass(slots=True)
class RowTally:
    """Counts rows that share a problem, remembers the first and some examples: bounded whatever the file."""

    rows: list[int] = field(default_factory=list)
    num_rows: int = 0
    examples: list[Example] = field(default_factory=list)

    def add(self, row: int, value: str = "") -> None:
        self.num_rows += 1
        if len(self.rows) < MAX_LISTED_ROWS:
            self.rows.append(row)
        if value and len(self.examples) < MAX_EXAMPLES:
            self.examples.append(Example(row, shortened(value)))

    def in_words(self) -> str:
        """The listed rows: "rows 2, 5 and 3 more"."""
        listed = ", ".join(str(row) for row in self.rows)
        rest = self.num_rows - len(self.rows)
        noun = "row" if self.num_rows == 1 else "rows"
        return f"{noun} {listed} and {rest:,} more" if rest else f"{noun} {listed}"


class DatasetRefused(PortalError):
    """An upload that cannot become a dataset. The message tells the first finding, ``details`` all."""

    def __init__(self, code: ErrorCode, findings: list[Finding], *, param: str | None = "file") -> None:
        self.findings = findings
        first = findings[0]
        super().__init__(
            f"{first.message} {first.fix}",
            code=code,
            param=param,
            details={"findings": [finding.as_json() for finding in findings]},
        )


def refuse(code: ErrorCode, message: str, fix: str, *, rows: tuple[int, ...] = ()) -> DatasetRefused:
    """A refusal with one finding, ready to raise."""
    finding = Finding(code=code.value, message=message, fix=fix, rows=rows, num_rows=len(rows))
    return DatasetRefused(code, [finding])


def shortened(value: str) -> str:
    """As much of a value as an example shows; a NUL, which PostgreSQL cannot keep, is shown as its sign."""
    start = value[: MAX_EXAMPLE_CHARS + 1].replace("\0", "\u2400")
    start = start.encode(errors="replace").decode()  # half a surrogate pair has no UTF-8
    return start if len(start) <= MAX_EXAMPLE_CHARS else start[: MAX_EXAMPLE_CHARS - 1] + "\u2026"
