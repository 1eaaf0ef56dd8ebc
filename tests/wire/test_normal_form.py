"""The form in which texts are compared: the library's, in bounded work."""

import re
import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from wire.normal_form import _CODES_WITH_MARKS, normal_form

MARKS = "\u0301\u0323\uff9e\u3099"  # above, below, and of Japanese in both widths


@given(st.text(st.sampled_from(f"aé か{MARKS}"), max_size=30))
def test_it_is_the_librarys_where_few_marks_stand_on_one_another(text: str) -> None:
    assert normal_form(text) == unicodedata.normalize("NFKC", text)


@given(st.text(st.sampled_from(MARKS), min_size=60), st.text(st.sampled_from("aé ")))
def test_no_more_than_some_dozens_of_marks_are_sorted_together_and_none_is_lost(
    marks: str, text: str
) -> None:
    found = normal_form(text + marks + text)
    together = re.split("[^\u0300-\u034e\u0350-\u036f\u3099]", unicodedata.normalize("NFD", found))
    assert max(map(len, together)) <= 62
    apart = "".join(unicodedata.normalize("NFKD", character) for character in text + marks + text)
    assert sorted(unicodedata.normalize("NFD", found).replace("\u034f", "")) == sorted(apart)


def test_all_marks_are_known() -> None:
    marks = [code for code in range(sys.maxunicode + 1) if unicodedata.combining(chr(code))]
    assert set(marks) <= set(_CODES_WITH_MARKS)
