"""A client of the portal's REST API for the demo: a signed-in session, standard library only."""

import http.cookiejar
import json
import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from portal.local.errors import InstallationError

TIMEOUT_S = 60.0


class ApiError(InstallationError):
    """An answer with an error status; ``code`` is its wire.errors.ErrorCode, or empty."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code


class ApiClient:
    """Calls ``origin`` as the browser does (cookies kept, CSRF token sent back), or with an API key."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._key = ""
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self._cookies)
        )

    def sign_in(self, email: str, password: str) -> None:
        """Open a session through allauth's headless API, which also sets the CSRF cookie."""
        self.get("/_allauth/browser/v1/config")
        self.post("/_allauth/browser/v1/auth/login", {"email": email, "password": password})

    def sign_out(self) -> None:
        """End the session: else it would stand among those of the user's account."""
        try:
            self.delete("/_allauth/browser/v1/auth/session")
        except ApiError as exc:
            if exc.status != 401:  # allauth's answer to what is signed out now
                raise

    def use_key(self, key: str) -> None:
        """From now on an API key (scope manage) instead of the session."""
        self._key = key

    def get(self, path: str) -> Any:
        """The answer's JSON; raises ApiError."""
        return self._call("GET", path, None, "application/json")

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """As get, with a JSON body."""
        return self._call("POST", path, json.dumps(body).encode(), "application/json")

    def delete(self, path: str) -> None:
        """As get, of what has no answer."""
        self._call("DELETE", path, None, "application/json")

    def upload(self, path: str, file: Path, fields: dict[str, str]) -> Any:
        """As get, with ``file`` and ``fields`` as a form."""
        boundary = secrets.token_hex(16)
        parts = []
        for name, value in fields.items():
            parts.append(
                f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            )
        heading = (
            f'Content-Disposition: form-data; name="file"; filename="{file.name}"\r\nContent-Type: text/csv'
        )
        parts.append(f"--{boundary}\r\n{heading}\r\n\r\n".encode() + file.read_bytes() + b"\r\n")
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        return self._call("POST", path, body, f"multipart/form-data; boundary={boundary}")

    def _call(self, method: str, path: str, body: bytes | None, content_type: str) -> Any:
        headers = {"Accept": "application/json", "Origin": self._origin}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if body is not None:
            headers["Content-Type"] = content_type
        if method != "GET":
            headers["X-CSRFToken"] = self._csrf_token()
        request = urllib.request.Request(self._origin + path, data=body, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                text = response.read()
        except urllib.error.HTTPError as exc:
            raise _error(exc.code, exc.read()) from exc
        except OSError as exc:
            raise ApiError(0, "", f"{self._origin}{path} does not answer ({exc})") from exc
        return json.loads(text) if text else None

    def _csrf_token(self) -> str:
        return next((cookie.value or "" for cookie in self._cookies if cookie.name == "csrftoken"), "")


def _error(status: int, body: bytes) -> ApiError:
    try:
        error = json.loads(body)["error"]
        return ApiError(status, str(error["code"]), str(error["message"]))
    except (ValueError, KeyError, TypeError):
        return ApiError(status, "", body[:300].decode(errors="replace"))
