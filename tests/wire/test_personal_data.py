"""What may lead to somebody is found where the text is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    ("text", "found"),
    [
        ("on jane-doe.nl, or allegro.pl/jane?x=1.", ["jane-doe.nl", "allegro.pl/jane?x=1"]),
        ("jane.photography and shop.jane.com.py", ["jane.photography", "shop.jane.com.py"]),
        ("on bücher.shop and пример.рф", ["bücher.shop", "пример.рф"]),
        ("xn--bcher-kva.xn--p1ai", ["xn--bcher-kva.xn--p1ai"]),
        ("EXAMPLE.AT or Jane.ch:8080", ["EXAMPLE.AT", "Jane.ch:8080"]),
        ("README.md/jane, Jane.De", ["README.md/jane", "Jane.De"]),
        ("It is on jane-doe.nl.The next is on bbc.com.It is not.", ["jane-doe.nl", "bbc.com"]),
        ("from 2001:db8::8a2e:370:7334: refused", ["2001:db8::8a2e:370:7334"]),
        ("at [2001:DB8:0:0:8:800:200C:417A]:443", ["2001:DB8:0:0:8:800:200C:417A"]),
        ("fe80::1%eth0, fd12:3456::1/64", ["fe80::1", "fd12:3456::1"]),
        ("::ffff:192.0.2.128 and 2001:db8:1::", ["::ffff:192.0.2.128", "2001:db8:1::"]),
    ],
)
def test_hosts_of_every_ending_and_long_addresses_are_found_by_their_shape(
    text: str, found: list[str]
) -> None:
    assert [text[start:end] for start, end in identifying_spans(text)] == found


@pytest.mark.parametrize(
    "text",
    [
        "e.g. this, i.e. that, at 5 p.m. in the U.S.A. by a Ph.D. of St.Petersburg",
        "3.5.2 and 1.10 and 2.0beta",
        "It ended.The next began.Then all was well.И вот",
        "1.first 2.second, e.g.the first, i.e.this",
        "self.assertEqual, asyncio.TimeoutError",
        "main.py, report.PDF, archive.tar.gz, README.md, index.html, main.py:12, train.tar.xz",
        ":: ::1 1:: a::b dead::beef",
        "std::vector<int> ns::add::face x[3000::2] a[::-1]",
        "at 12:30:45, 1:2:3:4, and 00:00:00.000; 2024-01-02T12:30:45",
        "00:1a:2b:3c:4d:5e",
        "ratio 2:1:1 {a:b:c}",
    ],
)
def test_what_only_looks_like_a_host_or_an_address_is_none(text: str) -> None:
    assert [text[start:end] for start, end in identifying_spans(text)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("an jürgen.müller@example.de geschrieben", ["jürgen.müller@example.de", "example.de"]),
        ("an jan.schmidt@münchen.de", ["jan.schmidt@münchen.de", "münchen.de"]),
        ("an ju\u0308rgen@example.de", ["ju\u0308rgen@example.de", "example.de"]),
        ("ｊａｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", ["ｊａｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ｅｘａｍｐｌｅ．ｃｏｍ"]),
        ("иван@пример.com", ["иван@пример.com", "пример.com"]),
        ("请联系jan@example.com吧", ["jan@example.com", "example.com"]),
        ("电话09012345678是", ["09012345678"]),
        ("call +44\u00a020\u00a07946\u00a00018 now", ["+44\u00a020\u00a07946\u00a00018"]),
        ("unter 0170\u20131234567", ["0170\u20131234567"]),
        ("at (555)\u00a0123\u2011456\u201178", ["(555)\u00a0123\u2011456\u201178"]),
        ("tel ０９０１２３４５６７８", ["０９０１２３４５６７８"]),
        ("اتصل ٠١٢٣٤٥٦٧٨٩ الآن", ["٠١٢٣٤٥٦٧٨٩"]),
        ("größer als 3,5 – das heißt … ½ von ③", []),
    ],
)
def test_it_finds_them_in_letters_digits_and_signs_of_every_script(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in identifying_spans(text)] == found


@given(st.text())
def test_characters_of_any_kind_keep_their_places(text: str) -> None:
    address = "jan@example.com"
    found = identifying_spans(f"{text} {address} {text}")
    start = len(text) + 1
    assert any(first <= start and start + len(address) <= last for first, last in found)


@pytest.mark.parametrize(
    "text",
    [
        "a." * 50_000,
        "a-" * 50_000,
        "www." * 25_000,
        "1 " * 50_000,
        "a@" * 50_000,
        "a:" * 50_000,
        "1::" * 50_000,
    ],
)
def test_odd_texts_are_searched_as_well(text: str) -> None:
    for start, end in identifying_spans(text):
        assert 0 <= start < end <= len(text)
