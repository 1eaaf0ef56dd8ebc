"""The platform as a Python program sees it: upload, train, deploy, predict."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hmi_client import operations
from hmi_client.errors import ApiError, ClientError
from hmi_client.operations import Operation
from hmi_client.transport import Transport

CHUNK_BYTES = 4 << 20
POLL_S = 1.0
ENDED = ("succeeded", "failed", "cancelled")
Json = dict[str, Any]
OnProgress = Callable[[float], None]
"""Called with the share that is done, from 0 to 1."""


class Client:
    """Calls one tenant's part of an installation. Answers are as docs/api.md has them."""

    def __init__(
        self, transport: Transport, tenant: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._transport = transport
        self._tenant = tenant
        self._sleep = sleep

    def tenant(self) -> Json:
        """The tenant; raises ApiError when the key is not good for it."""
        return self._call(operations.TENANT_GET)

    def upload(
        self,
        file: Path,
        *,
        name: str | None = None,
        text_column: str | None = None,
        label_column: str | None = None,
        on_progress: OnProgress = lambda _share: None,
    ) -> Json:
        """Send ``file`` in chunks and wait for the doctor's report: the dataset, ``ready`` or ``blocked``.

        Goes on with an upload of the same file that was cut off, of this program or another one.
        """
        num_bytes = file.stat().st_size
        upload = self._begun(file.name, num_bytes) or self._call(
            operations.UPLOAD_BEGIN,
            body={
                "file_name": file.name,
                "num_bytes": num_bytes,
                "sha256": _sha256(file),
                **_given(name=name, text_column=text_column, label_column=label_column),
            },
            is_repeatable=False,
        )
        offset = int(upload["offset"])
        with file.open("rb") as opened:
            while offset < num_bytes:
                on_progress(offset / num_bytes)
                opened.seek(offset)
                offset = self._append(upload["id"], offset, opened.read(CHUNK_BYTES))
        on_progress(1.0)
        dataset = self._call(operations.UPLOAD_DATASET, upload=upload["id"])
        while dataset["state"] == "checking":
            self._sleep(POLL_S)
            dataset = self.dataset(dataset["id"])
        return dataset

    def dataset(self, dataset: str) -> Json:
        """One dataset with its report."""
        return self._call(operations.DATASET_GET, dataset=dataset)

    def train(self, task: str, dataset: str) -> Json:
        """Start a training."""
        return self._call(
            operations.TRAINING_START, task=task, body={"dataset": dataset}, is_repeatable=False
        )

    def training(self, training: str) -> Json:
        """One training, with its progress."""
        return self._call(operations.TRAINING_GET, training=training)

    def watch(self, training: str) -> Iterator[Json]:
        """The training, each second, until it has ended; the last one says how."""
        while True:
            seen = self.training(training)
            yield seen
            if seen["state"] in ENDED:
                return
            self._sleep(POLL_S)

    def cancel(self, training: str) -> None:
        """Ask for its end."""
        self._call(operations.TRAINING_CANCEL, training=training)

    def deploy(self, task: str, version: int | None = None) -> Json:
        """Let a version serve; without a number, the newest one."""
        number = version if version is not None else self._newest(task)
        return self._call(operations.DEPLOY, task=task, body={"version": number}, is_repeatable=False)

    def predict(self, task: str, texts: Sequence[str]) -> list[Json]:
        """Predictions in the order of ``texts``, at most as many as the installation takes in one request."""
        answer = self._call(operations.PREDICT, task=task, body={"inputs": list(texts)})
        return list(answer["predictions"])

    def _newest(self, task: str) -> int:
        found = self._call(operations.VERSIONS_LIST, task=task, query="?page_size=1")["results"]
        if not found:
            raise ClientError(f"The task {task} has no version yet: train it first.")
        return int(found[0]["number"])

    def _begun(self, file_name: str, num_bytes: int) -> Json | None:
        """An upload of such a file that waits for bytes; whether it is this file, its hash will tell."""
        for upload in self._call(operations.UPLOADS_LIST, query="?page_size=200")["results"]:
            if (upload["file_name"], upload["num_bytes"], upload["dataset"]) == (file_name, num_bytes, None):
                return dict(upload)
        return None

    def _append(self, upload: str, offset: int, chunk: bytes) -> int:
        """Where the next chunk begins, which the platform tells, too, when it has this one already."""
        headers = {"Content-Type": "application/octet-stream", "Upload-Offset": str(offset)}
        try:
            answer = self._call(operations.UPLOAD_APPEND, upload=upload, raw=chunk, headers=headers)
        except ApiError as exc:
            if exc.status != 409 or not isinstance(exc.details, Mapping) or "offset" not in exc.details:
                raise
            return int(exc.details["offset"])
        return int(answer["offset"])

    def _call(
        self,
        operation: Operation,
        *,
        body: Json | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: str = "",
        is_repeatable: bool = True,
        **places: str,
    ) -> Json:
        assert set(body or {}) <= operation.sends, (
            f"{operation.path} is not known to take {sorted(body or {})}"
        )
        quoted = {name: quote(value, safe="") for name, value in places.items()}
        content = raw if body is None else json.dumps(body).encode()
        answer: Json = self._transport.call(
            operation.method,
            operation.path.format(tenant=quote(self._tenant, safe=""), **quoted) + query,
            body=content,
            headers=headers or ({"Content-Type": "application/json"} if body is not None else {}),
            is_repeatable=is_repeatable,
        )
        return answer


def _given(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
