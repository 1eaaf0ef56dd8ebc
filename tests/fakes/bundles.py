"""Adapters' bundles in the store, as a training or an import publishes them, without the data plane."""

import hashlib
from collections.abc import Mapping

from django.conf import settings

from portal.catalog.models import AdapterVersion, Task
from portal.common.scope import operator_scope, tenant_scope
from portal.common.store import ObjectStore
from tests.fakes.portal import make_version
from wire import codec
from wire.artifacts import FORMAT_VERSION, MANIFEST_FILE, BundleKind, BundleManifest, FileEntry, bundle_digest

FILES: Mapping[str, bytes] = {
    "adapter_config.json": b"{}",
    "adapter_model.safetensors": bytes(range(256)) * 600,  # more than one piece
    "head.safetensors": b"h" * 512,  # a whole block
}
BACKBONE_FILES: Mapping[str, bytes] = {"lower.safetensors": b"l" * 700, "upper": b"u"}


def put_bundle(store: ObjectStore, uri: str, files: Mapping[str, bytes] = FILES) -> str:
    """Write it; returns its digest."""
    entries = {name: FileEntry(len(body), hashlib.sha256(body).hexdigest()) for name, body in files.items()}
    manifest = BundleManifest(BundleKind.ADAPTER, FORMAT_VERSION, entries, {"labels": ["sport", "tech"]})
    for name, body in {**files, MANIFEST_FILE: codec.to_json(manifest).encode()}.items():
        with store.write(f"{uri}/{name}") as file:
            file.write(body)
    return bundle_digest(manifest)


def make_stored_version(task: Task) -> AdapterVersion:
    """As make_version, with its bundle and its backbone's in the installation's store."""
    store = ObjectStore(settings.ENV.store_url)
    version = make_version(task)
    version.bundle_digest = put_bundle(store, version.bundle_uri)
    version.backbone.digest = put_bundle(store, version.backbone.uri, BACKBONE_FILES)
    with operator_scope():
        version.backbone.save(update_fields=["digest"])
    with tenant_scope(task.tenant_id):
        version.save(update_fields=["bundle_digest"])
    return version
