"""The tiny store is made once: nobody changes what it publishes but their own adapters."""

from tests.tiny.fixtures import plain_logs, tiny_store

__all__ = ["plain_logs", "tiny_store"]
