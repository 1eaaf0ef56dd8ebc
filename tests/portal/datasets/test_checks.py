"""What makes rows unusable as training data, and what is only odd."""

from collections.abc import Iterable

import pytest

from portal.datasets.checks import DatasetSummary, LabelCount, RowChecks
from portal.datasets.findings import DatasetRefused
from portal.datasets.reader import Record
from wire.errors import ErrorCode

PLENTY = [(f"film {place}", "pos" if place % 2 else "neg") for place in range(20)]


def check(pairs: Iterable[tuple[str, str]], *, max_rows: int = 1000) -> tuple[list[Record], DatasetSummary]:
    checks = RowChecks(max_rows=max_rows)
    records = (Record(row, text, label) for row, (text, label) in enumerate(pairs, start=2))
    passed = list(checks.passed(records))
    return passed, checks.summary()


def refusal_of(pairs: Iterable[tuple[str, str]], *, max_rows: int = 1000) -> DatasetRefused:
    with pytest.raises(DatasetRefused) as caught:
        check(pairs, max_rows=max_rows)
    return caught.value


def warnings_of(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[int, ...]]:
    return {warning.code: warning.rows for warning in check(pairs)[1].warnings}


def test_it_counts_labels_in_alphabetical_order() -> None:
    passed, summary = check(PLENTY)
    assert [(record.text, record.label) for record in passed] == PLENTY
    assert summary == DatasetSummary(20, (LabelCount("neg", 10), LabelCount("pos", 10)), ())


def test_it_refuses_a_header_without_rows() -> None:
    assert refusal_of([]).code is ErrorCode.DATASET_EMPTY


def test_it_refuses_empty_texts_and_labels_naming_the_rows() -> None:
    refused = refusal_of([*PLENTY, (" \t", "pos"), ("film", " "), ("", "")])
    assert refused.code is ErrorCode.DATASET_EMPTY_VALUES
    assert [finding.rows for finding in refused.findings] == [(22, 24), (23, 24)]
    assert isinstance(refused.details, dict)
    assert refused.details["findings"][0]["rows"] == [22, 24]


def test_it_refuses_one_label_only() -> None:
    refused = refusal_of([(f"film {place}", "pos") for place in range(20)])
    assert refused.code is ErrorCode.DATASET_ONE_LABEL
    assert "'pos'" in refused.message


def test_it_refuses_too_few_rows() -> None:
    refused = refusal_of(PLENTY[:9])
    assert refused.code is ErrorCode.DATASET_TOO_FEW_ROWS
    assert "9 rows" in refused.message
    check(PLENTY[:10])


def test_it_refuses_too_many_labels_at_once() -> None:
    def endless() -> Iterable[tuple[str, str]]:
        yield from ((f"film {place}", f"label {place}") for place in range(1001))
        raise AssertionError("it read on")

    refused = refusal_of(endless(), max_rows=10_000)
    assert refused.code is ErrorCode.DATASET_TOO_MANY_LABELS


def test_a_thousand_labels_are_not_too_many() -> None:
    assert len(check(((f"film {n}", f"label {n}") for n in range(1000)), max_rows=1000)[1].labels) == 1000


def test_it_refuses_too_many_rows_at_once() -> None:
    def endless() -> Iterable[tuple[str, str]]:
        yield from PLENTY
        raise AssertionError("it read on")

    refused = refusal_of(endless(), max_rows=19)
    assert refused.code is ErrorCode.DATASET_TOO_LARGE
    assert refused.status == 413


@pytest.mark.parametrize("label", ["x" * 201, "two\nlines", "nul\0"])
def test_it_refuses_labels_that_look_like_texts(label: str) -> None:
    refused = refusal_of([*PLENTY, ("film", label)])
    assert refused.code is ErrorCode.DATASET_BAD_FORMAT
    assert "label_column" in refused.message


def test_it_refuses_nul_in_a_text() -> None:
    assert refusal_of([*PLENTY, ("fi\0lm", "pos")]).code is ErrorCode.DATASET_BAD_FORMAT


def test_it_warns_of_duplicates_and_contradictions() -> None:
    found = warnings_of([*PLENTY, ("film 0", "neg"), (" film 1 ", "neg")])
    assert found == {"duplicate_texts": (22,), "conflicting_labels": (23,)}


def test_it_trims_labels_and_says_so() -> None:
    passed, summary = check([*PLENTY, ("other film", " pos ")])
    assert passed[-1].label == "pos"
    assert [warning.code for warning in summary.warnings] == ["labels_trimmed"]
    assert [count.label for count in summary.labels] == ["neg", "pos"]


def test_it_warns_of_labels_that_differ_in_case_or_space_only() -> None:
    more = [(f"play {place}", ("Pos", "p os")[place % 2]) for place in range(10)]
    summary = check([*PLENTY, *more])[1]
    assert [warning.code for warning in summary.warnings] == ["similar_labels"]
    assert "'Pos'/'p os'/'pos'" in summary.warnings[0].message


def test_it_warns_of_very_small_classes() -> None:
    summary = check([*PLENTY, ("play", "rare")])[1]
    assert [warning.code for warning in summary.warnings] == ["small_classes"]
    assert "'rare' (1)" in summary.warnings[0].message


def test_it_warns_of_very_long_and_of_damaged_texts() -> None:
    found = warnings_of([*PLENTY, ("x" * 50_001, "pos"), ("d\ufffdj\ufffd vu", "neg"), ("x" * 50_000, "pos")])
    assert found == {"long_texts": (22,), "damaged_characters": (23,)}


def test_texts_are_passed_on_unchanged() -> None:
    assert check([*PLENTY, ("  a film\r\n", "pos")])[0][-1].text == "  a film\r\n"
