"""The split is stratified, never lets equal texts straddle, and depends on nothing but the texts."""

import random
from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from hmi.base.texts import normalised
from hmi.build.data import LabelledRow
from hmi.build.split import MIN_DOCUMENTS, MIN_GROUPS, Split, num_sharing_text, row_texts, split_rows


def rows_of(num_per_label: dict[str, int]) -> list[LabelledRow]:
    texts = [(f"{label} text {i}", label) for label, count in num_per_label.items() for i in range(count)]
    return [LabelledRow(number, text, label) for number, (text, label) in enumerate(texts, start=1)]


def split(rows: list[LabelledRow], *, seed: int = 1, above: Collection[str] = ()) -> Split:
    return split_rows(rows, seed=seed, stands_above=[row.text in above for row in rows])


def texts(rows: list[LabelledRow], positions: tuple[int, ...]) -> set[str]:
    return {rows[i].text for i in positions}


def test_each_label_gives_its_share() -> None:
    rows = rows_of({"a": 100, "b": 40})
    parts = split(rows)
    for positions, expected in ((parts.test, (15, 6)), (parts.validation, (10, 4)), (parts.train, (75, 30))):
        labels = [rows[i].label for i in positions]
        assert (labels.count("a"), labels.count("b")) == expected


def test_it_depends_on_the_texts_and_the_seed_alone() -> None:
    rows = rows_of({"a": 50, "b": 50})
    shuffled = random.Random(3).sample(rows, len(rows))
    assert texts(rows, split(rows).test) == texts(shuffled, split(shuffled).test)
    assert texts(rows, split(rows).test) != texts(rows, split(rows, seed=2).test)


def test_three_different_texts_are_enough_to_hold_one_out_each() -> None:
    parts = split(rows_of({"a": 3, "b": 3}))
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (2, 2, 2)


def test_a_label_with_two_texts_only_trains() -> None:
    rows = rows_of({"a": 20, "rare": 2})
    parts = split(rows)
    assert {rows[i].label for i in (*parts.validation, *parts.test)} == {"a"}


def test_texts_that_differ_by_case_and_space_stay_together() -> None:
    rows = rows_of({"a": 40})
    twins = [LabelledRow(100 + row.row, f"  {row.text.upper()}\n", row.label) for row in rows]
    both = rows + twins
    parts = split(both)
    held = {normalised(both[i].text) for i in parts.test}
    assert len(parts.test) == 2 * len(held)
    assert not held & {normalised(both[i].text) for i in (*parts.train, *parts.validation)}


def test_texts_of_an_ancestor_train_and_the_held_out_shares_come_from_the_others() -> None:
    rows = rows_of({"a": 40})
    above = {row.text for row in rows[:20]}
    parts = split(rows, above=above)
    assert above <= texts(rows, parts.train)
    assert (len(parts.test), len(parts.validation)) == (6, 4)


def test_an_ancestor_that_holds_training_texts_changes_nothing() -> None:
    rows = rows_of({"a": 40, "b": 40})
    before = split(rows)
    above = texts(rows, before.train[::2])
    assert split(rows, above=above) == before


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz"), st.booleans()), min_size=1, max_size=60
    ),
    st.integers(0, 3),
)
def test_every_row_is_in_exactly_one_part_and_no_text_in_two(
    drawn: list[tuple[str, str, bool]], seed: int
) -> None:
    rows = [LabelledRow(i, text, label) for i, (text, label, _) in enumerate(drawn)]
    parts = split_rows(rows, seed=seed, stands_above=[above for _, _, above in drawn])
    assert sorted((*parts.train, *parts.validation, *parts.test)) == list(range(len(rows)))
    train, validation, test = (texts(rows, p) for p in (parts.train, parts.validation, parts.test))
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert all(not drawn[i][2] for i in (*parts.validation, *parts.test))


def test_rows_of_one_document_go_one_way_and_a_repeated_text_joins_documents() -> None:
    rows = [
        LabelledRow(number, f"sentence {number}", "", document=number // 4)
        for number in range(4 * 2 * MIN_DOCUMENTS)
    ]
    rows[5] = LabelledRow(5, "SENTENCE 0", "", document=1)  # now documents 0 and 1 share a text
    found = split_rows(rows, seed=3, stands_above=[False] * len(rows))
    parts = [{rows[place].document for place in part} for part in (found.train, found.validation, found.test)]
    assert all(parts)
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert any({0, 1} <= part for part in parts)


def test_of_few_documents_rows_are_split_one_by_one() -> None:
    rows = [LabelledRow(number, f"sentence {number}", "", document=number % 2) for number in range(40)]
    found = split_rows(rows, seed=3, stands_above=[False] * len(rows))
    assert found.validation and found.test


def some(rows: list[LabelledRow], positions: tuple[int, ...]) -> list[LabelledRow]:
    return [rows[place] for place in positions]


def pair(number: int, first: str, second: str, *, is_swapped: bool = False, label: str = "") -> LabelledRow:
    first, second = (second, first) if is_swapped else (first, second)
    return LabelledRow(number, first, label, pair=second)


@given(
    st.lists(st.lists(st.tuples(st.sampled_from("xyz"), st.booleans()), min_size=1, max_size=3), min_size=60),
    st.integers(0, 3),
)
def test_pairs_with_a_text_in_common_go_one_way_whichever_of_the_two_it_is(
    premises: list[list[tuple[str, bool]]], seed: int
) -> None:
    rows = [
        pair(number, f"Premise {number}", f"{number}: hypothesis {place}", is_swapped=swapped, label=label)
        for number, hypotheses in enumerate(premises)
        for place, (label, swapped) in enumerate(hypotheses)
    ]
    found = split_rows(rows, seed=seed, stands_above=[False] * len(rows))
    train, validation, test = (some(rows, part) for part in (found.train, found.validation, found.test))
    assert train and validation and test
    assert num_sharing_text(train, test) == num_sharing_text(train, validation) == 0
    assert num_sharing_text(validation, test) == 0


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"), st.sampled_from("xy"))),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_of_any_pairs_equal_ones_go_one_way_and_the_order_of_rows_says_nothing(
    drawn: list[tuple[str, str, str]], seed: int, chance: random.Random
) -> None:
    rows = [pair(number, *texts, label=label) for number, (*texts, label) in enumerate(drawn)]
    found = split_rows(rows, seed=seed, stands_above=[False] * len(rows))
    parts = [
        {row_texts(row) for row in some(rows, part)} for part in (found.train, found.validation, found.test)
    ]
    assert sorted((*found.train, *found.validation, *found.test)) == list(range(len(rows)))
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    shuffled = chance.sample(rows, len(rows))
    again = split_rows(shuffled, seed=seed, stands_above=[False] * len(rows))
    assert {row.row for row in some(shuffled, again.test)} == {row.row for row in some(rows, found.test)}


def test_a_text_in_too_many_pairs_joins_nothing_and_what_it_gives_away_is_counted() -> None:
    num_pairs = 10 * MIN_GROUPS
    rows = [
        pair(number, "Is this true?", f"claim {number // 2}", label="xy"[number % 2])
        for number in range(num_pairs)
    ]
    rows = [
        LabelledRow(n, row.text, row.label, pair=f"{row.pair} ({n})" if n % 4 else row.pair)
        for n, row in enumerate(rows)
    ]
    found = split_rows(rows, seed=1, stands_above=[False] * num_pairs)
    train, test = some(rows, found.train), some(rows, found.test)
    assert len(test) >= num_pairs // 10
    assert num_sharing_text(train, test) == len(test), "the question"
    claims = {row.pair for row in train} & {row.pair for row in test}
    assert not claims
