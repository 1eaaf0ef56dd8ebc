"""What may lead to somebody is found where the text is known."""

import pytest

from wire.personal_data import identifying_spans


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("write to jane.doe@example.com, please", ["jane.doe@example.com", "example.com"]),
        ("see https://example.com/~jane?x=1.", ["https://example.com/~jane?x=1"]),
        ("on www.jane-doe.net or bbc.co.uk/news!", ["www.jane-doe.net", "bbc.co.uk/news"]),
        ("call +44 20 7946 0018 now", ["+44 20 7946 0018"]),
        ("mailto:jane", ["mailto:jane"]),
        ("it rose 3.5 per cent. The end: no more, e.g. nothing", []),
        ("in 2004 he won 12-10", []),
        ("", []),
    ],
)
def test_it_finds_addresses_places_on_the_web_and_numbers(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in identifying_spans(text)] == found


@pytest.mark.parametrize(
    "text", ["a." * 50_000, "a-" * 50_000, "www." * 25_000, "1 " * 50_000, "a@" * 50_000]
)
def test_odd_texts_are_searched_as_well(text: str) -> None:
    for start, end in identifying_spans(text):
        assert 0 <= start < end <= len(text)
