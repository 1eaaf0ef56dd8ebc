"""What must not enter a node that tenants share: n-grams of personal data, and those too few tenants have."""

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from hmi.plot.ngram import CODE_BITS, FIRST_TOKEN, Rung, rows_among, rung_start

MIN_DIGITS = 3
"""An n-gram with so many digits may be part of a number that names somebody: telephone, account, postcode."""
_WEB_PIECES = {"http", "https", "www", "://", "mailto"}
_TOP_LEVEL = {"com", "org", "net", "edu", "gov", "info", "biz", "de", "uk", "eu", "fr", "io"}


class PersonalPieces:
    """Recognises n-grams by their keys: digit runs, e-mail addresses, URLs, telephone numbers.

    An n-gram with a marked one inside it is marked as well, so what is left is closed under shortening. Words
    of an address that stand apart from its signs cannot be told from other words here: they are known where
    the text is, when it is counted (Documents.in_span). This is the second wall behind that.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        """``pieces`` are the vocabulary's, by token id; WordPiece's ``##`` does not matter."""
        plain = [piece.removeprefix("##").lower() for piece in pieces]
        self._digits = np.array([0] * FIRST_TOKEN + [sum(map(str.isdigit, piece)) for piece in plain])
        self._is_address = _by_code("@" in piece or piece in _WEB_PIECES for piece in plain)
        self._is_dot = _by_code(piece == "." for piece in plain)
        self._is_top_level = _by_code(piece in _TOP_LEVEL for piece in plain)
        self._is_slash = _by_code(piece == "/" for piece in plain)

    def marks(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Which of the centred keys are of personal data, [n]."""
        mask = np.uint64((1 << CODE_BITS) - 1)
        a, b, c = (((keys >> np.uint64(shift * CODE_BITS)) & mask).astype(np.int64) for shift in (2, 1, 0))
        digits = self._digits[a] + self._digits[b] + self._digits[c]
        marked: npt.NDArray[np.bool_] = digits >= MIN_DIGITS
        marked |= self._is_address[a] | self._is_address[b] | self._is_address[c]
        for first, second in ((a, b), (b, c)):
            marked |= self._is_dot[first] & self._is_top_level[second]
            marked |= self._is_slash[first] & self._is_slash[second]
        return marked

    def may_stand(
        self, keys: npt.NDArray[np.uint64], outside: npt.NDArray[np.int64], min_count: int
    ) -> npt.NDArray[np.bool_]:
        """Which centred n-grams of an operator's text a node that tenants share may have: those that occur
        often enough ``outside`` of spans, and are not marked. A bare token is a piece of the vocabulary,
        which everybody has: it names nobody, and is not held back for its digits or signs."""
        is_token = keys >= rung_start(Rung.UNIGRAM)
        return np.where(is_token, outside > 0, (outside >= min_count) & ~self.marks(keys))


def enough_tenants(
    keys: npt.NDArray[np.uint64],
    contributed: Iterable[tuple[Hashable | None, Sequence[npt.NDArray[np.uint64]]]],
    min_tenants: int,
) -> npt.NDArray[np.bool_]:
    """Which ``keys`` at least ``min_tenants`` different tenants have, or the operator's own text (None).

    ``contributed``: the sorted keys of each tenant's segments, every tenant once.
    """
    num_tenants = np.zeros(len(keys), np.int64)
    of_operator = np.zeros(len(keys), np.bool_)
    for tenant, segments in contributed:
        has = np.zeros(len(keys), np.bool_)
        for own in segments:
            has |= rows_among(keys, own) >= 0
        if tenant is None:
            of_operator = has
        else:
            num_tenants += has
    return of_operator | (num_tenants >= min_tenants)


def _by_code(is_such: Iterable[bool]) -> npt.NDArray[np.bool_]:
    """Of each code: wildcard and boundary first, which are nothing."""
    return np.array([False] * FIRST_TOKEN + list(is_such), np.bool_)
