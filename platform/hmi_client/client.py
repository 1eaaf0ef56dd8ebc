"""The platform as a Python program sees it: upload, train, bring an adapter, deploy, predict."""

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hmi_client import operations
from hmi_client.adapter_files import packed
from hmi_client.errors import ApiError, ClientError
from hmi_client.form import form_of
from hmi_client.offline_archive import check_offline
from hmi_client.operations import Operation
from hmi_client.replacing import part_of, replacing
from hmi_client.texts import LABEL_SEPARATOR, Input
from hmi_client.transport import OnProgress, Transport

CHUNK_BYTES = 4 << 20
POLL_S = 1.0
KINDS = ("single_label", "score", "multi_label", "sentence_pair", "token_classification")
"""Of tasks and datasets; the first where none is said."""
ENDED = ("succeeded", "failed", "cancelled")
Json = dict[str, Any]


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
        kind: str | None = None,
        text_column: str | None = None,
        label_column: str | None = None,
        pair_column: str | None = None,
        label_separator: str | None = None,
        on_progress: OnProgress = lambda _share: None,
    ) -> Json:
        """Send ``file`` in chunks and wait for the doctor's report: the dataset, ``ready`` or ``blocked``.

        ``kind`` is one of KINDS (``single_label`` where none is given): that of the tasks to train on it.

        Goes on with an upload of the same bytes, to be read in the same way, that was cut off: of this
        program or another one that announced their SHA-256.
        """
        options = _given(
            name=name,
            kind=kind,
            text_column=text_column,
            label_column=label_column,
            pair_column=pair_column,
            label_separator=label_separator,
        )
        num_bytes = file.stat().st_size
        announced = {"file_name": file.name, "num_bytes": num_bytes, "sha256": _sha256(file), **options}
        upload = self._begun(announced) or self._begin(announced)
        self._send(file, num_bytes, upload, on_progress)
        dataset = self._call(operations.UPLOAD_DATASET, upload=upload["id"])
        while dataset["state"] == "checking":
            self._sleep(POLL_S)
            dataset = self.dataset(dataset["id"])
        return dataset

    def dataset(self, dataset: str) -> Json:
        """One dataset with its report."""
        return self._call(operations.DATASET_GET, dataset=dataset)

    def create_task(
        self, name: str, *, kind: str | None = None, slug: str | None = None, domain: str | None = None
    ) -> Json:
        """A new task; ``kind`` is one of KINDS (``single_label`` where none is given) and stays."""
        body = {"name": name, **_given(kind=kind, slug=slug, domain=domain)}
        return self._call(operations.TASK_CREATE, body=body)

    def train(self, task: str, dataset: str, recipe: Mapping[str, Any] | None = None) -> Json:
        """Start a training; ``recipe`` holds what differs from the defaults (docs/api.md, Trainings)."""
        body: Json = {"dataset": dataset} if recipe is None else {"dataset": dataset, "recipe": dict(recipe)}
        return self._call(operations.TRAINING_START, task=task, body=body)

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
        return self._call(operations.DEPLOY, task=task, body={"version": number})

    def import_adapter(
        self, task: str, source: Path, *, dataset: str | None = None, min_agreement: float | None = None
    ) -> Json:
        """Bring an adapter, PEFT's or taken away: a folder or an archive; ``watch_import`` tells what comes.

        Answers are compared on rows of ``dataset``, or on the texts in ``expected.jsonl`` alone.
        """
        name, content = packed(source)
        share = None if min_agreement is None else str(min_agreement)
        raw, content_type = form_of({"file": (name, content)}, _given(dataset=dataset, min_agreement=share))
        headers = {"Content-Type": content_type}
        return self._call(operations.IMPORT_CREATE, task=task, raw=raw, headers=headers)

    def watch_import(self, adapter_import: str) -> Iterator[Json]:
        """The import, each second, until it has ended; the last one says how."""
        while True:
            seen = self._call(operations.IMPORT_GET, adapter_import=adapter_import)
            yield seen
            if seen["state"] in ENDED:
                return
            self._sleep(POLL_S)

    def version(self, task: str, number: int) -> Json:
        """One version with its report."""
        return self._call(operations.VERSION_GET, task=task, number=str(number))

    def adapter(self, task: str, number: int) -> bytes:
        """A version's adapter, head and manifest as a .tar, which import_adapter takes."""
        return self._transport.fetch(self._path(operations.VERSION_ADAPTER, task=task, number=str(number)))

    def offline(
        self, task: str, number: int, out: Path, *, on_progress: OnProgress = lambda _share: None
    ) -> Json | None:
        """Write a version and its backbone into ``out``, a .tar to predict offline with; how far its answers
        are from those served, None where that was not measured.

        ``out`` appears when all of it is there and every byte is as it was published. What was cut off stays
        beside it, and the next call with the same ``out`` goes on with it.
        """
        path = self._path(operations.VERSION_OFFLINE, task=task, number=str(number))
        self._transport.download(path, part_of(out), on_progress)
        with replacing(out) as temporary:
            return check_offline(temporary)

    def predict(
        self, task: str, texts: Sequence[Input], *, abstain: bool = False, error_level: float | None = None
    ) -> list[Json]:
        """Predictions in the order of ``texts``, at most as many as the installation takes in one request.

        Of ``sentence_pair`` a text is ``{"text": ..., "pair": ...}``. With ``abstain`` a prediction has a
        ``label_set`` too, which lacks the true label in at most ``error_level`` (0.1) of all cases, and
        ``abstained``: it is of several labels.
        """
        parameters: Json = {"abstain": True} if abstain or error_level is not None else {}
        if error_level is not None:
            parameters["error_level"] = error_level
        body: Json = {"inputs": list(texts), **({"parameters": parameters} if parameters else {})}
        answer = self._call(operations.PREDICT, task=task, body=body)
        return list(answer["predictions"])

    def _newest(self, task: str) -> int:
        found = self._call(operations.VERSIONS_LIST, task=task, query="?page_size=1")["results"]
        if not found:
            raise ClientError(f"The task {task} has no version yet: train it first.")
        return int(found[0]["number"])

    def _begun(self, announced: Json) -> Json | None:
        """An upload that was announced in the very same way and waits for bytes."""
        columns = [announced.get(name) for name in ("text_column", "label_column", "pair_column")]
        usual = {"name": announced["file_name"][:200], "kind": KINDS[0], "label_separator": LABEL_SEPARATOR}
        told = {**usual, **announced}
        searched = {name: told[name] for name in ("file_name", "num_bytes", "sha256", *usual)}
        searched |= {"columns": columns, "dataset": None}
        for upload in self._call(operations.UPLOADS_LIST, query="?page_size=200")["results"]:
            if all(upload.get(name, "") == value for name, value in searched.items()):
                return dict(upload)
        return None

    def _begin(self, announced: Json) -> Json:
        return self._call(operations.UPLOAD_BEGIN, body=announced)

    def _send(self, file: Path, num_bytes: int, upload: Json, on_progress: OnProgress) -> None:
        """What the platform has not got yet."""
        offset = int(upload["offset"])
        with file.open("rb") as opened:
            while offset < num_bytes:
                on_progress(offset / num_bytes)
                opened.seek(offset)
                offset = self._append(upload["id"], offset, opened.read(CHUNK_BYTES))
        on_progress(1.0)

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
        **places: str,
    ) -> Json:
        assert set(body or {}) <= operation.sends, (
            f"{operation.path} is not known to take {sorted(body or {})}"
        )
        content = raw if body is None else json.dumps(body).encode()
        sent = dict(headers or ({"Content-Type": "application/json"} if body is not None else {}))
        if operation.is_create:
            sent["Idempotency-Key"] = str(uuid.uuid4())
        answer: Json = self._transport.call(
            operation.method,
            self._path(operation, **places) + query,
            body=content,
            headers=sent,
        )
        return answer

    def _path(self, operation: Operation, **places: str) -> str:
        quoted = {name: quote(value, safe="") for name, value in places.items()}
        return operation.path.format(tenant=quote(self._tenant, safe=""), **quoted)


def _given(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
