"""An archive of a version to predict offline, as the platform makes it."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping

PARITY = {"rows": 40, "same_label_share": 0.975, "max_score_difference": 0.12, "mean_score_difference": 0.01}
FILES: Mapping[str, bytes] = {
    "store/version/head.safetensors": b"h" * 700,
    "store/backbone/lower.safetensors": bytes(range(256)) * 40,
}


def offline_archive(*, parity: object = PARITY, **changes: bytes | None) -> bytes:
    """With ``changes`` to its members by name: other bytes, or None for one that is left out."""
    members = dict(FILES)
    for part in ("version", "backbone"):
        entries = {
            name.rpartition("/")[2]: {"num_bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            for name, body in FILES.items()
            if name.startswith(f"store/{part}/")
        }
        members[f"store/{part}/manifest.json"] = json.dumps({"files": entries}).encode()
    members |= {"offline.json": json.dumps(parity).encode(), "hplm.json": b"{}"}
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, body in members.items():
            kept = changes.get(name, body)
            if kept is not None:
                member = tarfile.TarInfo(name)
                member.size = len(kept)
                archive.addfile(member, io.BytesIO(kept))
    return content.getvalue()
