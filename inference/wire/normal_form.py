"""The Unicode form in which texts are compared."""

import re
import unicodedata
from functools import cache

_MAX_MARKS = 30
_STEP = _MAX_MARKS // 2
_CODES_WITH_MARKS = range(0x300, 0x1F000)
_JOINER = "\u034f"  # combining grapheme joiner: no mark is sorted past it


def normal_form(text: str) -> str:
    """NFKC, of a text in which few dozens of marks at most stand on one another (UAX 15, stream-safe format):
    the library sorts marks in time that grows with the square of their number."""
    two_side_by_side, many = _patterns()
    if two_side_by_side.search(text[::_STEP]):  # wherever there are many, and in few other texts
        text = many.sub(rf"\g<0>{_JOINER}", text)
    return unicodedata.normalize("NFKC", text)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    marks = f"[{''.join(filter(_is_mark, map(chr, _CODES_WITH_MARKS)))}]"
    return re.compile(f"{marks}{{2}}"), re.compile(f"{marks}{{{_MAX_MARKS}}}(?={marks})")


def _is_mark(character: str) -> bool:
    """Also one that the form takes apart into marks alone."""
    return all(map(unicodedata.combining, unicodedata.normalize("NFKD", character)))
