"""Which errors mean that memory is lacking, whoever raised them."""

import errno

_WORDS = ("not enough memory", "out of memory", "allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Torch says so in words alone, in other ones for each device."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or any(words in str(error) for words in _WORDS)
