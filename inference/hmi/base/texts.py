"""What counts as the same text, everywhere: in splits, in segments, when a text is left out."""

import unicodedata


def normalised(text: str) -> str:
    """Unicode form, case and white space do not matter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
