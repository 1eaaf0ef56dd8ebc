"""The upload doctor on files of labelled spans: JSON lines with offsets, and CoNLL columns."""

import json
from pathlib import Path
from typing import Any

import pytest

from portal.datasets.columns import ColumnChoice
from portal.datasets.declared import Declared
from portal.datasets.doctor import Examination
from portal.datasets.findings import DatasetRefused, Fix, FixKind, Severity
from portal.datasets.mending import Mending
from tests.portal.datasets.examining import codes, examined, finding, kept
from wire.spans import Span
from wire.tasks import TaskKind

ROWS = [
    {
        "text": f"Ada met Bob in Rome, number {number}",
        "spans": [{"start": 0, "end": 3, "label": "PER"}, {"start": 15, "end": 19, "label": "LOC"}],
    }
    for number in range(12)
]


def found_in(
    folder: Path, content: str, *fixes: Fix, name: str, columns: ColumnChoice | None = None
) -> Examination:
    declared = Declared(TaskKind.TOKEN_CLASSIFICATION, columns or ColumnChoice())
    return examined(folder, content, *fixes, name=name, declared=declared)


def jsonl(folder: Path, *more: dict[str, Any], fixes: tuple[Fix, ...] = ()) -> Examination:
    lines = "".join(json.dumps(row) + "\n" for row in (*ROWS, *more))
    return found_in(folder, lines, *fixes, name="spans.jsonl")


def span(start: int, end: int, label: str = "PER") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


def test_spans_are_kept_in_the_order_of_the_text_and_their_rows_counted(tmp_path: Path) -> None:
    outcome = jsonl(tmp_path, {"text": "In Rome, Ada", "spans": [span(9, 12), span(3, 7, "LOC")]})
    assert not outcome.report.findings
    assert kept(tmp_path)[0] == {"row": 1, **ROWS[0]}
    assert kept(tmp_path)[-1]["spans"] == [span(3, 7, "LOC"), span(9, 12)]
    assert outcome.label_rows == {"LOC": 13, "PER": 13}


def test_offsets_outside_the_text_block_and_their_rows_can_be_left_out(tmp_path: Path) -> None:
    bad = (
        {"text": "too short", "spans": [span(0, 10)]},
        {"text": "empty", "spans": [span(2, 2)]},
        {"text": "before", "spans": [span(-1, 2)]},
    )
    outcome = jsonl(tmp_path, *bad)
    assert finding(outcome, "spans_outside").rows == (13, 14, 15)
    assert finding(outcome, "spans_outside").severity is Severity.BLOCKING
    mended = jsonl(tmp_path, *bad, fixes=finding(outcome, "spans_outside").fixes)
    assert not mended.report.blocking
    assert mended.report.num_rows_kept == len(ROWS)


def test_of_spans_over_one_another_the_longest_can_be_kept(tmp_path: Path) -> None:
    bad = {
        "text": "Ada Lovelace met Bob",
        "spans": [span(0, 3), span(0, 12), span(4, 12, "LOC"), span(17, 20)],
    }
    outcome = jsonl(tmp_path, bad)
    assert finding(outcome, "overlapping_spans").rows == (13,)
    assert [fix.kind for fix in finding(outcome, "overlapping_spans").fixes] == [
        FixKind.KEEP_LONGEST,
        FixKind.DROP,
    ]
    mended = jsonl(tmp_path, bad, fixes=finding(outcome, "overlapping_spans").fixes[:1])
    assert not mended.report.blocking
    assert kept(tmp_path)[-1]["spans"] == [span(0, 12), span(17, 20)]


def test_spans_that_cut_a_word_can_be_widened(tmp_path: Path) -> None:
    bad = {"text": "Zoë's cafe\u0301", "spans": [span(0, 2), span(6, 10, "LOC")]}
    outcome = jsonl(tmp_path, bad)
    assert finding(outcome, "spans_cut_words").rows == (13,)
    assert not outcome.report.blocking
    mended = jsonl(tmp_path, bad, fixes=finding(outcome, "spans_cut_words").fixes[:1])
    assert "spans_cut_words" not in codes(mended)
    assert kept(tmp_path)[-1]["spans"] == [span(0, 3), span(6, 11, "LOC")]


def test_a_chinese_character_is_a_word_by_itself(tmp_path: Path) -> None:
    outcome = jsonl(tmp_path, {"text": "我在北京见到Ada", "spans": [span(2, 4, "LOC"), span(6, 9)]})
    assert "spans_cut_words" not in codes(outcome)
    assert kept(tmp_path)[-1]["spans"] == [span(2, 4, "LOC"), span(6, 9)]


def test_white_space_at_the_ends_of_spans_is_passed_over_with_a_note(tmp_path: Path) -> None:
    outcome = jsonl(tmp_path, {"text": "met Ada , yes", "spans": [span(3, 8)]})
    assert finding(outcome, "spans_trimmed").severity is Severity.NOTE
    assert kept(tmp_path)[-1]["spans"] == [span(4, 7)]


def test_what_is_no_list_of_spans_blocks(tmp_path: Path) -> None:
    bad = ({"text": "a", "spans": "PER"}, {"text": "b", "spans": [[0, 1, "PER"]]}, {"text": "c", "spans": 3})
    outcome = jsonl(tmp_path, *bad)
    assert finding(outcome, "label_type").rows == (13, 14, 15)
    empty = jsonl(tmp_path, {"text": "ab", "spans": [span(0, 2, " ")]})
    assert finding(empty, "empty_labels").rows == (13,)


def test_labels_that_differ_in_case_can_be_merged_and_small_ones_left_out(tmp_path: Path) -> None:
    more = {"text": "Eve of Oslo", "spans": [span(0, 3, "Per"), span(7, 11, "city")]}
    outcome = jsonl(tmp_path, more)
    fixes = (finding(outcome, "similar_labels").fixes[0], finding(outcome, "small_classes").fixes[0])
    mended = jsonl(tmp_path, more, fixes=fixes)
    assert mended.report.num_rows_kept == len(ROWS) + 1
    assert kept(tmp_path)[-1]["spans"] == [span(0, 3, "PER")]


def test_rows_without_spans_are_noted_and_a_file_without_any_blocks(tmp_path: Path) -> None:
    outcome = jsonl(tmp_path, {"text": "nobody here", "spans": []}, {"text": "nor here", "spans": None})
    assert finding(outcome, "rows_without_spans").rows == (13, 14)
    assert kept(tmp_path)[-1]["spans"] == []
    lines = "".join(json.dumps({"text": f"text {n}", "spans": []}) + "\n" for n in range(12))
    none = found_in(tmp_path, lines, name="spans.jsonl")
    assert finding(none, "dataset_one_label").severity is Severity.BLOCKING


def test_the_same_text_with_other_spans_is_a_conflict(tmp_path: Path) -> None:
    outcome = jsonl(tmp_path, ROWS[3], {**ROWS[4], "spans": [span(0, 3)]})
    assert finding(outcome, "duplicate_texts").rows == (13,)
    assert finding(outcome, "conflicting_labels").rows == (14,)


def test_spans_move_with_what_the_fixes_do_to_their_text(tmp_path: Path) -> None:
    row = {
        "text": "  write to ada@mail.example or Zo\u00c3\u00ab in Rome\0 ",
        "spans": [span(11, 27, "MAIL"), span(31, 35), span(39, 43, "LOC")],
    }
    outcome = jsonl(tmp_path, row)
    wanted = ("personal_data", "untrimmed_texts", "wrong_decoding")
    first = [fix for fix in finding(outcome, "nul_characters").fixes if fix.kind is FixKind.REMOVE_NUL]
    again = jsonl(tmp_path, row, fixes=tuple(first))
    fixes = (*first, *(finding(again, code).fixes[0] for code in wanted))
    jsonl(tmp_path, row, fixes=fixes)
    text, spans = kept(tmp_path)[-1]["text"], kept(tmp_path)[-1]["spans"]
    assert text == "write to [email] or Zoë in Rome"
    assert [text[one["start"] : one["end"]] for one in spans] == ["[email]", "Zoë", "Rome"]


def test_a_span_that_ends_inside_a_masked_piece_takes_it_whole_and_one_that_is_cut_off_is_gone() -> None:
    mask = Mending(frozenset({FixKind.MASK}))
    text = "write to ada@mail.example now"
    assert mask.spans(text, [Span(6, 12, "a"), Span(13, 29, "b")]) == [Span(6, 16, "a"), Span(9, 20, "b")]
    cut = Mending(frozenset({FixKind.CUT}))
    long = "x" * 60_000
    assert cut.spans(long, [Span(49_990, 50_010, "a"), Span(55_000, 55_001, "b")]) == [
        Span(49_990, 50_000, "a")
    ]


def test_a_csv_file_may_have_spans_as_json_and_is_cleaned_so(tmp_path: Path) -> None:
    lines = [
        "text,spans",
        *(f'"Ada {n}","[{{""start"": 0, ""end"": 3, ""label"": ""PER""}}]"' for n in range(12)),
    ]
    outcome = found_in(tmp_path, "\n".join(lines) + "\n", name="spans.csv")
    assert not outcome.report.blocking
    assert kept(tmp_path)[0] == {"row": 2, "text": "Ada 0", "spans": [span(0, 3)]}


def conll(*sentences: str, delimiter: str = " ") -> str:
    """Sentences written as token/TAG."""
    return "".join(
        "".join(delimiter.join(pair.rsplit("/", 1)) + "\n" for pair in sentence.split()) + "\n"
        for sentence in sentences
    )


SENTENCES = [f"Ada/B-PER Byron/I-PER met/O Bob/B-PER in/O Rome/B-LOC {number}/O" for number in range(12)]


@pytest.mark.parametrize(
    ("name", "delimiter"), [("a.conll", " "), ("a.txt", "\t"), ("a.tsv", "\t"), ("a", " ")]
)
def test_sentences_of_columns_become_texts_with_spans(tmp_path: Path, name: str, delimiter: str) -> None:
    outcome = found_in(tmp_path, conll(*SENTENCES, delimiter=delimiter), name=name)
    assert not outcome.report.findings
    assert outcome.format == "conll"
    assert kept(tmp_path)[1] == {
        "row": 9,
        "text": "Ada Byron met Bob in Rome 1",
        "spans": [span(0, 9), span(14, 17), span(21, 25, "LOC")],
    }


@pytest.mark.parametrize(
    "tags",
    [
        "I-PER I-PER O I-PER B-PER O I-LOC",
        "B-PER I-PER O B-PER B-PER O B-LOC",
        "B-PER E-PER O S-PER S-PER O S-LOC",
    ],
)
def test_every_scheme_of_tags_is_read_alike(tmp_path: Path, tags: str) -> None:
    tokens = ["Ada", "Byron", "met", "Bob", "Eve", "in", "Rome"]
    sentence = " ".join(f"{token}/{tag}" for token, tag in zip(tokens, tags.split(), strict=True))
    numbered = [f"{sentence} {number}/O" for number in range(12)]
    outcome = found_in(tmp_path, conll(*numbered), name="a.conll")
    assert not outcome.report.findings
    assert kept(tmp_path)[0]["spans"] == [span(0, 9), span(14, 17), span(18, 21), span(25, 29, "LOC")]


def test_tags_that_cannot_follow_are_told_by_their_sentence(tmp_path: Path) -> None:
    outcome = found_in(tmp_path, conll(*SENTENCES, "in/O Oslo/I-LOC"), name="a.conll")
    found = finding(outcome, "misplaced_labels")
    assert (found.rows, found.examples[0].value) == ((97,), "I-LOC after O")
    assert kept(tmp_path)[-1]["spans"] == [span(3, 7, "LOC")]
    mended = found_in(tmp_path, conll(*SENTENCES, "in/O Oslo/I-LOC"), *found.fixes, name="a.conll")
    assert mended.report.num_rows_kept == 12


def test_lines_without_a_tag_block_by_their_sentence_and_the_end_of_a_cut_file_is_told(
    tmp_path: Path,
) -> None:
    content = conll(*SENTENCES[:6]) + "Eve\nmet O\n\n" + conll(*SENTENCES[6:]) + "Bob"
    outcome = found_in(tmp_path, content, name="a.conll")
    assert finding(outcome, "ragged_lines").rows == (49,)
    assert finding(outcome, "truncated").rows == (100,)
    fixes = (finding(outcome, "ragged_lines").fixes[0], finding(outcome, "truncated").fixes[0])
    assert not found_in(tmp_path, content, *fixes, name="a.conll").report.blocking


def test_documents_are_kept_and_comments_and_other_columns_passed_over(tmp_path: Path) -> None:
    four = [sentence.replace("/", "/NN/X/") for sentence in SENTENCES]
    blocks = [conll(sentence).replace("/", " ") for sentence in four]
    content = (
        "-DOCSTART- -X- -X- O\n\n"
        + "# id 7\n".join(blocks[:6])
        + "-DOCSTART- -X- -X- O\n\n"
        + "".join(blocks[6:])
    )
    outcome = found_in(tmp_path, content, name="a.conll")
    assert set(codes(outcome)) == {"columns_ignored"}
    rows = kept(tmp_path)
    assert len(rows) == 12
    assert {row["document"] for row in rows[:6]} == {rows[0]["row"]} == {3}
    assert {row["document"] for row in rows[6:]} == {rows[6]["row"]}
    assert rows[0]["text"] == "Ada Byron met Bob in Rome 0"


def test_a_file_without_spans_is_refused_with_its_columns(tmp_path: Path) -> None:
    with pytest.raises(DatasetRefused, match=r"No column is named 'spans'.*'text', 'topic'"):
        found_in(tmp_path, '{"text": "Ada", "topic": "people"}\n' * 12, name="a.jsonl")


def test_a_file_of_one_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetRefused):
        found_in(tmp_path, "Ada\nmet\nBob\n\n" * 12, name="a.conll")


def test_columns_can_be_chosen_by_number(tmp_path: Path) -> None:
    swapped = conll(*(" ".join("/".join(reversed(p.split("/"))) for p in s.split()) for s in SENTENCES))
    choice = ColumnChoice(text="column 2", label="column 1", has_header=False)
    outcome = found_in(tmp_path, swapped, name="a.conll", columns=choice)
    assert kept(tmp_path)[0]["spans"][0] == span(0, 9)
    assert not outcome.report.blocking


def by_hand(row: int, *spans: tuple[int, int, str]) -> Fix:
    values = {"labels": {}, "values": {}, "spans": {str(row): [list(one) for one in spans]}, "drop": []}
    return Fix(FixKind.CORRECT, "corrected_rows", "", values)


def trimmed() -> Fix:
    return Fix(FixKind.TRIM, "untrimmed_texts", "")


def test_spans_given_by_hand_are_places_in_the_text_as_it_was_mended_by_then(tmp_path: Path) -> None:
    row = {"text": "  Ask Ada, ada@mail.example, or Bob ", "spans": [span(2, 5)]}
    mask = Fix(FixKind.MASK, "personal_data", "")
    merge = Fix(FixKind.MERGE_LABELS, "similar_labels", "", {"labels": {"PER": "person"}})
    given = by_hand(13, (4, 7, "PER"), (30, 33, "PER"))

    jsonl(tmp_path, row, fixes=(trimmed(), given))
    text, spans = kept(tmp_path)[-1]["text"], kept(tmp_path)[-1]["spans"]
    assert [text[one["start"] : one["end"]] for one in spans] == ["Ada", "Bob"]

    jsonl(tmp_path, row, fixes=(trimmed(), given, mask, merge))
    text, spans = kept(tmp_path)[-1]["text"], kept(tmp_path)[-1]["spans"]
    assert text == "Ask Ada, [email], or Bob"
    assert [(text[one["start"] : one["end"]], one["label"]) for one in spans] == [
        ("Ada", "person"),
        ("Bob", "person"),
    ]


def test_spans_given_by_hand_that_the_text_has_no_longer_block(tmp_path: Path) -> None:
    outcome = jsonl(tmp_path, fixes=(by_hand(3, (0, 3, "PER"), (400, 404, "LOC")),))
    assert finding(outcome, "spans_outside").rows == (3,)
