"""How long synthetic texts are."""

from enum import Enum


class Lengths(Enum):
    """Tokens of one text."""

    NORMAL = "normal"  # mean 32, deviation 8
    LOGNORMAL = "lognormal"  # half are under 40, 99 in 100 under 128
