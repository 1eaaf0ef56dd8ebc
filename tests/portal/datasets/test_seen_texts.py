"""The table of seen texts against a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from portal.datasets.seen_texts import SeenTexts

# Few different last bits, so that many keys want the same places.
KEYS = st.builds(lambda high, low: high << 40 | low, st.integers(0, 50), st.integers(1, 3))


@given(st.lists(st.tuples(KEYS, st.integers(0, 2**64 - 1)), max_size=60))
def test_it_keeps_the_first_value_of_each_key_as_a_dictionary_does(pairs: list[tuple[int, int]]) -> None:
    seen, oracle = SeenTexts(), dict[int, int]()
    for key, value in pairs:
        assert seen.get(key) == oracle.get(key)
        seen.add(key, value)
        oracle.setdefault(key, value)
    assert {key: seen.get(key) for key in oracle} == oracle
    assert len(seen) == len(oracle)


def test_it_grows_and_loses_nothing() -> None:
    keys = [number * 0x9E3779B97F4A7C15 % 2**64 for number in range(1, 10_001)]
    seen = SeenTexts()
    for value, key in enumerate(keys):
        seen.add(key, value)
    assert len(seen) == 10_000
    assert [seen.get(key) for key in keys] == list(range(10_000))
    assert seen.get(8) is None


def test_a_key_of_nothing_is_one_too() -> None:
    seen = SeenTexts()
    assert seen.get(0) is None
    seen.add(0, 5)
    assert seen.get(0) == 5
