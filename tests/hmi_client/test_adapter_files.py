"""Packing an adapter's folder, and the form that carries it."""

import io
import tarfile
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest

from hmi_client import adapter_files
from hmi_client.adapter_files import NEEDED, packed
from hmi_client.errors import ClientError
from hmi_client.form import form_of


def _write(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"content of {name}")
    return folder


def test_of_a_folder_the_files_that_are_read_are_packed(tmp_path: Path) -> None:
    name, content = packed(_write(tmp_path / "mine", *NEEDED["lora"], "head.json", "README.md"))
    assert name == "mine.tar"
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        found = {member.name: archive.extractfile(member) for member in archive}
        assert set(found) == {*NEEDED["lora"], "head.json"}
        assert all(file and file.read() == f"content of {name}".encode() for name, file in found.items())


def test_an_archive_is_sent_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "mine.zip"
    file.write_bytes(b"PK")
    assert packed(file) == ("mine.zip", b"PK")


def test_it_says_what_a_folder_lacks(tmp_path: Path) -> None:
    folder = _write(tmp_path / "mine", "adapter_config.json", "adapter_model.bin")
    with pytest.raises(ClientError, match=r"no adapter_model.safetensors, head.safetensors\. Pickled"):
        packed(folder)


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_is_too_large_is_not_even_read(
    tmp_path: Path, is_folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_files, "MAX_BYTES", 10)
    folder = _write(tmp_path / "mine", *NEEDED["lora"])
    with pytest.raises(ClientError, match="at most 10"):
        packed(folder if is_folder else folder / NEEDED["lora"][0])


def test_an_absent_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="cannot be read"):
        packed(tmp_path / "nothing")


def test_a_form_carries_bytes_and_fields_unchanged() -> None:
    content = bytes(range(256))
    body, content_type = form_of({"file": ('a "b".tar', content)}, {"dataset": "one"})
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(EmailMessage, policy=default).parsebytes(head + body)
    parts = list(message.iter_parts())
    assert [part.get_param("name", header="Content-Disposition") for part in parts] == ["file", "dataset"]
    assert parts[0].get_filename() == "a %22b%22.tar"
    assert [part.get_payload(decode=True) for part in parts] == [content, b"one"]


@pytest.mark.parametrize("names", NEEDED.values(), ids=NEEDED)
def test_the_files_of_every_method_are_packed(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"content")
    _, content = packed(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert set(archive.getnames()) == set(names)


def test_a_bottleneck_without_its_manifest_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "bottleneck.safetensors").write_bytes(b"content")
    with pytest.raises(ClientError, match=r"no head\.safetensors, manifest\.json"):
        packed(tmp_path)
