"""Files as answers, a piece at a time: Django alone would hold a whole file in memory under ASGI."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header


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
