"""The upload doctor on files of each kind of task."""

import json
import math
from pathlib import Path

import pytest

from portal.datasets.columns import ColumnChoice
from portal.datasets.declared import Declared
from portal.datasets.doctor import Examination
from portal.datasets.findings import DatasetRefused, Fix, Severity
from portal.datasets.kinds.score import number_of
from tests.portal.datasets.examining import examined, finding, kept
from wire.tasks import TaskKind

TEXTS = [f"an invented text of number {number}" for number in range(12)]


def found_in(folder: Path, lines: list[str], declared: Declared, *fixes: Fix, name: str) -> Examination:
    return examined(folder, "".join(line + "\n" for line in lines), *fixes, name=name, declared=declared)


def scores(folder: Path, *lines: str, fixes: tuple[Fix, ...] = ()) -> Examination:
    good = [f"{text},{number / 2}" for number, text in enumerate(TEXTS)]
    declared = Declared(TaskKind.SCORE)
    return found_in(folder, ["text,label", *good, *lines], declared, *fixes, name="scores.csv")


def test_scores_are_kept_as_numbers_and_their_range_is_told(tmp_path: Path) -> None:
    outcome = scores(tmp_path)
    assert not outcome.report.blocking
    assert kept(tmp_path)[3] == {"row": 5, "text": TEXTS[3], "value": 1.5}
    values = outcome.report.values
    assert values is not None and (values.least, values.most, values.mean) == (0.0, 5.5, 2.75)
    assert outcome.label_rows == {}


def test_what_is_no_number_blocks_and_can_be_left_out(tmp_path: Path) -> None:
    outcome = scores(tmp_path, "a fine text,very good", "another one,nan", 'a third,"3,5"', "a fourth,")
    assert finding(outcome, "not_a_number_labels").rows == (14, 15, 16)
    assert finding(outcome, "not_a_number_labels").examples[0].value == "very good"
    assert finding(outcome, "empty_labels").rows == (17,)
    fixes = (finding(outcome, "not_a_number_labels").fixes[0], finding(outcome, "empty_labels").fixes[0])
    mended = scores(
        tmp_path, "a fine text,very good", "another one,nan", 'a third,"3,5"', "a fourth,", fixes=fixes
    )
    assert not mended.report.blocking
    assert mended.report.num_rows_kept == len(TEXTS)


def test_scores_that_no_training_could_square_are_no_numbers(tmp_path: Path) -> None:
    outcome = scores(tmp_path, "a fine text,1e308", "another one,1e308", "a third,-1e31", "a fourth,-1e30")
    assert finding(outcome, "not_a_number_labels").rows == (14, 15, 16)
    values = outcome.report.values
    assert values is not None and math.isfinite(values.mean) and values.least == -1e30


def test_a_text_with_two_scores_is_a_conflict_and_one_with_the_same_a_duplicate(tmp_path: Path) -> None:
    outcome = scores(tmp_path, f"{TEXTS[2]},5", f"{TEXTS[4]},2.0")
    assert finding(outcome, "conflicting_labels").rows == (14,)
    assert finding(outcome, "conflicting_labels").examples[0].value == f"5: {TEXTS[2]}"
    assert finding(outcome, "duplicate_texts").rows == (15,)


def test_one_value_alone_blocks(tmp_path: Path) -> None:
    lines = ["text,label", *(f"{text},4" for text in TEXTS)]
    outcome = found_in(tmp_path, lines, Declared(TaskKind.SCORE), name="scores.csv")
    assert "4" in finding(outcome, "dataset_one_label").message
    assert finding(outcome, "dataset_one_label").severity is Severity.BLOCKING


def test_scores_of_json_lines_may_be_numbers(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text, "label": number + 0.25}) for number, text in enumerate(TEXTS)]
    outcome = found_in(
        tmp_path,
        [*lines, json.dumps({"text": "one more", "label": True})],
        Declared(TaskKind.SCORE),
        name="scores.jsonl",
    )
    assert kept(tmp_path)[0]["value"] == 0.25
    assert finding(outcome, "label_type").rows == (13,)


@pytest.mark.parametrize(
    ("text", "number"),
    [("3", 3.0), (" -2.5 ", -2.5), ("1e3", 1000.0), (".5", 0.5), ("1_000", None), ("inf", None), ("٣", None)],
)
def test_a_number_is_written_in_digits_and_a_point(text: str, number: float | None) -> None:
    assert number_of(text) == number


TOPICS = ("sport", "film", "bank")


def several(folder: Path, lines: list[str], *fixes: Fix, separator: str = ";") -> Examination:
    return found_in(
        folder,
        ["text,label", *lines],
        Declared(TaskKind.MULTI_LABEL, separator=separator),
        *fixes,
        name="a.csv",
    )


def topic_lines(separator: str = ";") -> list[str]:
    return [
        f'{text},"{separator.join(TOPICS[number % 3 :])}"' for number, text in enumerate([*TEXTS, *"vwxyz"])
    ]


def test_labels_are_parted_trimmed_and_counted(tmp_path: Path) -> None:
    outcome = several(tmp_path, [*topic_lines(), "a new text, film ;sport; film;"])
    assert not outcome.report.blocking
    assert kept(tmp_path)[1]["labels"] == ["film", "bank"]
    assert kept(tmp_path)[-1]["labels"] == ["film", "sport"]
    assert outcome.label_rows == {"bank": 17, "film": 13, "sport": 7}


def test_rows_without_any_label_are_told_kept_and_can_be_left_out(tmp_path: Path) -> None:
    lines = [*topic_lines(), "a new text,"]
    outcome = several(tmp_path, lines)
    assert finding(outcome, "no_labels").severity is Severity.WARNING
    assert kept(tmp_path)[-1] == {"row": 19, "text": "a new text", "labels": []}
    several(tmp_path, lines, finding(outcome, "no_labels").fixes[0])
    assert kept(tmp_path)[-1]["row"] == 18


def test_another_separator_is_offered_where_no_row_has_two_labels(tmp_path: Path) -> None:
    outcome = several(tmp_path, topic_lines("|"))
    [fix] = finding(outcome, "one_label_each").fixes
    assert fix.words == "Labels are parted by vertical bars"
    mended = several(tmp_path, topic_lines("|"), fix)
    assert set(mended.label_rows) == set(TOPICS)


def test_labels_that_are_merged_or_left_out_leave_their_rows(tmp_path: Path) -> None:
    lines = [*topic_lines(), "a new text,Sport;bank", "one more,golf;bank"]
    outcome = several(tmp_path, lines)
    fixes = (finding(outcome, "similar_labels").fixes[0], finding(outcome, "small_classes").fixes[0])
    mended = several(tmp_path, lines, *fixes)
    assert mended.report.num_rows_kept == outcome.report.num_rows_kept
    assert "Sport" not in mended.label_rows and "golf" not in mended.label_rows


def test_json_lists_are_labels_and_other_lists_are_not(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text, "label": ["sport", "film"]}) for text in TEXTS]
    outcome = found_in(
        tmp_path,
        [*lines, json.dumps({"text": "one more", "label": ["sport", 3]})],
        Declared(TaskKind.MULTI_LABEL),
        name="a.jsonl",
    )
    assert kept(tmp_path)[0]["labels"] == ["sport", "film"]
    assert finding(outcome, "label_type").rows == (13,)


def pairs(folder: Path, lines: list[str], *, columns: ColumnChoice | None = None) -> Examination:
    declared = Declared(TaskKind.SENTENCE_PAIR, columns or ColumnChoice())
    return found_in(folder, lines, declared, name="pairs.csv")


def test_pairs_are_found_by_their_columns_and_kept(tmp_path: Path) -> None:
    rows = [
        f"{text},its answer {number},{'yes' if number % 2 else 'no'}" for number, text in enumerate(TEXTS)
    ]
    outcome = pairs(tmp_path, ["premise,hypothesis,label", *rows])
    assert not outcome.report.blocking
    assert kept(tmp_path)[1] == {"row": 3, "text": TEXTS[1], "pair": "its answer 1", "label": "yes"}
    named = pairs(tmp_path, ["q,a,label", *rows], columns=ColumnChoice(text="q", label="label", pair="a"))
    assert named.report.num_rows_kept == len(TEXTS)


def test_a_pair_is_repeated_only_where_both_texts_are(tmp_path: Path) -> None:
    rows = [f"the same,answer {number},{'yes' if number % 2 else 'no'}" for number in range(12)]
    outcome = pairs(tmp_path, ["text,pair,label", *rows, "the same,answer 2,yes", "the same,,no"])
    assert finding(outcome, "conflicting_labels").rows == (14,)
    assert finding(outcome, "empty_texts").rows == (15,)


def test_a_file_without_a_second_text_is_refused_with_its_columns(tmp_path: Path) -> None:
    with pytest.raises(DatasetRefused) as caught:
        pairs(tmp_path, ["text,label", *(f"{text},yes" for text in TEXTS)])
    assert caught.value.param == "pair_column"
