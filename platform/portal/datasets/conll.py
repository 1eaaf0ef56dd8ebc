"""Sentences of a CoNLL file: a token and its tag on each line, a blank line after each sentence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from portal.datasets.lines import MAX_VALUE_CHARS, BoundedLines, LineTooLong
from wire.spans import TagScheme, scheme_of

DOCUMENT_START = "-DOCSTART-"
_COMMENT = "# "


@dataclass(frozen=True, slots=True)
class ConllLayout:
    """How a file is written."""

    delimiter: str | None  # None: white space
    width: int  # columns
    scheme: TagScheme

    def columns(self, line: str) -> list[str]:
        """The columns of a line."""
        return line.rstrip("\r\n").split("\t") if self.delimiter else line.split()


@dataclass(slots=True)
class Sentence:
    """What stands between two blank lines; with a problem, tokens and tags are incomplete."""

    row: int  # of its first line
    document: int | None  # row of the first sentence of its document, where the file tells documents
    start: str  # how its first line begins
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    num_chars: int = 0
    problem: str = ""  # code of the finding


def layout_of(sample: Sequence[str]) -> ConllLayout:
    """From the first lines of a file."""
    lines = [line for line in sample if line.strip() and not line.startswith(DOCUMENT_START)]
    told = [line for line in lines if not line.startswith(_COMMENT)] or lines or [""]
    delimiter = "\t" if "\t" in told[0].rstrip("\r\n") else None
    plain = ConllLayout(delimiter, 0, TagScheme.IOB2)
    width = len(plain.columns(told[0]))
    tags: list[list[str]] = [[]]
    for line in sample:
        columns = plain.columns(line)
        if not line.strip():
            tags.append([])
        elif len(columns) == width and columns[0] != DOCUMENT_START:
            tags[-1].append(columns[-1])
    return ConllLayout(delimiter, width, scheme_of(tags))


def sentences(
    lines: BoundedLines, layout: ConllLayout, token_column: int, tag_column: int
) -> Iterator[Sentence]:
    """Every sentence in the file's order. Lines that begin a document are passed over, and so are comments
    (``# ...``), which stand before a sentence."""
    sentence: Sentence | None = None
    document: int | None = None
    begins_document = False
    while True:
        is_too_long = False
        try:
            line = next(lines, None)
        except LineTooLong as exc:
            line, is_too_long = exc.start, True
        begins_document |= line is not None and line.startswith(DOCUMENT_START)
        if line is None or not line.strip() or line.startswith(DOCUMENT_START):
            if sentence is not None:
                yield sentence
            if line is None:
                return
            sentence = None
            continue
        columns = layout.columns(line)
        if sentence is None and line.startswith(_COMMENT) and len(columns) != layout.width:
            continue
        if sentence is None:
            document = lines.row if begins_document else document
            begins_document = False
            sentence = Sentence(lines.row, document, line[:400])
        if is_too_long:
            sentence.problem = "too_long_values"
        else:
            _add(sentence, columns, layout.width, token_column, tag_column)


def _add(sentence: Sentence, columns: list[str], width: int, token_column: int, tag_column: int) -> None:
    if len(columns) != width or not columns[token_column].strip():
        sentence.problem = sentence.problem or "ragged_lines"
        return
    sentence.num_chars += len(columns[token_column]) + 1
    if sentence.num_chars > MAX_VALUE_CHARS:
        sentence.problem = "too_long_values"
        sentence.tokens, sentence.tags = [], []
    else:
        sentence.tokens.append(columns[token_column])
        sentence.tags.append(columns[tag_column].strip())
