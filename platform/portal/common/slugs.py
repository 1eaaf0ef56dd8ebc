"""Short names for addresses, made from names for people."""

from collections.abc import Callable

from django.core.validators import RegexValidator
from django.utils.text import slugify

from portal.common.errors import InvalidField

MAX_SLUG_CHARS = 63
is_slug = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z", "Use lower-case letters, digits and hyphens, at most 63."
)


def slug_from(name: str, *, is_taken: Callable[[str], bool]) -> str:
    """A free slug for ``name``: its letters and digits, and a number where that is taken."""
    base = slugify(name)[: MAX_SLUG_CHARS - 5].strip("-_").replace("_", "-")
    if not base:
        raise InvalidField(
            "slug", "The name has no letter or digit that an address can have: give a slug as well."
        )
    slug, number = base, 2
    while is_taken(slug):
        slug, number = f"{base}-{number}", number + 1
    return slug
