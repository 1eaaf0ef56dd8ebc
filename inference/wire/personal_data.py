"""Finds personal data that has a shape (addresses, numbers). Names of people have none."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address, IPv6Network

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", re.ASCII)
_NUMBER = re.compile(r"(?<![\w.,])\+?\(?\d[\d ()./-]{7,24}\d(?![\w%])", re.ASCII)
_SEVEN_DIGITS = re.compile(r"\d(?:[ ()./-]{0,2}\d){6}")  # no number of a person has fewer
_IP = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{1,4})?(?![\w:])",
    re.IGNORECASE | re.ASCII,
)
_IPV6_IN_USE = tuple(map(IPv6Network, ("2000::/3", "fc00::/7", "fe80::/10", "::ffff:0:0/96", "64:ff9b::/96")))
"""What machines of people have. All else that an IPv6 address could be is rather a piece of a program."""
_DATE = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}")
_WEB = re.compile(
    r"(?:(?:https?|ftp)://|mailto:|www\.)[^\s<>\"']{1,2048}"
    r"|\b(?P<host>(?:[a-z0-9-]{1,63}\.){1,6}(?:xn--[a-z0-9-]{1,59}|[a-z]{2,24}))\b(?!@)"
    r"(?P<path>[/:?#][^\s<>\"']{0,2048})?",
    re.IGNORECASE | re.ASCII,  # in _plain() text: a letter that is left there may stand next to an address
)
_AFTER_WEB = ".,;:!?)]}"
_KNOWN_ENDING = re.compile("com|org|net|edu|gov|info|biz|uk|de|eu|fr|io")
"""Where capitals do not matter: no sentence begins with them."""
_FILE_ENDING = re.compile(
    r"avi|bak|bat|bin|bmp|bz|cfg|class|conf|cpp|cs|css|csv|dat|dll|doc|docx|exe|flac|gif|gz|hpp|htm|"
    r"html|ini|ipynb|jar|java|jpeg|jpg|js|json|jsonl|jsx|log|md|mkv|mov|odt|ogg|parquet|pdf|php|png|"
    r"ppt|pptx|py|pyc|rar|rb|rst|rtf|safetensors|sql|svg|tar|tex|tif|tiff|tmp|toml|ts|tsv|tsx|txt|wav|"
    r"webp|xls|xlsx|xml|xz|yaml|yml|zip",
)
"""Endings of names that look like a host's and are a file's; none that many hosts have, as Poland's."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a text something personal stands, and what it is."""

    start: int
    end: int
    kind: str  # email, iban, card, phone, ip; web


def personal_spots(text: str) -> list[Spot]:
    """All spots of ``text``, in order, none over another."""
    spots: list[Spot] = []  # ascending
    for spot in _candidates(_plain(text)):
        place = bisect_right(spots, spot.start, key=lambda other: other.start)
        follows = place == 0 or spots[place - 1].end <= spot.start
        if follows and (place == len(spots) or spot.end <= spots[place].start):
            spots.insert(place, spot)
    return spots


def identifying_spans(text: str) -> list[tuple[int, int]]:
    """First character and the one after the last of all that may lead to somebody: personal_spots, and places
    on the web, which name people often enough. In order; they may touch."""
    plain = _plain(text)
    spans = [(spot.start, spot.end) for spot in personal_spots(plain)]
    if "." in plain or ":" in plain:
        for match in _WEB.finditer(plain):
            host, path = match.group("host", "path")
            end = match.start() + len(match.group().rstrip(_AFTER_WEB))
            if host is not None:
                num_kept = _host_length(text[slice(*match.span("host"))], host, path or "")
                end = end if num_kept == len(host) else match.start() + num_kept
            if end > match.start():
                spans.append((match.start(), end))
    return sorted(spans)


def _host_length(written: str, plain: str, path: str) -> int:
    """How much of what has the shape of a host's name may be one: 0, or less than all of it, where a sentence
    ends and the next begins ("jane.example.The")."""
    while plain:
        if _is_host(written, plain, path):
            return len(plain)
        plain = plain.rpartition(".")[0]
        written, path = written[: len(plain)], ""
    return 0


def _is_host(written: str, plain: str, path: str) -> bool:
    """Rather than a file's name, an abbreviation, or two sentences ("it.The"). Which endings hosts have
    nobody needs to know: they are many, and become more."""
    *names, ending = plain.lower().split(".")
    if not names or len(ending) < 2:
        return False
    if _KNOWN_ENDING.fullmatch(ending):
        return True
    if not (written.rpartition(".")[2].islower() or written.isupper()):
        return False
    if _FILE_ENDING.fullmatch(ending):
        is_countrys = len(ending) == 2 and len(names) > 1 and not _FILE_ENDING.fullmatch(names[-1])
        return is_countrys or path.startswith("/")
    if len(names) == 1:
        return not names[0].isdecimal()  # "1.first"
    return any(len(name) > 1 for name in names)  # "e.g.the"


class _PlainCharacters(dict[int, str]):
    """Of a character the one of ASCII that an address or a number would have in its place: digits of all
    scripts, letters with accents, wide forms, blanks and dashes of every kind. What joins or marks a letter
    is part of its word; letters of scripts without capitals, which write words without blanks, stay."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        plain = unicodedata.normalize("NFKD", character)[:1]
        kind = unicodedata.category(character)
        if (digit := unicodedata.decimal(character, None)) is not None:
            plain = str(digit)
        elif kind == "Zs":
            plain = " "
        elif kind in ("Pd", "Cf"):
            plain = "-"
        elif not plain.isascii():
            plain = "a" if kind in ("Lu", "Ll", "Lt", "Mn") else character
        self[code] = plain
        return plain


_PLAIN = _PlainCharacters()


def _plain(text: str) -> str:
    """Of the same length."""
    return text if text.isascii() else text.translate(_PLAIN)


def _candidates(text: str) -> Iterator[Spot]:
    if "@" in text:
        yield from (Spot(*match.span(), "email") for match in _EMAIL.finditer(text))
    if text.count(":") >= 2:
        for match in _IPV6.finditer(text):
            written = match.group()
            written = written if written.endswith("::") else written.removesuffix(":")
            if _is_ipv6_in_use(written):
                yield Spot(match.start(), match.start() + len(written), "ip")
    if text.count(".") >= 3:
        for match in _IP.finditer(text):
            if all(int(part) < 256 for part in match.group().split(".")):
                yield Spot(*match.span(), "ip")
    if not _SEVEN_DIGITS.search(text):
        return
    for match in _IBAN.finditer(text):
        if _is_iban(match.group()):
            yield Spot(*match.span(), "iban")
    for match in _NUMBER.finditer(text):
        kind = _number_kind(match.group())
        if kind:
            yield Spot(*match.span(), kind)


def _is_ipv6_in_use(written: str) -> bool:
    try:
        address = IPv6Address(written)
    except AddressValueError:
        return False
    num_groups = sum(group != "" for group in written.split(":"))
    is_long = num_groups >= 3 or address.is_link_local or address.ipv4_mapped is not None
    return is_long and any(address in network for network in _IPV6_IN_USE)


def _number_kind(number: str) -> str | None:
    digits = "".join(character for character in number if character.isdigit())
    if 13 <= len(digits) <= 19 and _is_luhn(digits):
        return "card"
    is_written_as_phone = number[0] in "+(0" or number.count("-") + number.count(" ") >= 2
    if 8 <= len(digits) <= 15 and is_written_as_phone and not _DATE.match(number):
        return "phone"
    return None


def _is_luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_iban(written: str) -> bool:
    packed = written.replace(" ", "")
    if not 15 <= len(packed) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in packed[4:] + packed[:4])) % 97 == 1
