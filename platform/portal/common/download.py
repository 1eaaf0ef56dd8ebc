"""Files as answers, a piece at a time: Django alone would hold a whole file in memory under ASGI."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from portal.common.errors import PortalError
from portal.common.exception_handler import answer
from wire.errors import ErrorCode

_FROM = re.compile(r"bytes=([0-9]{1,18})-")


class Download(StreamingHttpResponse):
    """Sends ``pieces`` under ``file_name``; they are made on another thread, one at a time."""

    def __init__(self, pieces: Iterator[bytes], *, file_name: str, content_type: str) -> None:
        self._pieces = pieces
        super().__init__(pieces, content_type=content_type)
        disposition = content_disposition_header(True, file_name)
        assert disposition is not None
        self.headers["Content-Disposition"] = disposition
        # Whatever a tenant's file holds, a browser keeps it and does not show it.
        self.headers["X-Content-Type-Options"] = "nosniff"

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._in_threads()

    async def _in_threads(self) -> AsyncIterator[bytes]:
        while (piece := await asyncio.to_thread(next, self._pieces, None)) is not None:
            yield piece


def resumable(
    request: Request,
    pieces: Callable[[int], Iterator[bytes]],
    *,
    num_bytes: int,
    tag: str,
    file_name: str,
    content_type: str,
) -> HttpResponseBase:
    """``pieces`` from the byte on that the request asks for. One who has the beginning of what had another
    tag is given the whole, and so is one who asks for other parts than all the rest."""
    start = _start(request, tag)
    if start >= num_bytes:
        refused = answer(
            PortalError(
                f"There are {num_bytes:,} bytes: ask for them from one below {num_bytes:,} on.",
                code=ErrorCode.RANGE_NOT_SATISFIABLE,
            )
        )
        refused.headers["Content-Range"] = f"bytes */{num_bytes}"
        return refused
    download = Download(pieces(start), file_name=file_name, content_type=content_type)
    download.headers["Accept-Ranges"] = "bytes"
    download.headers["Content-Length"] = str(num_bytes - start)
    download.headers["ETag"] = tag
    if start:
        download.status_code = 206
        download.headers["Content-Range"] = f"bytes {start}-{num_bytes - 1}/{num_bytes}"
    return download


def _start(request: Request, tag: str) -> int:
    asked = _FROM.fullmatch(request.headers.get("Range", ""))
    return int(asked[1]) if asked and request.headers.get("If-Range", tag) == tag else 0
