"""The upload doctor: every broken file gets its finding, and every row is accounted for."""

import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from portal.common.store import ObjectStore
from portal.datasets.declared import Declared
from portal.datasets.doctor import Examination, UploadLimits, examine
from portal.datasets.findings import DatasetRefused, Fix, FixKind, Severity, fix_of
from portal.datasets.plan import plan_of
from tests.portal.datasets.broken_files import BROKEN_FILES, GOOD, GOOD_LINES, NUM_ROWS, BrokenFile
from tests.portal.datasets.examining import LIMITS, ROWS_URI, codes, examined, finding, kept
from wire.errors import ErrorCode


def first_fixes(outcome: Examination) -> list[Fix]:
    return [found.fixes[0] for found in outcome.report.findings if found.fixes]


def test_there_are_at_least_sixty_broken_files_all_different() -> None:
    assert len({broken.name for broken in BROKEN_FILES}) == len(BROKEN_FILES) >= 60
    assert len({(broken.data, broken.file_name) for broken in BROKEN_FILES}) == len(BROKEN_FILES)


@pytest.mark.parametrize("broken", BROKEN_FILES, ids=lambda broken: broken.name)
def test_a_broken_file_gets_its_finding(tmp_path: Path, broken: BrokenFile) -> None:
    if broken.is_refused:
        with pytest.raises(DatasetRefused) as caught:
            examined(tmp_path, broken.data, name=broken.file_name).refuse_hopeless()
        assert caught.value.code == broken.code
        assert broken.message in caught.value.message
        assert caught.value.findings[0].fix
        return
    report = examined(tmp_path, broken.data, name=broken.file_name).report
    [found] = [found for found in report.findings if found.code == broken.code]
    assert "\\u0000" not in json.dumps(report.as_json(), allow_nan=False)  # PostgreSQL keeps neither
    assert broken.message in found.message
    assert found.fix
    assert (found.fixes[0].id if found.fixes else None) == broken.fix
    assert (found.severity is Severity.NOTE) == (broken.fix is None)
    if broken.rows is not None:
        assert found.rows == broken.rows


@pytest.mark.parametrize(
    "broken", [broken for broken in BROKEN_FILES if broken.fix], ids=lambda broken: broken.name
)
def test_the_first_fix_takes_the_finding_away_and_all_first_fixes_make_it_trainable(
    tmp_path: Path, broken: BrokenFile
) -> None:
    outcome = examined(tmp_path, broken.data, name=broken.file_name)
    offered = finding(outcome, broken.code).fixes[0]
    assert broken.code not in codes(examined(tmp_path, broken.data, offered, name=broken.file_name))
    fixes: list[Fix] = []
    while first_fixes(outcome):
        fixes += first_fixes(outcome)
        outcome = examined(tmp_path, broken.data, *fixes, name=broken.file_name)
        assert len(fixes) < 20
    assert not outcome.report.blocking
    rows = kept(tmp_path)
    assert len(rows) == outcome.report.num_rows_kept >= 10
    assert len({row["row"] for row in rows}) == len(rows)


def test_a_good_file_has_no_findings(tmp_path: Path) -> None:
    for data, name in ((GOOD, "data.csv"), (GOOD_LINES, "data.jsonl")):
        outcome = examined(tmp_path, data, name=name)
        assert outcome.report.findings == ()
        assert outcome.report.num_rows_read == outcome.report.num_rows_kept == NUM_ROWS
        assert outcome.label_rows == {"neg": 15, "pos": 15}


def test_it_tells_everything_at_once(tmp_path: Path) -> None:
    data = (GOOD + ",pos\nalone\nfilm number 1 was a long evening,neg\nmail a@b.example,Pos\n").encode(
        "utf-16"
    )
    outcome = examined(tmp_path, data)
    assert set(codes(outcome)) == {
        "encoding",
        "empty_texts",
        "ragged_rows",
        "conflicting_labels",
        "personal_data",
        "similar_labels",
        "small_classes",
    }
    severities = [found.severity for found in outcome.report.findings]
    assert severities == sorted(severities, key=list(Severity).index)


@pytest.mark.parametrize(
    ("more", "fix", "text"),
    [
        ("dÃ©jÃ\xa0 vu,pos\n", FixKind.REPAIR, "déjà vu"),
        ("  a film  ,pos\n", FixKind.TRIM, "a film"),
        ("a\0film,pos\n", FixKind.REMOVE_NUL, "afilm"),
        ("to ada@example.com or +49 30 1234567,pos\n", FixKind.MASK, "to [email] or [phone]"),
        ("ab" * 30_000 + ",pos\n", FixKind.CUT, "ab" * 25_000),
    ],
)
def test_texts_are_mended_as_the_fix_says(tmp_path: Path, more: str, fix: FixKind, text: str) -> None:
    outcome = examined(tmp_path, GOOD + more)
    [chosen] = [offer for found in outcome.report.findings for offer in found.fixes if offer.kind is fix]
    examined(tmp_path, GOOD + more, chosen)
    assert kept(tmp_path)[-1] == {"row": NUM_ROWS + 2, "text": text, "label": "pos"}


def test_merged_labels_can_be_merged_again(tmp_path: Path) -> None:
    one = Fix(FixKind.MERGE_LABELS, "x", "", {"labels": {"neg": "bad"}})
    two = Fix(FixKind.MERGE_LABELS, "y", "", {"labels": {"bad": "worse"}})
    assert examined(tmp_path, GOOD, one, two).label_rows == {"pos": 15, "worse": 15}


def test_rows_that_are_left_out_are_named(tmp_path: Path) -> None:
    data = GOOD + ",pos\nalone\n,neg\n"
    fixes = [Fix(FixKind.DROP, code, "") for code in ("empty_texts", "ragged_rows")]
    report = examined(tmp_path, data, *fixes).report
    assert {(left.finding, left.rows, left.num_rows) for left in report.left_out} == {
        ("empty_texts", (32, 34), 2),
        ("ragged_rows", (33,), 1),
    }
    assert report.num_rows_read == report.num_rows_kept + 3


def test_columns_are_chosen_by_hand(tmp_path: Path) -> None:
    data = GOOD.replace("text,label", "a,b")
    chosen = Fix(FixKind.SET_HEADER, "x", "", {"text": "a", "label": "b", "has_header": True})
    outcome = examined(tmp_path, data, chosen)
    assert (outcome.text_column, outcome.label_column) == ("a", "b")
    assert not outcome.report.findings


def test_a_file_without_a_header_keeps_its_first_row(tmp_path: Path) -> None:
    data = GOOD.removeprefix("text,label\n")
    absent = finding(examined(tmp_path, data), "dataset_missing_column").fixes[0]
    assert examined(tmp_path, data, absent).report.num_rows_kept == NUM_ROWS
    assert kept(tmp_path)[0]["row"] == 1


def test_a_header_over_two_encodings_of_one_text_is_read_as_the_fix_says(tmp_path: Path) -> None:
    data = (GOOD + "Füße über Öl,pos\n").encode("cp1252")
    offers = finding(examined(tmp_path, data), "encoding").fixes
    assert "Füße über Öl" in offers[0].words
    examined(tmp_path, data, offers[0])
    assert kept(tmp_path)[-1]["text"] == "Füße über Öl"


def test_a_fix_survives_being_kept(tmp_path: Path) -> None:
    outcome = examined(tmp_path, GOOD.replace("text,label", "a,b").encode("utf-16"))
    for found in outcome.report.findings:
        for fix in found.fixes:
            assert fix_of(json.loads(json.dumps(fix.as_json()))) == fix


def test_a_file_with_too_many_rows_or_bytes_leaves_nothing(tmp_path: Path) -> None:
    for limits in (UploadLimits(10_000, 29), UploadLimits(100, 1000)):
        with pytest.raises(DatasetRefused) as caught:
            examined(tmp_path, GOOD, limits=limits)
        assert caught.value.code is ErrorCode.DATASET_TOO_LARGE
    assert list(tmp_path.iterdir()) == []


_CELLS = st.sampled_from(
    ["", " ", "a film", "A film", "a film.", "b\0c", '"', '"x', "pos", "neg", " neg", "unknown",
     "a@b.example", "caf\ufffd", "Ã©", "x\ny", "1,2", "\r", "long " * 3]
)  # fmt: skip


@given(rows=st.lists(st.lists(_CELLS, min_size=1, max_size=3), max_size=25), drop=st.booleans())
@hypothesis_settings(max_examples=150, deadline=None)
def test_every_row_is_kept_left_out_or_told(
    tmp_path_factory: pytest.TempPathFactory, rows: Sequence[Sequence[str]], drop: bool
) -> None:
    folder = tmp_path_factory.mktemp("rows", numbered=True)
    data = GOOD + "".join(",".join(row) + "\n" for row in rows)
    outcome = examined(folder, data)
    if drop:
        fixes = [fix for found in outcome.report.findings for fix in found.fixes if fix.kind is FixKind.DROP]
        outcome = examined(folder, data, *fixes)
        assert outcome.report.num_rows_unusable == 0
    report = outcome.report
    left_out = sum(left.num_rows for left in report.left_out)
    assert report.num_rows_read == report.num_rows_kept + left_out + report.num_rows_unusable
    assert len(kept(folder)) == report.num_rows_kept == sum(outcome.label_rows.values())
    assert report.num_rows_kept == sum(bucket.num_rows for bucket in report.lengths)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    upload = tmp_path / "upload.csv"
    with upload.open("w") as file:
        file.write("text,label\n")
        for number in range(40_000):
            file.write(f'"text {number} {"some words, and more " * 24}",label {number % 7}\n')
    assert upload.stat().st_size > 20_000_000
    tracemalloc.start()
    try:
        with upload.open("rb") as file:
            outcome = examine(
                file,
                file_name="upload.csv",
                plan=plan_of((), Declared()),
                limits=LIMITS,
                store=ObjectStore(f"file://{tmp_path}/store"),
                rows_uri=ROWS_URI,
            )
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.report.num_rows_kept == 40_000
    assert peak_bytes < 18_000_000  # a few chunks, and some hundred bytes a row for finding duplicates
