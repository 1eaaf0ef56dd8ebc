"""Writes down what becomes of every row: kept, left out by wish, or unusable. Nothing is dropped silently."""

from collections.abc import Iterable

from portal.datasets.findings import RowTally


class Ledger:
    """Rows read = rows kept + rows left out + rows unusable; oddities are tallied by their finding's code."""

    def __init__(self, drop: frozenset[str]) -> None:
        self._drop = drop
        self.found: dict[str, RowTally] = {}
        self.left_out: dict[str, RowTally] = {}
        self.num_read = 0
        self.num_kept = 0
        self.num_unusable = 0

    def leaves_out(self, codes: Iterable[str], row: int) -> bool:
        """Is the row one that the version's fixes leave out? Then it is counted under the first such code."""
        for code in codes:
            if code in self._drop:
                self.leave_out(code, row)
                return True
        return False

    def leave_out(self, code: str, row: int) -> None:
        """Count a row that the version's fixes leave out."""
        self.left_out.setdefault(code, RowTally()).add(row)

    def note(self, code: str, row: int, value: str = "") -> None:
        """Count an oddity of a row, whatever becomes of it."""
        self.found.setdefault(code, RowTally()).add(row, value)

    def unusable(self, code: str, row: int, value: str = "") -> None:
        """Count a row that cannot be used for one reason; left out when that is what the fixes ask."""
        if not self.leaves_out((code,), row):
            self.note(code, row, value)
            self.num_unusable += 1

    def check_integrity(self) -> None:
        """Does the sum come out?"""
        num_left_out = sum(tally.num_rows for tally in self.left_out.values())
        assert self.num_read == self.num_kept + num_left_out + self.num_unusable
