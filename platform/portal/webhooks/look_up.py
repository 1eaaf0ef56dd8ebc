"""Looks a host's name up within a deadline: the C library's resolver has its own, and cannot be stopped."""

import socket
import threading
from concurrent.futures import Future

_PLACES = threading.BoundedSemaphore(64)
"""Of this process: look-ups that have not ended, those that were given up included. A silent name server
holds each for half a minute or so, and a job makes eight attempts at a time."""


def looked_up(host: str, port: int, *, within_s: float, places: threading.Semaphore = _PLACES) -> list[str]:
    """IP addresses of ``host``, to connect to at ``port``. Raises OSError; TimeoutError when they do not
    come in time, or no place is free.

    A look-up that is given up goes on, on a thread of its own, until the resolver gives up too.
    """
    if not places.acquire(blocking=False):
        raise TimeoutError("too many look-ups have not ended")
    found: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except Exception as exc:  # noqa: BLE001 the edge of a thread: whoever waits is told
            found.set_exception(exc)
        else:
            found.set_result([str(address[0]) for _, _, _, _, address in answers])
        finally:
            places.release()

    threading.Thread(target=look_up, name="look-up", daemon=True).start()
    return found.result(max(within_s, 0))
