"""What callers sent takes no more of the host tier than its part, and nobody takes all of it."""

import asyncio
import json
import tracemalloc
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmi.base.errors import InvalidInput, QueueFull
from hmi.memory.budget import Budget
from hmi.memory.tier import MemoryTier
from hmi.service.convert import asked_of
from hmi.service.request_room import COPIES, REQUESTS, OpenRequest, RequestRoom
from tests.fakes.settings import service_settings
from tests.hmi.service.service_world import ACME, GLOBEX, Service, running
from tests.tiny.store import TinyStore
from wire.ids import TenantId

ACME_ID, GLOBEX_ID = TenantId("acme"), TenantId("globex")
MAX_BYTES = 1000 * COPIES


def a_room() -> RequestRoom:
    return RequestRoom(Budget(MemoryTier.HOST, 2 * MAX_BYTES), max_bytes=MAX_BYTES)


def test_its_part_of_the_host_tier_is_reserved_at_once() -> None:
    host = Budget(MemoryTier.HOST, 2 * MAX_BYTES)
    assert RequestRoom(host, max_bytes=MAX_BYTES).max_body_bytes == 1000
    assert host.used_by_kind() == {REQUESTS: MAX_BYTES}


def test_one_that_is_alone_may_take_all_of_it_and_gives_it_back() -> None:
    room = a_room()
    with room.hold(ACME_ID) as held:
        held.grow(400)
        held.grow(1000)
        assert room.used_bytes == MAX_BYTES
        with pytest.raises(InvalidInput) as refused:
            held.grow(1001)
        assert refused.value.code.value == "body_too_large"
        assert "1000 bytes" in refused.value.message
        assert room.used_bytes == MAX_BYTES
    assert room.used_bytes == 0


def test_a_tenant_takes_a_fifth_by_many_requests_and_another_still_finds_room() -> None:
    room = a_room()
    with ExitStack() as open_ones:
        num_open = 0
        while True:
            held = open_ones.enter_context(room.hold(ACME_ID))
            try:
                held.grow(20)
            except QueueFull as full:
                assert full.retry_after_s > 0
                assert f"yours {room.used_bytes} bytes" in full.message
                break
            num_open += 1
        assert 0.15 < room.used_bytes / MAX_BYTES < 0.25, num_open
        open_ones.enter_context(room.hold(GLOBEX_ID)).grow(700)
        with pytest.raises(QueueFull) as refused:
            held.grow(20)
        assert str(room.used_bytes) not in refused.value.message, "what others use is not told"
    assert room.used_bytes == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc"), st.integers(0, 1200)), max_size=60))
def test_it_is_never_more_than_its_part(steps: list[tuple[int, str, int]]) -> None:
    room = a_room()
    held: dict[int, tuple[ExitStack, OpenRequest]] = {}
    for number, tenant, size in steps:
        if number in held and size % 3 == 0:
            held.pop(number)[0].close()
            continue
        if number not in held:
            stack = ExitStack()
            held[number] = stack, stack.enter_context(room.hold(TenantId(tenant)))
        request = held[number][1]
        before = request.num_bytes
        try:
            request.grow(max(size, before // COPIES))
        except (QueueFull, InvalidInput):
            assert request.num_bytes == before
        assert room.used_bytes == sum(each.num_bytes for _, each in held.values()) <= MAX_BYTES
    for stack, _ in held.values():
        stack.close()
    assert room.used_bytes == 0


@pytest.mark.parametrize("text", ["a" * 49_000 + "\U0001f600", "é" * 50_000, "a" * 50_000])
def test_a_body_takes_no_more_than_is_counted(text: str, tmp_path: Path) -> None:
    settings = service_settings("file:///nowhere", tmp_path)
    content = json.dumps({"inputs": [text] * 8}, ensure_ascii=False).encode()
    tracemalloc.start()
    try:
        body = bytes(bytearray(content))
        asked = asked_of(body, settings)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(asked.texts) == 8
    assert peak <= COPIES * len(content)


# Over HTTP

PATH = "/v1/tasks/{}/predict"


def scope_of(key: str, task: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": PATH.format(task),
        "headers": [(b"authorization", f"Bearer {key}".encode()), (b"content-type", b"application/json")],
    }


class Sender:
    """A caller that sends its body in pieces, when it is told to."""

    def __init__(self, key: str, task: str) -> None:
        self._scope = scope_of(key, task)
        self.pieces: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue()
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        body, is_more = await self.pieces.get()
        return {"type": "http.request", "body": body, "more_body": is_more}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def begin(self, app: Any) -> "asyncio.Task[None]":
        async def ask() -> None:
            await app(self._scope, self.receive, self.send)

        return asyncio.create_task(ask())

    @property
    def answer(self) -> tuple[int, str]:
        body = json.loads(self.sent[1]["body"])
        return self.sent[0]["status"], body["error"]["code"] if "error" in body else ""


def on_its_loop(service: Service, drive: Any) -> None:
    assert service.client.portal is not None
    service.client.portal.call(drive, service.client.app)


def test_bodies_that_do_not_end_keep_nobody_out(tiny_store: TinyStore, tmp_path: Path) -> None:
    async def drive(app: Any) -> None:
        slow = [Sender(ACME, "reviews") for _ in range(4)]
        asking = [sender.begin(app) for sender in slow]
        for sender in slow:
            for _ in range(3):
                sender.pieces.put_nowait((b" " * 20_000, True))
        while any(sender.pieces.qsize() for sender in slow if not sender.sent):
            await asyncio.sleep(0)
        refused = [sender.answer for sender in slow if sender.sent]
        assert refused and set(refused) == {(429, "queue_full")}, "one tenant does not take it all"
        other = Sender(GLOBEX, "prices")
        other.pieces.put_nowait((json.dumps({"inputs": ["the film was good"]}).encode(), False))
        await other.begin(app)
        assert other.answer == (200, "")
        for sender in slow:
            sender.pieces.put_nowait((b"no JSON", False))
        await asyncio.gather(*asking)
        assert {sender.answer[0] for sender in slow} == {400, 429}

    with running(tiny_store, tmp_path) as service:
        on_its_loop(service, drive)
        assert "hmi_open_request_bytes 0.0" in service.client.get("/metrics").text


def test_a_body_that_comes_too_late_is_given_up(tiny_store: TinyStore, tmp_path: Path) -> None:
    sender = Sender(ACME, "reviews")

    async def drive(app: Any) -> None:
        sender.pieces.put_nowait((b"{", True))
        await sender.begin(app)

    with running(tiny_store, tmp_path, request_deadline_s=0.2) as service:
        on_its_loop(service, drive)
        assert sender.answer == (504, "deadline_exceeded")
        assert "hmi_open_request_bytes 0.0" in service.client.get("/metrics").text


def test_a_small_host_tier_takes_smaller_bodies(tiny_store: TinyStore, tmp_path: Path) -> None:
    with running(tiny_store, tmp_path) as service:
        response = service.predict(b" " * 300_000)
        assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large")
        assert service.predict().status_code == 200
