"""One HTTP request with an API key, tried again when that can help. Standard library only."""

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from hmi_client.errors import ApiError, ClientError
from hmi_client.partial import Partial

TIMEOUT_S = 60.0
WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
LONGEST_WAIT_S = 60.0
PIECE_BYTES = 1 << 18
_LATER = (429, 502, 503, 504)
_GONE_ON, _NOT_THERE = 206, 416
_IS_IT_HMI = "is it an installation of HMI? Give its address without a path, such as https://hmi.example.com."
OnProgress = Callable[[float], None]
"""Called with the share that is done, from 0 to 1."""
T = TypeVar("T")


class Transport(Protocol):
    """What the client calls through."""

    def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's JSON, None when it has none. Raises ApiError, ClientError.

        May be sent several times: a request that must not act twice has an Idempotency-Key.
        """

    def fetch(self, path: str) -> bytes:
        """The whole content of an answer that is a file. Raises ApiError, ClientError."""

    def download(self, path: str, out: Path, on_progress: OnProgress) -> None:
        """Write an answer that is a large file into ``out``, a piece at a time. Raises ApiError, ClientError:
        then ``out`` may hold a part of it, with which the next download there goes on."""


class HttpTransport:
    """Calls ``origin``; redirects are not followed, so that the key goes nowhere else.

    Raises ClientError for what can be no address or no key.
    """

    def __init__(self, origin: str, key: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._origin = _checked_origin(origin)
        self._key = _checked_key(key)
        self._sleep = sleep
        self._opener = urllib.request.build_opener(_NoRedirects)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """See Transport."""
        content = self._patiently(lambda: self._once(method, path, body, headers or {}))
        try:
            return json.loads(content) if content else None
        except ValueError as exc:
            raise ClientError(f"{self._origin} answers with a page: {_IS_IT_HMI}") from exc

    def fetch(self, path: str) -> bytes:
        """See Transport; a content that was cut off is asked for again."""
        return self._patiently(lambda: self._once("GET", path, None, {}))

    def download(self, path: str, out: Path, on_progress: OnProgress) -> None:
        """See Transport; of a content that was cut off the rest is asked for, as long as some of it comes."""
        partial = Partial(out)
        while True:
            begun = partial.num_bytes
            try:
                self._patiently(lambda: self._saved(path, partial, on_progress))
            except ApiError as exc:
                if exc.status != _NOT_THERE or not begun:
                    raise
                partial.settle()  # more has come than there is: then it is another file
            except ClientError:
                if partial.num_bytes <= begun:
                    raise
            else:
                partial.settle()
                return

    def _patiently(self, attempt: Callable[[], T]) -> T:
        for wait_s in (*WAITS_S, None):
            try:
                return attempt()
            except ApiError as exc:
                if wait_s is None or exc.status not in _LATER:
                    raise
                self._sleep(min(max(wait_s, exc.retry_after_s), LONGEST_WAIT_S))
            except (OSError, http.client.HTTPException) as exc:
                if wait_s is None:
                    raise ClientError(f"{self._origin} cannot be reached: {_reason(exc)}") from exc
                self._sleep(wait_s)
        raise AssertionError("the last round raises or returns")

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        with self._answer(method, path, body, headers) as response:
            content: bytes = response.read()
        return content

    def _saved(self, path: str, partial: Partial, on_progress: OnProgress) -> None:
        """What has not come yet."""
        begun = partial.num_bytes
        with self._answer("GET", path, None, partial.headers) as response:
            if response.status != _GONE_ON:
                begun = 0
                partial.begin(response.headers["ETag"] or "")
            told = response.headers["Content-Length"]
            num_bytes = begun + int(told) if told else None
            come = begun
            for come in partial.add(iter(lambda: response.read(PIECE_BYTES), b"")):
                if num_bytes:
                    on_progress(come / num_bytes)
        if num_bytes is not None and come != num_bytes:
            raise http.client.IncompleteRead(b"", num_bytes - come)

    @contextmanager
    def _answer(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        request = urllib.request.Request(self._origin + path, data=body, method=method)
        request.add_header("Accept", "application/json")
        request.add_header("Authorization", f"Bearer {self._key}")
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            response = self._opener.open(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as exc:
            with exc:
                raise _error(exc) from exc
        except urllib.error.URLError as exc:
            if isinstance(exc.reason, ssl.SSLCertVerificationError):
                raise ClientError(self._untrusted(exc.reason)) from exc
            raise
        with response:
            yield response

    def _untrusted(self, exc: ssl.SSLCertVerificationError) -> str:
        """Asking again cannot help here."""
        why = exc.verify_message.rstrip(".")
        return (
            f"The certificate of {self._origin} is not trusted: {why}. Check the address; "
            "if an authority of your own has signed it, name that one's PEM file in SSL_CERT_FILE."
        )


def _reason(exc: Exception) -> str:
    """In the system's words, without Python's names around them."""
    reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
    return (isinstance(reason, OSError) and reason.strerror) or str(reason) or type(reason).__name__


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _error(exc: urllib.error.HTTPError) -> ApiError:
    asked = exc.headers.get("Retry-After") or ""
    retry_after_s = float(asked) if asked.isdigit() else 0.0
    try:
        error = json.loads(exc.read())["error"]
        code, message, details = error["code"], error["message"], error.get("details")
    except (ValueError, KeyError, TypeError):
        code, message, details = "", f"The address answers {exc.code}: {_IS_IT_HMI}", None
    return ApiError(exc.code, code, message, details=details, retry_after_s=retry_after_s)


def _checked_origin(origin: str) -> str:
    try:
        parts = urlsplit(origin)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, brackets that do not match
        is_address = False
    if not is_address or not origin.isascii() or any(char.isspace() for char in origin):
        raise ClientError(
            f"{origin} is no address of an installation: give one such as https://hmi.example.com."
        )
    return origin.rstrip("/")


def _checked_key(key: str) -> str:
    """It goes into a header; what cannot stand there is no key, and must not be shown."""
    if not key.isascii() or not key.isprintable() or not key:
        raise ClientError("This is no key: copy it as it was shown, from hmi_ to its end.")
    return key
