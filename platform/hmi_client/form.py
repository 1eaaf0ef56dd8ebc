"""A form with files as HTTP sends it (multipart/form-data)."""

import secrets
from collections.abc import Mapping


def form_of(files: Mapping[str, tuple[str, bytes]], fields: Mapping[str, str]) -> tuple[bytes, str]:
    """The body and its Content-Type. ``files`` have a name and their content."""
    boundary = secrets.token_hex(16)
    parts = [
        _part(boundary, f'name="{name}"; filename="{_quoted(file_name)}"', content)
        for name, (file_name, content) in files.items()
    ]
    parts += [_part(boundary, f'name="{name}"', value.encode()) for name, value in fields.items()]
    return b"".join((*parts, f"--{boundary}--\r\n".encode())), f"multipart/form-data; boundary={boundary}"


def _part(boundary: str, disposition: str, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def _quoted(name: str) -> str:
    """As browsers write names of files."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
