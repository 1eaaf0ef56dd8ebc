"""What counts as the same text, everywhere: in splits, in segments, when a text is left out."""

from wire.normal_form import normal_form


def normalised(text: str) -> str:
    """Unicode form, case and white space do not matter."""
    return " ".join(normal_form(text).casefold().split())
