"""A portal's REST API in memory, for its clients: what the demo uses of it, and every call remembered."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PASSWORD = "correct horse battery"
CSRF_TOKEN = "a-token"
TENANT = "/api/v1/tenants/demo"


class FakeRestApi:
    """Its fields are its state; ``calls`` holds method and path of every change that was asked for."""

    def __init__(self) -> None:
        self.url = ""
        self.is_signed_in = False
        self.calls: list[str] = []
        self.tenants: set[str] = set()
        self.tasks: dict[str, dict[str, Any]] = {}
        self.lists: dict[str, list[dict[str, Any]]] = {
            name: [] for name in ("keys", "domains", "datasets", "trainings", "versions")
        }
        self.training_states = ["queued", "running", "succeeded"]  # as seen by one look after another
        self.page_rows = 100

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Status and JSON of one call."""
        if method != "GET":
            self.calls.append(f"{method} {path}")
            if headers.get("x-csrftoken") != CSRF_TOKEN and "authorization" not in headers:
                return 403, _error("csrf_failed", "CSRF")
        if path == "/_allauth/browser/v1/config":
            return 200, {}
        if path == "/_allauth/browser/v1/auth/login":
            right = json.loads(body) == {"email": "operator@hmi.local", "password": PASSWORD}
            self.is_signed_in = right
            return (200, {}) if right else (400, {"errors": [{"message": "wrong"}]})
        if (method, path) == ("DELETE", "/_allauth/browser/v1/auth/session"):
            self.is_signed_in = False
            return 401, {"meta": {"is_authenticated": False}}
        if path == "/api/v1/tenants":
            self.tenants.add(json.loads(body)["slug"])
            return 201, {}
        if not path.startswith(TENANT) or "demo" not in self.tenants:
            return 404, _error("not_found", "no such tenant")
        return self._of_tenant(method, path.removeprefix(TENANT), headers, body)

    def _of_tenant(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        path, _, query = path.partition("?")
        if path == "":
            return 200, {"slug": "demo"}
        if match := re.fullmatch(r"/tasks/([\w-]+)", path):
            task = self.tasks.get(match[1])
            return (200, task) if task else (404, _error("not_found", "no such task"))
        if path == "/tasks":
            made = json.loads(body) | {"deployment": None}
            self.tasks[made["slug"]] = made
            return 201, made
        if path.endswith("/deployments"):
            self.tasks["bbc-news"]["deployment"] = json.loads(body)
            return 201, {}
        if match := re.fullmatch(r"/keys/(\d+)", path):
            self.lists["keys"] = [key for key in self.lists["keys"] if key["id"] != int(match[1])]
            return 204, None
        if re.fullmatch(r"/trainings/\d+", path):
            return 200, self._look_at_training()
        name = path.rpartition("/")[2]
        if method == "GET":
            return 200, self._page(name, path, query)
        return 201, self._add(name, body)

    def _page(self, name: str, path: str, query: str) -> dict[str, Any]:
        number = int(query.removeprefix("page=") or 1)
        rows = self.lists[name]
        shown = rows[(number - 1) * self.page_rows : number * self.page_rows]
        has_more = number * self.page_rows < len(rows)
        following = f"{self.url}{TENANT}{path}?page={number + 1}" if has_more else None
        return {"count": len(rows), "next": following, "previous": None, "results": shown}

    def _add(self, name: str, body: bytes) -> dict[str, Any]:
        number = len(self.lists[name]) + 1
        if name == "datasets":
            made: dict[str, Any] = {"id": number, "name": "BBC news", "body": body}
            self.lists[name].append({"id": number, "name": "BBC news"})
            return made | {"body": None}
        made = {"id": number, **json.loads(body)}
        if name == "keys":
            secret = f"hmi_{made['name']}_{len(self.calls)}_and_more"
            self.lists[name].append(made | {"prefix": secret[:12], "revoked_at": None})
            return made | {"secret": secret}
        if name == "trainings":
            made["state"] = self.training_states[0]
        self.lists[name].append(made)
        return made

    def _look_at_training(self) -> dict[str, Any]:
        job = self.lists["trainings"][-1]
        job["state"] = (
            self.training_states.pop(0) if len(self.training_states) > 1 else self.training_states[0]
        )
        if job["state"] == "succeeded":
            self.lists["versions"].append({"number": len(self.lists["versions"]) + 1})
        return job | {
            "share": 1.0 if job["state"] == "succeeded" else 0.25,
            "phase": "training",
            "validation_accuracy": 0.9,
            "eta_s": 3.0,
        }


@contextmanager
def serving(api: FakeRestApi) -> Iterator[str]:
    """Serve it on a port of its own; yields its origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def log_message(self, *_args: object) -> None:
            pass

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, plain = api.answer(self.command, self.path, headers, body)
            text = b"" if plain is None else json.dumps(plain).encode()
            self.send_response(status)
            self.send_header("Set-Cookie", f"csrftoken={CSRF_TOKEN}; Path=/")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield api.url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}
