"""Forms of a text: what counts as the same, and what it was before a wrong decoding."""

import re

from wire.normal_form import normal_form

_NO_LETTERS = re.compile(r"[\W_]+")
_ASCII_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalnum())
_FOREIGN_RUN = re.compile(r"[^\x00-\x7f]{2,}")


def normalised(text: str) -> str:
    """What a training's split counts as the same text: Unicode form, case and white space do not matter."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(normal_form(text).casefold().split())


def letters_of(normal: str) -> str:
    """The letters and digits of a normalised text; the whole of one that has none."""
    if normal.isascii():  # some ten times as fast
        return normal.encode().translate(None, _ASCII_NO_LETTERS).decode() or normal
    return _NO_LETTERS.sub("", normal) or normal


def repaired(text: str) -> str:
    """``text`` with UTF-8 that was read as Windows-1252 ("Ã©") put right ("é"); all else stays."""
    return text if text.isascii() else _FOREIGN_RUN.sub(_repaired_run, text)


def repairs(text: str) -> list[tuple[int, int, str]]:
    """Where ``repaired`` puts something right: first character, the one after the last, what stands there
    then."""
    if text.isascii():
        return []
    runs = ((match, _repaired_run(match)) for match in _FOREIGN_RUN.finditer(text))
    return [(*match.span(), right) for match, right in runs if right != match.group()]


def _repaired_run(match: re.Match[str]) -> str:
    run = match.group()
    try:
        return b"".join(map(_byte_of, run)).decode()
    except (UnicodeEncodeError, UnicodeDecodeError):
        return run


def _byte_of(character: str) -> bytes:
    if "\x80" <= character <= "\x9f":  # holes of Windows-1252, which decoders pass through
        return character.encode("latin-1")
    return character.encode("cp1252")
