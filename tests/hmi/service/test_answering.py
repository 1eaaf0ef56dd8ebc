"""Answering, where a part that it waits for says nothing."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from hmi.base.clock import SystemClock
from hmi.base.errors import BudgetExceeded, BundleBroken, DeadlineExceeded, HmiError, StoreUnavailable
from hmi.engine.request import DocumentAnswer, EngineAnswer, EngineRequest, HplmRef
from hmi.model.tokenizer import EncodedTexts
from hmi.plot.ngram import Documents
from hmi.service.access import Grant, ServedVersion, Trial
from hmi.service.answering import LIVE, Answered, Answering
from hmi.service.event_spool import EventSpool
from hmi.service.plane import Plane
from tests.fakes.catalog import FakeCatalog
from tests.fakes.loop import on_a_loop
from wire.artifacts import AdapterFields, BundleRef
from wire.catalog import TrialKind
from wire.errors import ErrorCode
from wire.ids import BundleUri, Digest, RequestId, TrialId, VersionId
from wire.inference import Coverage, SpansAnswer
from wire.tasks import TaskKind
from wire.usage import ComparisonEvent

REF = BundleRef(BundleUri("x"), Digest("x"))


def granted(trial: Trial | None = None) -> Grant:
    """A key that may use a task, which serves REF."""
    catalog = FakeCatalog()
    catalog.add_key("key", "acme")
    catalog.deploy("acme", "reviews", adapter=REF, tree=REF)
    live = ServedVersion(HplmRef(REF, REF), VersionId("v"), 1)
    return Grant(catalog.keys["key"], catalog.tasks["acme", "reviews"], live, trial)


async def answered(answering: Answering, plane: object, grant: Grant, *, within_s: float = 60.0) -> Answered:
    """What is said of one text."""
    return await answering.answer(
        cast(Plane, plane),
        grant,
        ["text"],
        with_sets=False,
        deadline=SystemClock().monotonic() + within_s,
        request_id=RequestId("r"),
    )


class SilentPlane:
    """Its disk hangs: no adapter comes, and none is known."""

    def __init__(self) -> None:
        self.num_waiting = 0

    def known(self, hplm: HplmRef) -> AdapterFields | None:
        return None

    async def describe(self, hplm: HplmRef) -> Any:
        self.num_waiting += 1
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.num_waiting -= 1


@on_a_loop
async def test_a_model_that_does_not_come_is_waited_for_until_the_deadline() -> None:
    """It was waited for without end, beside all the limits on what is open."""
    plane = SilentPlane()
    with TemporaryDirectory() as folder:
        comparisons = EventSpool(Path(folder), ComparisonEvent, max_bytes=1000)
        answering = Answering(clock=SystemClock(), comparisons=comparisons)
        with pytest.raises(DeadlineExceeded):
            await answered(answering, plane, granted(), within_s=0.02)
    assert plane.num_waiting == 0


FIELDS = AdapterFields("identity", 0, 0.0, (), ("no", "yes"), 8, backbone=Digest("b"), tree=Digest("t"))
TRIED = BundleRef(BundleUri("tried"), Digest("tried"))


class PlaneWithoutTried:
    """The version on trial cannot be had; the other answers at once."""

    def __init__(self, error: HmiError) -> None:
        self._error = error

    def known(self, hplm: HplmRef) -> AdapterFields | None:
        return FIELDS if hplm.adapter == REF else None

    async def describe(self, hplm: HplmRef) -> Any:
        raise self._error

    async def encode(self, texts: list[str], max_tokens: int, *, with_words: bool) -> EncodedTexts:
        documents = Documents(np.zeros(2, np.int32), np.array([0, 2]))
        return EncodedTexts(documents, np.zeros(1, np.bool_), np.array([2]))

    def submit(self, request: EngineRequest) -> None:
        answer = DocumentAnswer(np.zeros((1, 2), np.float32), Coverage(1.0, 0.0, 0.0, 0.0))
        request.future.set_result(EngineAnswer([answer], 0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("error", "is_its_own"),
    [
        (StoreUnavailable("the store did not answer"), False),
        (BudgetExceeded("all is in use", needed_bytes=1, free_bytes=0, retryable=True), False),
        (HmiError(ErrorCode.INTERNAL, "no files are left", retryable=True), False),
        (BudgetExceeded("it never fits", needed_bytes=2, free_bytes=1), True),
        (BundleBroken("changed"), True),
        (HmiError(ErrorCode.BUNDLE_BROKEN, "not in the store", retryable=True), True),
    ],
)
def test_a_store_that_is_away_is_not_held_against_a_version_on_trial(
    error: HmiError, is_its_own: bool
) -> None:
    """Ten requests while it was away were enough for a good version to be rolled back."""
    trial = Trial(TrialId("t"), TrialKind.CANARY, 1.0, ServedVersion(HplmRef(TRIED, REF), VersionId("w"), 2))

    async def num_counted() -> int:
        with TemporaryDirectory() as folder:
            comparisons = EventSpool(Path(folder), ComparisonEvent, max_bytes=10_000)
            answering = Answering(clock=SystemClock(), comparisons=comparisons)
            said = await answered(answering, PlaneWithoutTried(error), granted(trial))
            await answering.settle()
            assert said.role == LIVE
            return sum(
                event.has_trial_failed for path in comparisons.seal() for event in comparisons.read(path)
            )

    assert asyncio.run(num_counted()) == is_its_own


class WatchedTexts(EncodedTexts):
    """Says which thread asked where their words are."""

    threads: ClassVar[list[threading.Thread]] = []

    def words_of(self, document: int) -> NDArray[np.int32] | None:
        self.threads.append(threading.current_thread())
        return super().words_of(document)


class PlaneOfSpans:
    """Answers texts of so many words with places, at once."""

    def __init__(self, num_words: int) -> None:
        places = np.arange(num_words, dtype=np.int32)[:, None] * 2 + np.array([0, 1], np.int32)
        self._words = np.concatenate((np.zeros((1, 2), np.int32), places, np.zeros((1, 2), np.int32)))

    def known(self, hplm: HplmRef) -> AdapterFields:
        return replace(FIELDS, kind=TaskKind.TOKEN_CLASSIFICATION, labels=("date",))

    async def encode(self, texts: list[str], max_tokens: int, *, with_words: bool) -> EncodedTexts:
        length = len(self._words)
        documents = Documents(np.zeros(length, np.int32), np.array([0, length]))
        return WatchedTexts(documents, np.zeros(1, np.bool_), np.array([length]), self._words)

    def submit(self, request: EngineRequest) -> None:
        outputs = np.zeros((len(self._words), 3), np.float32)
        outputs[:, 1] = np.arange(len(self._words)) % 2
        answer = DocumentAnswer(outputs, Coverage(1.0, 0.0, 0.0, 0.0))
        request.future.set_result(EngineAnswer([answer], 0.0, 0.0, 0.0))


@pytest.mark.parametrize(("num_words", "is_on_the_loop"), [(20, True), (500, False)])
def test_places_in_long_texts_are_found_beside_the_event_loop(num_words: int, is_on_the_loop: bool) -> None:
    """A request of 64 long texts stopped the service for most of a second, for everybody."""
    WatchedTexts.threads.clear()

    async def num_spans() -> int:
        with TemporaryDirectory() as folder:
            comparisons = EventSpool(Path(folder), ComparisonEvent, max_bytes=1000)
            answering = Answering(clock=SystemClock(), comparisons=comparisons)
            said = await answered(answering, PlaneOfSpans(num_words), granted())
            (answer,) = said.told
            assert isinstance(answer, SpansAnswer)
            return len(answer.spans)

    assert asyncio.run(num_spans()) == num_words // 2
    assert [thread is threading.main_thread() for thread in WatchedTexts.threads] == [is_on_the_loop]
