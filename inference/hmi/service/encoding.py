"""Tokenises what the callers of a moment sent: short texts together, long ones on another thread."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from hmi.base.errors import InvalidInput
from hmi.model.tokenizer import EncodedTexts, Text, Tokenizer

MAX_CHARS_AT_ONCE = 500
"""Of texts that are tokenised on the event loop: to reach another thread and come back takes longer than they
do (150 microseconds)."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    texts: Sequence[Text]
    max_tokens: int
    encoded: "asyncio.Future[EncodedTexts]"


class JointEncoding:
    """Event loop only. The short texts of all requests that the loop found in one go are one call of the
    library: at each call the loop gives the interpreter up, and waits to have it again.
    """

    def __init__(self, tokenizer: Tokenizer, threads: Executor) -> None:
        self._tokenizer = tokenizer
        self._threads = threads
        self._waiting: list[_Waiting] = []

    async def encode(self, texts: Sequence[Text], max_tokens: int, *, with_words: bool) -> EncodedTexts:
        """See Tokenizer.encode. Raises InvalidInput for these texts alone."""
        loop = asyncio.get_running_loop()
        is_long = sum(map(_num_chars, texts)) > MAX_CHARS_AT_ONCE
        if is_long or with_words:
            encode = partial(self._tokenizer.encode, texts, max_tokens, with_words=with_words)
            try:
                return await loop.run_in_executor(self._threads, encode) if is_long else encode()
            except InvalidInput as exc:
                raise _of_inputs(exc) from exc
        encoded: asyncio.Future[EncodedTexts] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._encode_waiting)
        self._waiting.append(_Waiting(texts, max_tokens, encoded))
        return await encoded

    def _encode_waiting(self) -> None:
        waiting = [each for each in self._waiting if not each.encoded.done()]  # the others hung up
        self._waiting = []
        try:
            encoded = self._tokenizer.encode_each([(each.texts, each.max_tokens) for each in waiting])
        except Exception:  # noqa: BLE001 one bad request fails alone
            for each in waiting:
                self._encode_alone(each)
            return
        for each, texts in zip(waiting, encoded, strict=True):
            each.encoded.set_result(texts)

    def _encode_alone(self, waiting: _Waiting) -> None:
        try:
            waiting.encoded.set_result(self._tokenizer.encode(waiting.texts, waiting.max_tokens))
        except InvalidInput as exc:
            waiting.encoded.set_exception(_of_inputs(exc))
        except Exception as exc:  # noqa: BLE001 a bug: whoever waits is told
            waiting.encoded.set_exception(exc)


def _of_inputs(error: InvalidInput) -> InvalidInput:
    return InvalidInput(error.message, param="inputs")


def _num_chars(text: Text) -> int:
    return len(text) if isinstance(text, str) else sum(map(len, text))
