"""Remembers a number of each of many texts, in 21 to 43 bytes each; a dictionary takes over 100."""

from array import array

_FIRST_PLACES = 1 << 12
_LOAD_OF_FOUR = 3  # places that are taken, of four, before there are twice as many


class SeenTexts:
    """A table of keys that are hashes already (64 bits), each with the first value it was given (64 bits).

    Open addressing, linear probing; a place whose key is 0 is free, so that a key of 0 counts as 1::

        | key 0 | key 1 | ... |      | value 0 | value 1 | ... |
    """

    def __init__(self) -> None:
        self._keys = array("Q", bytes(8 * _FIRST_PLACES))
        self._values = array("Q", bytes(8 * _FIRST_PLACES))
        self._num_texts = 0

    def __len__(self) -> int:
        return self._num_texts

    def get(self, key: int) -> int | None:
        """The first value of ``key``; None: it has none."""
        place = self._place(key)
        return self._values[place] if self._keys[place] else None

    def add(self, key: int, value: int) -> None:
        """Keep ``value``, unless ``key`` has one."""
        place = self._place(key)
        if self._keys[place]:
            return
        self._keys[place], self._values[place] = key or 1, value
        self._num_texts += 1
        if 4 * self._num_texts > _LOAD_OF_FOUR * len(self._keys):
            self._grow()

    def _place(self, key: int) -> int:
        """Where the key is, or would be."""
        keys, key = self._keys, key or 1
        last = len(keys) - 1
        place = key & last
        while keys[place] and keys[place] != key:
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        keys, values = self._keys, self._values
        self._keys = array("Q", bytes(16 * len(keys)))
        self._values = array("Q", bytes(16 * len(values)))
        for key, value in zip(keys, values, strict=True):
            if key:
                place = self._place(key)
                self._keys[place], self._values[place] = key, value
