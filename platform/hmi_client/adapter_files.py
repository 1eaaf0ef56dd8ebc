"""Packs an adapter's folder, PEFT's or of a version taken away, into the one file that is sent."""

import io
import tarfile
from pathlib import Path

from hmi_client.errors import ClientError

NEEDED = {
    "lora": ("adapter_config.json", "adapter_model.safetensors", "head.safetensors"),
    "bottleneck": ("bottleneck.safetensors", "head.safetensors", "manifest.json"),
}
"""By method of adapters, first the file that tells it."""
KNOWN = tuple(
    dict.fromkeys(
        (
            *(name for names in NEEDED.values() for name in names),
            "head.json",
            "manifest.json",
            "expected.jsonl",
        )
    )
)
MAX_BYTES = 64 << 20


def packed(source: Path) -> tuple[str, bytes]:
    """Name and content of the archive: of a folder its known files, or ``source`` itself where it is one.

    Raises ClientError for what the platform would refuse at once.
    """
    try:
        if source.is_dir():
            return _of_folder(source)
        _check_size(source, source.stat().st_size)
        return source.name, source.read_bytes()
    except OSError as exc:
        raise ClientError(f"{source} cannot be read: {exc.strerror}.") from exc


def _check_size(source: Path, num_bytes: int) -> None:
    if num_bytes > MAX_BYTES:
        raise ClientError(f"{source} has {num_bytes} bytes; an adapter has at most {MAX_BYTES}.")


def _of_folder(folder: Path) -> tuple[str, bytes]:
    needed = next((names for names in NEEDED.values() if (folder / names[0]).is_file()), NEEDED["lora"])
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        hint = " Pickled weights (.bin) are not read." if (folder / "adapter_model.bin").exists() else ""
        raise ClientError(f"{folder} has no {', '.join(missing)}.{hint}")
    sizes = {name: (folder / name).stat().st_size for name in KNOWN if (folder / name).is_file()}
    _check_size(folder, sum(sizes.values()))
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, num_bytes in sizes.items():
            member = tarfile.TarInfo(name)
            member.size = num_bytes
            with (folder / name).open("rb") as file:
                archive.addfile(member, file)
    return f"{folder.resolve().name or 'adapter'}.tar", content.getvalue()
