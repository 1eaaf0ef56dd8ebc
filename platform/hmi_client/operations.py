"""Every call that the client makes; a test compares them with the platform's OpenAPI schema."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """``sends`` are the fields of the body that it may have; ``reads`` those of the answer that are used.

    One that creates is sent with an Idempotency-Key, so that it makes one thing, however often it is tried.
    """

    method: str
    path: str
    sends: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    is_create: bool = False


def _fields(names: str) -> frozenset[str]:
    return frozenset(names.split())


_TENANT = "/api/v1/tenants/{tenant}"
TENANT_GET = Operation("GET", _TENANT, reads=_fields("slug name"))
UPLOAD_BEGIN = Operation(
    "POST",
    f"{_TENANT}/uploads",
    sends=_fields(
        "file_name num_bytes name sha256 kind text_column label_column pair_column label_separator"
    ),
    reads=_fields("id offset num_bytes"),
    is_create=True,
)
UPLOADS_LIST = Operation("GET", f"{_TENANT}/uploads")
UPLOAD_APPEND = Operation("PATCH", f"{_TENANT}/uploads/{{upload}}", reads=_fields("offset"))
UPLOAD_DATASET = Operation(
    "POST", f"{_TENANT}/uploads/{{upload}}/dataset", reads=_fields("id state num_rows report")
)
DATASET_GET = Operation(
    "GET", f"{_TENANT}/datasets/{{dataset}}", reads=_fields("id state num_rows report name")
)
TASK_CREATE = Operation(
    "POST",
    f"{_TENANT}/tasks",
    sends=_fields("name slug kind domain"),
    reads=_fields("slug kind domain"),
    is_create=True,
)
TRAINING_START = Operation(
    "POST",
    f"{_TENANT}/tasks/{{task}}/trainings",
    sends=_fields("dataset recipe"),
    reads=_fields("id state"),
    is_create=True,
)
TRAINING_GET = Operation(
    "GET",
    f"{_TENANT}/trainings/{{training}}",
    reads=_fields(
        "id state phase share loss validation_accuracy validation_metric eta_s message error version"
    ),
)
TRAINING_CANCEL = Operation("POST", f"{_TENANT}/trainings/{{training}}/cancel")
IMPORT_CREATE = Operation(
    "POST",
    f"{_TENANT}/tasks/{{task}}/imports",
    sends=_fields("file dataset min_agreement"),
    reads=_fields("id state"),
    is_create=True,
)
IMPORT_GET = Operation(
    "GET",
    f"{_TENANT}/imports/{{adapter_import}}",
    reads=_fields("id state message error passed version"),
)
VERSION_GET = Operation(
    "GET", f"{_TENANT}/tasks/{{task}}/versions/{{number}}", reads=_fields("number report")
)
VERSION_ADAPTER = Operation("GET", f"{_TENANT}/tasks/{{task}}/versions/{{number}}/adapter")
VERSION_OFFLINE = Operation("GET", f"{_TENANT}/tasks/{{task}}/versions/{{number}}/offline")
VERSIONS_LIST = Operation("GET", f"{_TENANT}/tasks/{{task}}/versions")
DEPLOY = Operation(
    "POST",
    f"{_TENANT}/tasks/{{task}}/deployments",
    sends=_fields("version"),
    reads=_fields("version"),
    is_create=True,
)
ALL = tuple(value for value in list(globals().values()) if isinstance(value, Operation))
PREDICT = Operation(
    "POST", "/v1/tasks/{task}/predict", sends=_fields("inputs parameters"), reads=_fields("predictions model")
)
"""Of the inference service, which is not in the portal's schema; see wire.inference."""
