"""What a finding says, how grave it is, and which fixes it offers: one entry a kind."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.datasets.findings import Finding, Fix, FixKind, RowTally, Severity
from portal.datasets.kinds.label_counts import MAX_LABEL_CHARS
from portal.datasets.kinds.score import MAX_SCORE
from portal.datasets.lines import MAX_VALUE_CHARS
from portal.datasets.mending import LONG_TEXT_CHARS


@dataclass(frozen=True, slots=True)
class Advice:
    """``message`` may say {rows} (the listed rows in words) and {num_rows}. ``offers``: kind and button."""

    severity: Severity
    message: str
    fix: str
    offers: tuple[tuple[FixKind, str], ...] = ()


_BLOCKING, _WARNING, _NOTE = Severity.BLOCKING, Severity.WARNING, Severity.NOTE
_LEAVE_OUT = (FixKind.DROP, "Leave these rows out")

ROW_ADVICE: Mapping[str, Advice] = {
    "truncated": Advice(
        _BLOCKING,
        "The file ends in the middle of {rows}: it was cut off.",
        "Export the file again, or leave the row out.",
        (_LEAVE_OUT,),
    ),
    "ragged_rows": Advice(
        _BLOCKING,
        "{num_rows} rows do not have as many values as the header has columns: {rows}.",
        "Put values that contain the delimiter in double quotes, and give every row all columns.",
        (_LEAVE_OUT,),
    ),
    "bad_quotes": Advice(
        _BLOCKING,
        "Quotes that do not match, beginning in {rows}: one is not closed, or stands alone inside a value.",
        'Put values with quotes, delimiters or line breaks in double quotes, and write a quote inside as "".',
        ((FixKind.LITERAL_QUOTES, "Read quotes as ordinary characters"), _LEAVE_OUT),
    ),
    "too_long_values": Advice(
        _BLOCKING,
        f"Values longer than {MAX_VALUE_CHARS:,} characters in {{rows}}.",
        "Shorten or split them.",
        (_LEAVE_OUT,),
    ),
    "absent_fields": Advice(
        _BLOCKING,
        "{num_rows} objects lack the text or the label field: {rows}.",
        "Give every object both fields.",
        (_LEAVE_OUT,),
    ),
    "not_an_object": Advice(
        _BLOCKING,
        "{num_rows} lines are not JSON objects: {rows}.",
        'Write one object {{"text": "...", "label": "..."}} on each line.',
        (_LEAVE_OUT,),
    ),
    "text_type": Advice(
        _BLOCKING, "{num_rows} texts are not strings: {rows}.", "Write texts in quotes.", (_LEAVE_OUT,)
    ),
    "label_type": Advice(
        _BLOCKING,
        "{num_rows} labels are of another type than this kind of task takes: {rows}.",
        "Write labels in quotes, scores as numbers, several labels as a list of strings, spans as a list of "
        'objects {{"start": 0, "end": 5, "label": "..."}}.',
        (_LEAVE_OUT,),
    ),
    "nul_characters": Advice(
        _BLOCKING,
        "NUL characters in {rows}.",
        "Remove the characters; they are left by programs that write fixed-width fields.",
        ((FixKind.REMOVE_NUL, "Remove the NUL characters"), _LEAVE_OUT),
    ),
    "empty_texts": Advice(_BLOCKING, "The text is empty in {rows}.", "Fill or delete them.", (_LEAVE_OUT,)),
    "no_labels": Advice(
        _WARNING,
        "{num_rows} rows have no label at all: {rows}.",
        "Keep them if none of the labels applies to them: that is what is learnt from them.",
        (_LEAVE_OUT,),
    ),
    "not_a_number_labels": Advice(
        _BLOCKING,
        f"The label is no number, or one beyond {MAX_SCORE:g}, in {{rows}}.",
        "Write numbers with a decimal point and nothing else.",
        (_LEAVE_OUT,),
    ),
    "empty_labels": Advice(_BLOCKING, "The label is empty in {rows}.", "Fill or delete them.", (_LEAVE_OUT,)),
    "unusable_labels": Advice(
        _BLOCKING,
        f"The label is longer than {MAX_LABEL_CHARS} characters or has line breaks in {{rows}}.",
        "Are the text and the label column swapped? Choose the columns.",
        (_LEAVE_OUT,),
    ),
    "conflicting_labels": Advice(
        _WARNING,
        "Texts that stand in an earlier row with another label: {rows}.",
        "Decide for one label; the model cannot learn both.",
        ((FixKind.DROP, "Keep the first label: leave the later rows out"),),
    ),
    "leakage": Advice(
        _WARNING,
        "Texts that stand in another part of the data too (training, validation, test): {rows}.",
        "A model is tested on texts it has not seen; the copies make it look better than it is.",
        ((FixKind.DROP, "Keep the first: leave the copies out"),),
    ),
    "duplicate_texts": Advice(
        _WARNING,
        "Texts that stand in an earlier row with the same label: {rows}.",
        "Delete them if they are not meant; they count twice.",
        ((FixKind.DROP, "Keep the first: leave the copies out"),),
    ),
    "near_duplicates": Advice(
        _WARNING,
        "Texts that differ from an earlier one only in punctuation, case or white space: {rows}.",
        "Training and test may each get one of them, which makes the test too easy.",
        ((FixKind.DROP, "Keep the first: leave the others out"),),
    ),
    "long_texts": Advice(
        _WARNING,
        f"Texts longer than {LONG_TEXT_CHARS:,} characters: {{rows}}.",
        "Only the beginning of a text is read; shorten or split them.",
        ((FixKind.CUT, f"Keep the first {LONG_TEXT_CHARS:,} characters"), _LEAVE_OUT),
    ),
    "untrimmed_texts": Advice(
        _WARNING,
        "White space before or after the text: {rows}.",
        "It does no harm to training, and none is needed.",
        ((FixKind.TRIM, "Trim the texts"),),
    ),
    "damaged_characters": Advice(
        _WARNING,
        "Texts with the sign for an unreadable character (U+FFFD): {rows}.",
        "Export the file again from its source as UTF-8.",
        (_LEAVE_OUT,),
    ),
    "wrong_decoding": Advice(
        _WARNING,
        "Texts in which letters were read in the wrong encoding (\u201cÃ©\u201d for \u201cé\u201d): {rows}.",
        "Somewhere on its way the text was read as Windows-1252 although it is UTF-8.",
        ((FixKind.REPAIR, "Put the letters right"), _LEAVE_OUT),
    ),
    "personal_data": Advice(
        _WARNING,
        "Personal data (e-mail addresses, phone, card, account or IP numbers) in {rows}.",
        "Mask them unless the task needs them; names of people are not looked for.",
        ((FixKind.MASK, "Mask them: [email], [phone], \u2026"), _LEAVE_OUT),
    ),
    "placeholder_labels": Advice(
        _WARNING,
        "Labels that say that there is none (\u201cunknown\u201d, \u201cn/a\u201d): {rows}.",
        "Label the rows, or leave them out; else this is learnt as a label like the others.",
        (_LEAVE_OUT,),
    ),
    "ragged_lines": Advice(
        _BLOCKING,
        "Lines that do not have as many columns as the first one, in the sentences that begin in {rows}.",
        "Give every token a line with all columns, and leave a blank line between sentences.",
        (_LEAVE_OUT,),
    ),
    "spans_outside": Advice(
        _BLOCKING,
        "Spans that are empty or end outside the text in {rows}.",
        "Count characters from 0 (Unicode code points, not bytes); end is the place after the last one.",
        (_LEAVE_OUT,),
    ),
    "overlapping_spans": Advice(
        _BLOCKING,
        "Spans over one another in {rows}.",
        "A character can have one label: keep one of the spans.",
        ((FixKind.KEEP_LONGEST, "Keep the longest of them"), _LEAVE_OUT),
    ),
    "spans_cut_words": Advice(
        _WARNING,
        "Spans that begin or end inside a word: {rows}.",
        "A model labels whole words: these are learnt as whole words, and count as missed in the report.",
        ((FixKind.WIDEN, "Widen them to whole words"), _LEAVE_OUT),
    ),
    "misplaced_labels": Advice(
        _WARNING,
        "Tags that cannot follow the one before (an I that goes on with nothing, a B without its E) in the "
        "sentences that begin in {rows}.",
        "Each was read as the beginning of a span; put the tags right, or leave the sentences out.",
        (_LEAVE_OUT,),
    ),
    "spans_trimmed": Advice(
        _NOTE,
        "White space at the ends of spans was passed over: {rows}.",
        "Nothing to do.",
    ),
    "rows_without_spans": Advice(
        _NOTE,
        "{num_rows} rows have no span: {rows}.",
        "Nothing to do, if nothing in them is to be found: that is learnt from them too.",
    ),
    "labels_trimmed": Advice(
        _NOTE,
        "White space round the label was removed: {rows}.",
        "Nothing to do, unless the space was meant.",
    ),
}


def row_finding(code: str, tally: RowTally) -> Finding:
    """The finding of rows that share a problem."""
    advice = ROW_ADVICE[code]
    return Finding(
        code=code,
        message=advice.message.format(rows=tally.in_words(), num_rows=f"{tally.num_rows:,}"),
        fix=advice.fix.format(),
        severity=advice.severity,
        rows=tuple(tally.rows),
        num_rows=tally.num_rows,
        examples=tuple(tally.examples),
        fixes=tuple(Fix(kind, code, words) for kind, words in advice.offers),
    )
