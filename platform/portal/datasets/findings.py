"""What is wrong, or odd, with an uploaded file: findings with row numbers and the way to fix them."""

from dataclasses import asdict, dataclass, field
from typing import Any

from portal.common.errors import PortalError
from wire.errors import ErrorCode

MAX_LISTED_ROWS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of problem and where it is. Rows are line numbers as in an editor: the header is row 1."""

    code: str
    message: str
    fix: str
    rows: tuple[int, ...] = ()  # the first MAX_LISTED_ROWS
    num_rows: int = 0  # all of them

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a dataset and answered by the API."""
        return {**asdict(self), "rows": list(self.rows)}


@dataclass(slots=True)
class RowTally:
    """Counts rows that share a problem and remembers the first of them: bounded memory whatever the file."""

    rows: list[int] = field(default_factory=list)
    num_rows: int = 0

    def add(self, row: int) -> None:
        self.num_rows += 1
        if len(self.rows) < MAX_LISTED_ROWS:
            self.rows.append(row)

    def finding(self, *, code: str, message: str, fix: str) -> Finding:
        """The finding; ``message`` may say ``{rows}`` (the listed rows in words) and ``{num_rows}``."""
        told = message.format(rows=self._in_words(), num_rows=f"{self.num_rows:,}")
        return Finding(code=code, message=told, fix=fix, rows=tuple(self.rows), num_rows=self.num_rows)

    def _in_words(self) -> str:
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
