"""What is said of a file as a whole: its bytes, its header, its labels."""

from collections.abc import Iterator
from dataclasses import replace

from portal.datasets.columns import numbered_names, plain_name
from portal.datasets.encoding import ENCODING_NAMES, FileBytes
from portal.datasets.findings import Example, Finding, Fix, FixKind, Severity, shortened
from portal.datasets.kinds.row_kind import RowKind
from portal.datasets.ledger import Ledger
from portal.datasets.reader import FileFormat, UploadReader, missing_column
from wire.errors import ErrorCode

MIN_ROWS = 10
_DELIMITER_NAMES = {"\t": "tab", ";": "semicolon", "|": "vertical bar"}


def byte_findings(found: FileBytes, encoding: str | None) -> Iterator[Finding]:
    """``encoding`` is what a fix says that the file is in; None: UTF-8, as it should be."""
    if encoding is None and not found.is_utf8:
        yield _not_utf8(found)
    if found.has_mark and found.is_utf8:
        yield _note("byte_order_mark", "The file begins with a byte order mark, which was passed over.")
    if len(found.ends) > 1 and found.encodings[0] not in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield _note("mixed_line_ends", f"Lines end in several ways ({', '.join(found.ends)}); all were read.")


def header_findings(reader: UploadReader) -> Iterator[Finding]:
    """What the first row says, and what is not read."""
    if reader.missing is not None:
        yield replace(missing_column(reader.missing), fixes=tuple(_header_fixes(reader)))
    if reader.delimiter in _DELIMITER_NAMES and reader.format not in (FileFormat.TSV, FileFormat.CONLL):
        name = _DELIMITER_NAMES[reader.delimiter]
        yield _note("delimiter", f"Values are divided by a {name}, not by a comma; they were read so.")
    if reader.padded_names and reader.has_header:
        names = ", ".join(repr(name[:60]) for name in reader.padded_names[:20])
        yield _note(
            "header_white_space", f"White space round column names, or NUL in them, was passed over: {names}."
        )
    if reader.ignored_columns:
        names = ", ".join(repr(name[:60]) for name in reader.ignored_columns[:20])
        number = len(reader.ignored_columns)
        told = "1 column is" if number == 1 else f"{number} columns are"
        yield Finding(
            code="columns_ignored",
            message=f"{told} not read: {names}.",
            fix="Nothing to do, unless one of them is the text or the label: then choose it.",
            severity=Severity.NOTE,
        )
    if reader.num_blank_lines:
        lines = (
            "1 blank line was"
            if reader.num_blank_lines == 1
            else f"{reader.num_blank_lines:,} blank lines were"
        )
        yield _note("blank_lines", f"{lines} passed over.")


def row_findings(kind: RowKind, ledger: Ledger) -> Iterator[Finding]:
    """What the rows that are kept say together; silent on what the unusable ones may yet change."""
    num_possible = ledger.num_kept + ledger.num_unusable
    if ledger.num_read == 0:
        yield _whole(ErrorCode.DATASET_EMPTY, "The file has a header but no rows.", "Add one row a text.")
    elif num_possible < MIN_ROWS:
        rows = "1 row is" if num_possible == 1 else f"{num_possible} rows are"
        yield _whole(
            ErrorCode.DATASET_TOO_FEW_ROWS,
            f"{rows} there to train on; a training needs at least {MIN_ROWS}.",
            "Add more rows; some hundred of each label give useful results.",
        )
    for finding in kind.findings(ledger):
        if finding.code != ErrorCode.DATASET_ONE_LABEL.value or num_possible >= MIN_ROWS:
            yield finding


def _not_utf8(found: FileBytes) -> Finding:
    names = [ENCODING_NAMES[name] for name in found.encodings]
    if found.bad_row is None or found.encodings[0].startswith("utf-16") or found.encodings[0] == "utf-32":
        message = f"The file is {names[0]}, not UTF-8."
        rows: tuple[int, ...] = ()
        examples: tuple[Example, ...] = ()
    else:
        likely = "UTF-8 with broken characters" if found.encodings[0] == "utf-8" else names[0]
        message = (
            f"The file is not UTF-8: the byte at offset {found.bad_offset:,} (row {found.bad_row}) is not "
            f"part of a character. It is probably {likely}."
        )
        rows = (found.bad_row,)
        examples = (Example(found.bad_row, _read_as(found, found.encodings[0])),)
    return Finding(
        code="encoding",
        message=message,
        fix="Save the file as 'CSV UTF-8', or say how it is to be read.",
        rows=rows,
        num_rows=len(rows),
        examples=examples,
        fixes=tuple(
            Fix(
                FixKind.RE_ENCODE,
                "encoding",
                "Read it as UTF-8 and mark the broken characters"
                if name == "utf-8"
                else f"Read it as {ENCODING_NAMES[name]}{_shown(found, name)}",
                {"encoding": name},
                name,
            )
            for name in found.encodings
        ),
    )


def _shown(found: FileBytes, encoding: str) -> str:
    sample = _read_as(found, encoding)
    return f": \u201c{sample}\u201d" if sample and not encoding.startswith("utf") else ""


def _read_as(found: FileBytes, encoding: str) -> str:
    lines = found.bad_bytes.decode(encoding, errors="replace").splitlines()
    around = next((line for line in lines if not line.isascii()), "")
    return shortened(around)[:60]


def _header_fixes(reader: UploadReader) -> Iterator[Fix]:
    missing = reader.missing
    assert missing is not None and missing.guess is not None
    names = [plain_name(name) for name in reader.names]
    text, label = missing.guess.text_index, missing.guess.label_index
    named = _set_header(
        f"Read the text from {names[text][:60]!r} and the label from {names[label][:60]!r}",
        names[text],
        names[label],
        has_header=True,
    )
    if reader.format is FileFormat.JSONL or not reader.has_header:
        yield named
        return
    numbered = numbered_names(len(reader.names))
    unnamed = _set_header(
        f"There is no header: {numbered[text]} is the text, {numbered[label]} the label",
        numbered[text],
        numbered[label],
        has_header=False,
    )
    is_usable = len(set(names)) == len(names) and all(names)
    if not is_usable:
        yield unnamed
    elif missing.guess.is_header:
        yield from (named, unnamed)
    else:
        yield from (unnamed, named)


def _set_header(words: str, text: str, label: str, *, has_header: bool) -> Fix:
    values = {"text": text, "label": label, "has_header": has_header}
    variant = "named" if has_header else "absent"
    return Fix(FixKind.SET_HEADER, ErrorCode.DATASET_MISSING_COLUMN.value, words, values, variant)


def _note(code: str, message: str) -> Finding:
    return Finding(code=code, message=message, fix="Nothing to do.", severity=Severity.NOTE)


def _whole(code: ErrorCode, message: str, fix: str) -> Finding:
    return Finding(code=code.value, message=message, fix=fix)
