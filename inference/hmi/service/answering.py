"""Answers a request with the version that serves, or, of a task on trial, with two versions side by side."""

import asyncio
import hashlib
import uuid
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from hmi.base.clock import Clock
from hmi.base.errors import DeadlineExceeded, HmiError
from hmi.engine.request import EngineAnswer, EngineRequest, HplmRef
from hmi.kinds.agreement import agreement
from hmi.kinds.answers import answers_of
from hmi.model.tokenizer import EncodedTexts, Text
from hmi.service.access import Grant, ServedVersion, Trial
from hmi.service.event_spool import EventSpool
from hmi.service.inputs import check_inputs
from hmi.service.loop_calls import LoopCalls
from hmi.service.plane import Plane
from wire.artifacts import AdapterFields
from wire.catalog import TrialKind
from wire.errors import ErrorCode
from wire.ids import EventId, RequestId, TrialId
from wire.inference import Answer
from wire.usage import DIFFERENCE_BUCKETS, ComparisonEvent

LIVE, CANARY = "live", "canary"
MAX_TOKENS_AT_ONCE = 128
"""Of texts whose places are found on the event loop: of 64 texts of 500 words that took 0.7 s."""
_TELLING = {ErrorCode.BUNDLE_BROKEN, ErrorCode.DEADLINE_EXCEEDED}
"""Failures that are a version's own though trying again may help: its bundle is not in the store, or it did
not come in time."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the answer to one request is made of."""

    role: str  # LIVE or CANARY
    version: ServedVersion
    fields: AdapterFields
    encoded: EncodedTexts
    answer: EngineAnswer
    told: list[Answer]  # of each text


@dataclass(frozen=True, slots=True)
class _Asked:
    """One version that is to answer."""

    role: str
    version: ServedVersion
    fields: AdapterFields
    encoded: EncodedTexts
    request: EngineRequest

    async def answered(self, calls: LoopCalls) -> Answered:
        """Waits; cancelling it cancels the request. Raises HmiError."""
        answer = await calls.result(self.request.future)
        told = await _told(answer, self)
        return Answered(self.role, self.version, self.fields, self.encoded, answer, told)


class Answering:
    """Event loop only. A version on trial never makes a request wait for its loading, and never fails it."""

    def __init__(self, *, clock: Clock, comparisons: EventSpool[ComparisonEvent]) -> None:
        self._clock = clock
        self._comparisons = comparisons
        self._background: set[asyncio.Task[None]] = set()
        self._meeting: set[HplmRef] = set()
        self._calls: LoopCalls | None = None

    async def answer(
        self,
        plane: Plane,
        grant: Grant,
        texts: list[Text],
        *,
        with_sets: bool,
        deadline: float,
        request_id: RequestId,
    ) -> Answered:
        """``with_sets``: sets of labels will be read off it; a canary without thresholds for them leaves that
        to the live version. Raises HmiError. Cancelling it cancels what it asked for."""
        calls = self._loop_calls()
        fields = plane.known(grant.live.hplm)
        if fields is None:
            fields = await self._described(plane, grant.live.hplm, deadline)
        check_inputs(texts, fields)
        encoded = await _encoded(plane, texts, fields)
        live = _asked(LIVE, grant, grant.live, fields, encoded, deadline=deadline, request_id=request_id)
        trial = grant.trial
        if trial is None or not is_chosen(trial.id, trial.share, request_id):
            plane.submit(live.request)
            return await live.answered(calls)
        tried_fields = plane.known(trial.version.hplm)
        if tried_fields is None:
            self._meet(plane, grant, trial, num_texts=len(texts))
            plane.submit(live.request)
            return await live.answered(calls)
        if tried_fields.max_tokens != fields.max_tokens:
            encoded = await _encoded(plane, texts, tried_fields)
        tried = _asked(
            CANARY, grant, trial.version, tried_fields, encoded, deadline=deadline, request_id=request_id
        )
        plane.submit(live.request, beside=tried.request)
        self._in_background(self._compare(grant, trial, live, tried))
        may_answer = trial.kind is TrialKind.CANARY and (tried_fields.label_set_thresholds or not with_sets)
        try:
            return await (_first_of(tried, live, calls) if may_answer else live.answered(calls))
        except asyncio.CancelledError:
            live.request.future.cancel()
            tried.request.future.cancel()
            raise

    async def _described(self, plane: Plane, hplm: HplmRef, deadline: float) -> AdapterFields:
        try:
            async with asyncio.timeout(deadline - self._clock.monotonic()):
                return await plane.describe(hplm)
        except TimeoutError as exc:
            raise DeadlineExceeded("the version that serves this task could not be loaded in time") from exc

    def _loop_calls(self) -> LoopCalls:
        if self._calls is None:
            self._calls = LoopCalls(asyncio.get_running_loop())
        return self._calls

    async def settle(self) -> None:
        """Until every comparison under way is counted."""
        while self._background:
            await asyncio.gather(*self._background, return_exceptions=True)

    def _meet(self, plane: Plane, grant: Grant, trial: Trial, *, num_texts: int) -> None:
        """Load the version on trial beside the requests; one that cannot be loaded has failed this one."""
        hplm = trial.version.hplm
        if hplm not in self._meeting:
            self._meeting.add(hplm)
            self._in_background(self._describe(plane, grant, trial, num_texts))

    async def _describe(self, plane: Plane, grant: Grant, trial: Trial, num_texts: int) -> None:
        try:
            await plane.describe(trial.version.hplm)
        except HmiError as error:
            if _is_its_fault(error):
                self._count(grant, trial, num_texts=num_texts, has_trial_failed=True)
        finally:
            self._meeting.discard(trial.version.hplm)

    async def _compare(self, grant: Grant, trial: Trial, live: _Asked, tried: _Asked) -> None:
        ends = [await _ended(asked.request.future) for asked in (live, tried)]
        failures = [end for end in ends if isinstance(end, BaseException)]
        if not all(_is_its_fault(failure) for failure in failures):
            return  # the caller hung up, or there was no room: that tells nothing of the versions
        num_texts = live.request.num_documents
        if failures:
            has_live_failed, has_trial_failed = (isinstance(end, BaseException) for end in ends)
            self._count(
                grant,
                trial,
                num_texts=num_texts,
                has_live_failed=has_live_failed,
                has_trial_failed=has_trial_failed,
            )
            return
        answers = [end for end in ends if isinstance(end, EngineAnswer)]
        difference = compare(await _told(answers[0], live), await _told(answers[1], tried))
        self._count(grant, trial, num_texts=num_texts, difference=difference, answers=answers)

    def _count(
        self,
        grant: Grant,
        trial: Trial,
        *,
        num_texts: int,
        has_live_failed: bool = False,
        has_trial_failed: bool = False,
        difference: "Difference | None" = None,
        answers: list[EngineAnswer] | None = None,
    ) -> None:
        live_ms, trial_ms = [_total_ms(answer) for answer in answers] if answers else (0.0, 0.0)
        self._comparisons.append(
            ComparisonEvent(
                id=EventId(str(uuid.uuid4())),
                tenant_id=grant.task.tenant_id,
                trial_id=trial.id,
                created_at=self._clock.now(),
                num_texts=num_texts,
                has_live_failed=has_live_failed,
                has_trial_failed=has_trial_failed,
                num_agreed=difference.num_agreed if difference else 0,
                live_ms=live_ms,
                trial_ms=trial_ms,
                difference=difference.total if difference else 0.0,
                difference_counts=difference.counts if difference else (),
            )
        )

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two versions' answers to the same texts are apart."""

    num_agreed: int
    total: float  # sum over texts of |score of the first one's label, first - second|
    counts: tuple[int, ...]  # texts by that difference, DIFFERENCE_BUCKETS


def answers_told(answer: EngineAnswer, fields: AdapterFields, encoded: EncodedTexts) -> list[Answer]:
    """What each text is answered."""
    kind = answers_of(fields.kind)
    return [
        kind.answer(document.outputs, fields, encoded.words_of(place))
        for place, document in enumerate(answer.documents)
    ]


async def _told(answer: EngineAnswer, asked: _Asked) -> list[Answer]:
    """As answers_told(), on another thread where that takes long: the loop is everybody's."""
    reads_tokens = answers_of(asked.fields.kind).reads_tokens
    if reads_tokens and asked.encoded.documents.num_tokens > MAX_TOKENS_AT_ONCE:
        return await asyncio.to_thread(answers_told, answer, asked.fields, asked.encoded)
    return answers_told(answer, asked.fields, asked.encoded)


def compare(first: Sequence[Answer], second: Sequence[Answer]) -> Difference:
    """Labels are compared by name: the versions may have been trained on different ones."""
    found = [agreement(one, other) for one, other in zip(first, second, strict=True)]
    differences = np.array([each.difference for each in found])
    counts, _ = np.histogram(differences, bins=DIFFERENCE_BUCKETS, range=(0.0, 1.0))
    num_agreed = sum(each.agrees for each in found)
    return Difference(num_agreed, float(differences.sum()), tuple(counts.tolist()))


def is_chosen(trial_id: TrialId, share: float, request_id: RequestId) -> bool:
    """Is the request one of the ``share`` that the trial gets? The same id always gets the same answer."""
    drawn = hashlib.sha256(f"{trial_id} {request_id}".encode()).digest()
    return int.from_bytes(drawn[:8]) < share * 2**64


def _asked(
    role: str,
    grant: Grant,
    version: ServedVersion,
    fields: AdapterFields,
    encoded: EncodedTexts,
    *,
    deadline: float,
    request_id: RequestId,
) -> _Asked:
    request = EngineRequest(
        request_id=request_id,
        tenant_id=grant.task.tenant_id,
        task_id=grant.task.task_id,
        hplm=version.hplm,
        documents=encoded.documents,
        deadline=deadline,
        coverage_floor=grant.task.coverage_floor or 0.0,
        weight=grant.limit.weight if grant.limit is not None else 1.0,
    )
    return _Asked(role, version, fields, encoded, request)


async def _encoded(plane: Plane, texts: list[Text], fields: AdapterFields) -> EncodedTexts:
    reads_tokens = answers_of(fields.kind).reads_tokens
    return await plane.encode(texts, fields.max_tokens, with_words=reads_tokens)


async def _first_of(canary: _Asked, live: _Asked, calls: LoopCalls) -> Answered:
    try:
        return await canary.answered(calls)
    except HmiError:
        return await live.answered(calls)


async def _ended(future: "Future[EngineAnswer]") -> EngineAnswer | BaseException:
    """How a request ended, without a hold on it: cancelling the wait does not cancel the request."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    future.add_done_callback(lambda _: loop.call_soon_threadsafe(_set_done, done))
    await done
    if future.cancelled():
        return asyncio.CancelledError()
    return future.exception() or future.result()


def _set_done(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)


def _is_its_fault(failure: BaseException) -> bool:
    """Whether a failure says anything of the version: a store that is away, or memory that is full, does
    not."""
    return isinstance(failure, HmiError) and (not failure.retryable or failure.code in _TELLING)


def _total_ms(answer: EngineAnswer) -> float:
    return answer.queue_ms + answer.retrieve_ms + answer.compute_ms
