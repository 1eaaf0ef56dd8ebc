"""Adapters' bundles in the store, as a training or an import publishes them, without the data plane."""

import hashlib
from collections.abc import Mapping

from portal.common.store import ObjectStore
from wire import codec
from wire.artifacts import FORMAT_VERSION, MANIFEST_FILE, BundleKind, BundleManifest, FileEntry, bundle_digest

FILES: Mapping[str, bytes] = {
    "adapter_config.json": b"{}",
    "adapter_model.safetensors": bytes(range(256)) * 600,  # more than one piece
    "head.safetensors": b"h" * 512,  # a whole block
}


def put_bundle(store: ObjectStore, uri: str, files: Mapping[str, bytes] = FILES) -> str:
    """Write it; returns its digest."""
    entries = {name: FileEntry(len(body), hashlib.sha256(body).hexdigest()) for name, body in files.items()}
    manifest = BundleManifest(BundleKind.ADAPTER, FORMAT_VERSION, entries, {"labels": ["sport", "tech"]})
    for name, body in {**files, MANIFEST_FILE: codec.to_json(manifest).encode()}.items():
        with store.write(f"{uri}/{name}") as file:
            file.write(body)
    return bundle_digest(manifest)
