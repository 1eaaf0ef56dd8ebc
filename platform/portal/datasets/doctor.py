"""The upload doctor: reads an original as the fixes ask, keeps the good rows, and reports the rest."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TextIO

import msgspec

from portal.common.store import ObjectStore
from portal.datasets.advice import row_finding
from portal.datasets.columns import plain_name
from portal.datasets.encoding import FileBytes, read_bytes
from portal.datasets.file_findings import byte_findings, header_findings, row_findings
from portal.datasets.findings import DatasetRefused, Finding, RowTally, Severity
from portal.datasets.kinds.chosen import row_kind
from portal.datasets.kinds.row_kind import RowKind, ValueRange
from portal.datasets.ledger import Ledger
from portal.datasets.lengths import LengthBucket, LengthCounts
from portal.datasets.plan import FixPlan
from portal.datasets.reader import FileFormat, UploadReader, text_of
from portal.datasets.row_checks import RowChecks
from wire.codec import to_plain
from wire.errors import ErrorCode

_PARQUET = b"PAR1"
_JSON_LINES = "rows.jsonl"
_ORDER = {Severity.BLOCKING: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How large an upload may be."""

    max_bytes: int
    max_rows: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows that the version's fixes leave out, by the finding they were left out for."""

    finding: str
    rows: tuple[int, ...]
    num_rows: int


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor says of one version. Rows read = rows kept + rows left out + rows unusable."""

    findings: tuple[Finding, ...]  # the gravest first
    left_out: tuple[LeftOut, ...] = ()
    num_rows_read: int = 0
    num_rows_kept: int = 0
    num_rows_unusable: int = 0
    encoding: str = "utf-8"
    delimiter: str = ""
    has_header: bool = True
    columns: tuple[str, ...] = ()
    lengths: tuple[LengthBucket, ...] = ()
    num_chars: int = 0
    longest_chars: int = 0
    values: ValueRange | None = None  # of a kind that has scores

    @property
    def blocking(self) -> list[Finding]:
        """What stands in the way of a training."""
        return [finding for finding in self.findings if finding.severity is Severity.BLOCKING]

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the dataset and answered by the API."""
        return {**to_plain(self), "findings": [finding.as_json() for finding in self.findings]}


@dataclass(frozen=True, slots=True)
class Examination:
    """What came out of reading one version."""

    report: Report
    format: FileFormat | None = None
    text_column: str = ""
    label_column: str = ""
    label_rows: Mapping[str, int] = field(default_factory=dict)
    param: str | None = "file"  # of the upload, that is to blame for what stands in the way

    def refuse_hopeless(self) -> None:
        """Raise DatasetRefused when something stands in the way that no fix on offer takes away."""
        hopeless = [finding for finding in self.report.blocking if not finding.fixes]
        if hopeless:
            raise DatasetRefused(ErrorCode(hopeless[0].code), hopeless, param=self.param)


def examine(
    file: BinaryIO, *, file_name: str, plan: FixPlan, limits: UploadLimits, store: ObjectStore, rows_uri: str
) -> Examination:
    """Read ``file`` and write the rows that are kept to ``rows_uri``; memory does not grow with the texts.

    Raises DatasetRefused, with nothing written, when the file cannot be read at all.
    """
    is_packed = is_parquet(file)
    source = _parquet if is_packed else _text
    found, opened = source(file, plan, limits)
    ledger = Ledger(plan.drop)
    kind = row_kind(plan.kind)
    checks = RowChecks(kind, plan, ledger, max_rows=limits.max_rows)
    encoding = (None if is_packed else plan.encoding) or found.encodings[0]
    with opened as text:
        reader = UploadReader(
            text,
            file_name=_JSON_LINES if is_packed else file_name,
            kind=kind,
            plan=plan,
            ledger=ledger,
            ends_with_line_end=found.ends_with_line_end,
        )
        encoder = msgspec.json.Encoder()
        with store.write(rows_uri) as rows:
            for record in checks.kept(reader.rows()):
                rows.write(encoder.encode(record))
                rows.write(b"\n")
    ledger.check_integrity()
    return Examination(
        report=_report(found, encoding, reader, plan, ledger, checks, kind),
        format=FileFormat.PARQUET if is_packed else reader.format,
        text_column=reader.columns.text,
        label_column=reader.columns.label,
        label_rows=kind.label_rows,
    )


Source = tuple[FileBytes, AbstractContextManager[TextIO]]


def is_parquet(file: BinaryIO) -> bool:
    """By its first bytes."""
    file.seek(0)
    return file.read(len(_PARQUET)) == _PARQUET


def _text(file: BinaryIO, plan: FixPlan, limits: UploadLimits) -> Source:
    found = read_bytes(file, max_bytes=limits.max_bytes)
    return found, text_of(file, plan.encoding or found.encodings[0])


def _parquet(file: BinaryIO, _plan: FixPlan, limits: UploadLimits) -> Source:
    # Here, because pyarrow takes 50 MB, which a process that meets no Parquet is to be spared.
    from portal.datasets.parquet import parquet_bytes, parquet_text

    found = parquet_bytes(file, max_bytes=limits.max_bytes)
    return found, parquet_text(file, max_bytes=limits.max_bytes)


def refused(problem: DatasetRefused) -> Examination:
    """The examination of a file that cannot be read: its report says why."""
    return Examination(report=Report(findings=tuple(problem.findings)), param=problem.param)


def _report(
    found: FileBytes,
    encoding: str,
    reader: UploadReader,
    plan: FixPlan,
    ledger: Ledger,
    checks: RowChecks,
    kind: RowKind,
) -> Report:
    lengths: LengthCounts = checks.lengths
    findings = [
        *byte_findings(found, plan.encoding),
        *header_findings(reader),
        *(row_finding(code, tally) for code, tally in ledger.found.items()),
        *row_findings(kind, ledger),
    ]
    return Report(
        findings=tuple(sorted(findings, key=lambda finding: _ORDER[finding.severity])),
        left_out=tuple(_left_out(code, tally) for code, tally in ledger.left_out.items()),
        num_rows_read=ledger.num_read,
        num_rows_kept=ledger.num_kept,
        num_rows_unusable=ledger.num_unusable,
        encoding=encoding,
        delimiter=reader.delimiter,
        has_header=reader.has_header,
        columns=tuple(plain_name(name)[:200] for name in reader.names[:200]),
        lengths=lengths.buckets(),
        num_chars=lengths.num_chars,
        longest_chars=lengths.longest_chars,
        values=kind.values,
    )


def _left_out(code: str, tally: RowTally) -> LeftOut:
    return LeftOut(code, tuple(tally.rows), tally.num_rows)
