"""Do the texts of a dataset belong to several domains? Decided on words that the choice was not made by."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wire.ids import DomainId

LEAST_SHARE = 0.05
"""Of the texts, for a part of its own."""
LEAST_TEXTS = 10
LEAST_GAIN = 0.02
"""Share of its texts' tokens that a part's domain must answer more than the one domain for all."""
NUM_ERRORS = 3.0
"""Standard errors that the gain must lie above nothing."""

Shares = npt.NDArray[np.float64]
"""[num_texts]: of each text's tokens, those that a domain answers by a trigram or a bigram."""


@dataclass(frozen=True, slots=True)
class KnownTexts:
    """How much one domain knows of some texts, and of the first and the second half of each."""

    whole: Shares
    halves: tuple[Shares, Shares]


def halves(text: str) -> tuple[str, str]:
    """The text cut in two, near its middle and between two words where there are some."""
    middle = len(text) // 2
    at = text.find(" ", middle)
    at = at if at >= 0 else text.rfind(" ")
    at = at if at >= 0 else middle
    return text[:at], text[at:]


def parts_of(known: Mapping[DomainId, KnownTexts]) -> tuple[DomainId, ...]:
    """The domains that the texts should be split among, first the one that is best for all of them together;
    that one alone where they belong together, none where there is no domain.

    Short texts are answered by this domain or that by chance, and the best of several is always better than
    one. So every text is given a domain by its one half, and what it gains is looked at on the other.
    """
    if not known:
        return ()
    names = list(known)
    base = max(range(len(names)), key=lambda one: float(known[names[one]].whole.mean()))
    first, second = (np.stack([known[name].halves[half] for name in names]) for half in (0, 1))
    parts = [
        one
        for one in range(len(names))
        if one != base and _gains(one, base, [(first, second), (second, first)])
    ]
    return tuple(names[one] for one in (base, *parts))


def best_of(whole: Shares) -> npt.NDArray[np.intp]:
    """The part that knows most of each text: [num_texts], of ``whole`` [num_parts, num_texts]. What two know
    alike stays with the first."""
    best: npt.NDArray[np.intp] = whole.argmax(axis=0)
    return best


def _gains(one: int, base: int, ways: list[tuple[Shares, Shares]]) -> bool:
    """Do the texts that ``one`` is chosen for gain by it, over ``base``?"""
    gains = []
    for chosen_by, looked_at in ways:
        is_its = (chosen_by.argmax(axis=0) == one) & (chosen_by[one] > chosen_by[base])
        gains.append((looked_at[one] - looked_at[base])[is_its])
    gain = np.concatenate(gains)
    num_texts = ways[0][0].shape[1]
    if len(gain) / 2 < max(LEAST_SHARE * num_texts, LEAST_TEXTS):
        return False
    error = float(gain.std()) / len(gain) ** 0.5
    return bool(gain.mean() >= max(LEAST_GAIN, NUM_ERRORS * error))
