"""Rows are read strictly, and refusals name the line and hold no text."""

import json

import pytest

from hmi.base.errors import HmiError
from hmi.build.data import LabelledRow, label_indices, read_rows
from hmi.build.kinds.single_label import SingleLabelTraining
from wire.errors import ErrorCode

LABELS = ("spam", "ham")
KIND = SingleLabelTraining(LABELS)


def line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def refused(*lines: bytes) -> HmiError:
    with pytest.raises(HmiError) as caught:
        read_rows(lines, KIND)
    return caught.value


def test_it_reads_rows_in_their_order() -> None:
    rows = read_rows([line(row=3, text="héllo", label="ham"), line(row=1, text="win", label="spam")], KIND)
    assert rows == [LabelledRow(3, "héllo", "ham"), LabelledRow(1, "win", "spam")]
    assert label_indices(rows, LABELS) == [1, 0]


@pytest.mark.parametrize(
    "bad",
    [
        b"not json\n",
        b'{"row": 1, "text": "\xff secret", "label": "ham"}\n',
        line(row=1, text="secret"),
        line(row="1", text="secret", label="ham"),
        line(row=1, text="secret", label="ham", more=1),
        line(row=1, text="secret", label="unknown"),
    ],
)
def test_it_refuses_any_other_shape_without_quoting_the_text(bad: bytes) -> None:
    error = refused(line(row=0, text="fine", label="ham"), bad)
    assert error.code is ErrorCode.DATASET_BAD_FORMAT
    assert "line 2" in error.message
    assert "secret" not in error.message


def test_it_refuses_a_row_number_twice() -> None:
    assert "row 7" in refused(line(row=7, text="a", label="ham"), line(row=7, text="b", label="ham")).message


def test_it_refuses_an_empty_text() -> None:
    assert refused(line(row=1, text=" \n", label="ham")).code is ErrorCode.DATASET_EMPTY_VALUES


def test_it_refuses_a_file_without_rows() -> None:
    assert refused().code is ErrorCode.DATASET_EMPTY
