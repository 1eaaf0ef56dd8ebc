"""How uploads arrive: refused by their announced size before they are read, and put on disk."""

from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest

from portal.datasets.encoding import too_many_bytes

FORM_BYTES = 64 << 10
"""Room for the multipart form round the file."""


def prepare_upload(request: HttpRequest) -> None:
    """Before anything reads the body: raise DatasetRefused (413) if it is too large, else send it to disk."""
    max_bytes = settings.ENV.max_upload_bytes
    if int(request.META.get("CONTENT_LENGTH") or 0) > max_bytes + FORM_BYTES:
        raise too_many_bytes(max_bytes)
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
