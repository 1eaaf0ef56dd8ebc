"""An HTTP server that gives the answers it was told, in order, and notes what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Answer = tuple[int, dict[str, str], object]
"""Status, headers, and a body: a string or bytes as they are, all else as JSON."""


class ScriptedServer:
    """On a free port of loopback."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, str]] = []  # method, path, Authorization
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""


@contextmanager
def scripted() -> Iterator[ScriptedServer]:
    """Serve until the block ends."""
    told = ScriptedServer()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            if self.headers["Expect"] == "100-continue":  # S3's client waits with the body
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            told.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            told.headers.append(dict(self.headers))
            told.asked.append((self.command, self.path, self.headers["Authorization"]))
            status, headers, body = told.answers.pop(0)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":  # whose answers have no content: a client may take it for a fault
                self.wfile.write(_content(body))

        do_GET = do_HEAD = do_POST = do_PUT = _answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{http.server_port}"
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def _content(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
