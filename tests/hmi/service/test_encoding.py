"""Texts of several callers are tokenised together, and each as if it were alone."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from hmi.base.errors import InvalidInput
from hmi.model.tokenizer import EncodedTexts, Text, Tokenizer
from hmi.service.encoding import MAX_CHARS_AT_ONCE, JointEncoding
from tests.fakes.loop import on_a_loop
from tests.tiny.backbone import tiny_tokenizer

TOKENIZER = Tokenizer(tiny_tokenizer())
NOT_UNICODE = "bad \ud800"


def told(encoded: EncodedTexts) -> tuple[list[int], list[int], list[bool]]:
    documents = encoded.documents
    return documents.token_ids.tolist(), documents.offsets.tolist(), encoded.truncated.tolist()


@on_a_loop
async def test_texts_that_come_together_are_encoded_as_if_they_were_alone() -> None:
    asked: list[tuple[list[Text], int]] = [
        (["the film was good"], 16),
        (["good " * 9, "bad"], 5),
        ([("good", "bad bad bad")], 6),
        (["film " * MAX_CHARS_AT_ONCE], 16),
    ]
    with ThreadPoolExecutor(1) as threads:
        joint = JointEncoding(TOKENIZER, threads)
        encoded = await asyncio.gather(*(joint.encode(*each, with_words=False) for each in asked))
    assert [told(each) for each in encoded] == [told(TOKENIZER.encode(*each)) for each in asked]


@on_a_loop
async def test_words_are_told_where_asked_for() -> None:
    with ThreadPoolExecutor(1) as threads:
        joint = JointEncoding(TOKENIZER, threads)
        encoded = await joint.encode(["Good film"], 16, with_words=True)
    words = encoded.words_of(0)
    assert words is not None
    assert words.tolist() == [[0, 0], [0, 4], [5, 9], [0, 0]]


@on_a_loop
async def test_a_text_that_is_refused_fails_its_caller_alone() -> None:
    asked = [["good"], [NOT_UNICODE], ["bad"], [NOT_UNICODE * MAX_CHARS_AT_ONCE]]
    with ThreadPoolExecutor(1) as threads:
        joint = JointEncoding(TOKENIZER, threads)
        ends = await asyncio.gather(
            *(joint.encode(texts, 16, with_words=False) for texts in asked), return_exceptions=True
        )
    assert [isinstance(end, EncodedTexts) for end in ends] == [True, False, True, False]
    assert [end.param for end in ends if isinstance(end, InvalidInput)] == ["inputs", "inputs"]


@on_a_loop
async def test_who_hangs_up_is_not_waited_for() -> None:
    with ThreadPoolExecutor(1) as threads:
        joint = JointEncoding(TOKENIZER, threads)
        gone = asyncio.ensure_future(joint.encode(["good"], 16, with_words=False))
        stays = asyncio.ensure_future(joint.encode(["bad"], 16, with_words=False))
        await asyncio.sleep(0)
        gone.cancel()
        assert told(await stays) == told(TOKENIZER.encode(["bad"], 16))
        assert gone.cancelled()
