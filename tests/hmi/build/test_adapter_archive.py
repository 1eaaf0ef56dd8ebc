"""Archives that strangers made: known files are read, everything else is refused or passed over."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hmi.build import adapter_archive
from hmi.build.adapter_archive import AdapterRefused, Unpacked, unpack_adapter

CONTENTS = {
    "adapter_config.json": b"{}",
    "adapter_model.safetensors": b"weights",
    "head.safetensors": b"head",
}
Contents = dict[str, bytes]


def zip_of(path: Path, contents: Contents) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return path


def tar_of(path: Path, contents: Contents, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]  # the mode is one of two
        for name, content in contents.items():
            add(file, name, content)
    return path


def add(file: tarfile.TarFile, name: str, content: bytes, kind: bytes = tarfile.REGTYPE) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.type = len(content), kind
    info.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
    file.addfile(info, io.BytesIO(content))


def unpack(archive: Path) -> Unpacked:
    folder = archive.parent / "unpacked"
    folder.mkdir()
    return unpack_adapter(archive, folder)


@pytest.mark.parametrize(
    "make",
    [
        lambda path, contents: zip_of(path, contents),
        lambda path, contents: tar_of(path, contents),
        lambda path, contents: tar_of(path, contents, "w:gz"),
    ],
    ids=["zip", "tar", "tar.gz"],
)
@pytest.mark.parametrize("place", ["", "out/checkpoint-5/"])
def test_it_reads_the_known_files_and_names_the_others(
    tmp_path: Path, make: Callable[[Path, Contents], Path], place: str
) -> None:
    contents = {f"{place}{name}": content for name, content in {**CONTENTS, "README.md": b"hello"}.items()}
    unpacked = unpack(make(tmp_path / "archive", contents))
    assert {path.name: path.read_bytes() for path in unpacked.folder.iterdir()} == CONTENTS
    assert unpacked.ignored == (f"{place}README.md",)


def test_it_refuses_a_bottleneck_that_says_nothing_of_itself(tmp_path: Path) -> None:
    contents = {"bottleneck.safetensors": b"weights", "head.safetensors": b"head"}
    with pytest.raises(AdapterRefused, match=r"no manifest\.json beside bottleneck"):
        unpack(tar_of(tmp_path / "archive", contents))


def test_it_reads_a_folder(tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    for name, content in CONTENTS.items():
        (tmp_path / "adapter" / name).write_bytes(content)
    assert len(list(unpack(tmp_path / "adapter").folder.iterdir())) == len(CONTENTS)


@pytest.mark.parametrize(
    "name", ["../adapter_config.json", "/etc/adapter_config.json", "a/../../x", "c:\\x", "a\\..\\x"]
)
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_it_refuses_paths_that_lead_out(
    tmp_path: Path, name: str, make: Callable[[Path, Contents], Path]
) -> None:
    with pytest.raises(AdapterRefused, match="leads out"):
        unpack(make(tmp_path / "archive", {**CONTENTS, name: b"x"}))
    assert [path.name for path in tmp_path.iterdir()] in (["archive", "unpacked"], ["unpacked", "archive"])


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_it_refuses_links_and_devices_in_a_tar(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "archive", "w") as file:
        add(file, "adapter_config.json", b"", kind)
    with pytest.raises(AdapterRefused, match="neither a file nor a folder"):
        unpack(tmp_path / "archive")


def test_it_refuses_links_in_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive", "w") as file:
        info = zipfile.ZipInfo("adapter_config.json")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    with pytest.raises(AdapterRefused, match="neither a file nor a folder"):
        unpack(tmp_path / "archive")


@pytest.mark.parametrize("missing", sorted(CONTENTS))
def test_it_names_what_is_missing(tmp_path: Path, missing: str) -> None:
    contents = {name: content for name, content in CONTENTS.items() if name != missing}
    with pytest.raises(AdapterRefused, match=missing):
        unpack(zip_of(tmp_path / "archive", contents))


def test_it_reads_no_pickled_weights(tmp_path: Path) -> None:
    contents = {**CONTENTS, "adapter_model.bin": b"pickle"}
    del contents["adapter_model.safetensors"]
    with pytest.raises(AdapterRefused, match="pickled weights"):
        unpack(zip_of(tmp_path / "archive", contents))


def test_it_refuses_several_adapters(tmp_path: Path) -> None:
    contents = {f"{place}/{name}": content for place in "ab" for name, content in CONTENTS.items()}
    with pytest.raises(AdapterRefused, match="2 adapters"):
        unpack(zip_of(tmp_path / "archive", contents))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_it_refuses_a_file_twice(tmp_path: Path) -> None:
    zip_of(tmp_path / "archive", CONTENTS)
    with zipfile.ZipFile(tmp_path / "archive", "a") as file:
        file.writestr("adapter_config.json", b"{}")
    with pytest.raises(AdapterRefused, match="twice"):
        unpack(tmp_path / "archive")


@pytest.mark.parametrize("make", [zip_of, lambda path, contents: tar_of(path, contents, "w:gz")])
@pytest.mark.parametrize("name", ["head.json", "notes.txt"])
def test_it_unpacks_no_more_than_its_bound(
    tmp_path: Path, make: Callable[[Path, Contents], Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_archive, "MAX_UNPACKED_BYTES", 1 << 16)
    with pytest.raises(AdapterRefused, match="unpacks to more"):
        unpack(make(tmp_path / "archive", {name: bytes(1 << 17), **CONTENTS}))


def test_a_header_that_lies_about_its_size_does_not_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pax header is read by the library itself, whatever its length."""
    monkeypatch.setattr(adapter_archive, "MAX_UNPACKED_BYTES", 1 << 16)
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    (tmp_path / "archive").write_bytes(gzip.compress(info.tobuf() + bytes(4 << 20)))
    with pytest.raises(AdapterRefused, match="unpacks to more"):
        unpack(tmp_path / "archive")


def test_it_refuses_too_many_members(tmp_path: Path) -> None:
    many = {f"note-{number}": b"" for number in range(adapter_archive.MAX_MEMBERS + 1)}
    with pytest.raises(AdapterRefused, match="members"):
        unpack(zip_of(tmp_path / "archive", many))


def test_it_reads_no_list_of_members_without_end(tmp_path: Path) -> None:
    whole = zip_of(tmp_path / "archive", CONTENTS).read_bytes()
    long = whole[:-10] + struct.pack("<I", 1 << 20) + whole[-6:]
    (tmp_path / "archive").write_bytes(long)
    with pytest.raises(AdapterRefused, match="too many members"):
        unpack(tmp_path / "archive")


def test_it_refuses_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_archive, "MAX_ARCHIVE_BYTES", 100)
    with pytest.raises(AdapterRefused, match="larger than"):
        unpack(zip_of(tmp_path / "archive", CONTENTS))


@pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x03\x04 cut off", b"\x1f\x8b\x08 cut off", b"7z"])
def test_it_refuses_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(AdapterRefused):
        unpack(tmp_path / "archive")


def test_it_refuses_every_truncation(tmp_path: Path) -> None:
    for make in (zip_of, tar_of, lambda path, contents: tar_of(path, contents, "w:gz")):
        whole = make(tmp_path / "archive", {**CONTENTS, "head.json": bytes(range(256)) * 8}).read_bytes()
        for cut in range(1, len(whole) - 1024 if make is tar_of else len(whole), 97):
            (tmp_path / "archive").write_bytes(whole[:cut])
            folder = tmp_path / f"unpacked-{len(whole)}-{cut}"
            folder.mkdir()
            try:
                unpacked = unpack_adapter(tmp_path / "archive", folder)
            except AdapterRefused:
                continue
            # A tar file may end after any member.
            assert {path.name for path in unpacked.folder.iterdir()} >= set(CONTENTS)


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    whole = bytearray(zip_of(tmp_path / "archive", {**CONTENTS, "head.json": b"x" * 1000}).read_bytes())
    place = whole.index(b"head.json") + len("head.json") + 2
    whole[place] ^= 0xFF
    (tmp_path / "archive").write_bytes(bytes(whole))
    with pytest.raises(AdapterRefused):
        unpack(tmp_path / "archive")


SPARSE = "GNU.sparse."


def sparse_tar(**fields: str) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as file:
        info = tarfile.TarInfo("a")
        info.size, info.pax_headers = 600, {SPARSE + name: value for name, value in fields.items()}
        file.addfile(info, io.BytesIO(b"zz\n" * 200))
    return written.getvalue()


def zip_bytes(path: Path, name: str = "a") -> bytes:
    return zip_of(path, {name: b"x"}).read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        lambda path: sparse_tar(major="1", minor="0", name="a", realsize="x"),
        lambda path: sparse_tar(major="1", minor="0", name="a", realsize="10"),
        lambda path: sparse_tar(map="a,b", size="10"),
        lambda path: sparse_tar(size="x", offset="1"),
        lambda path: zip_bytes(path, "é").replace("é".encode(), b"\xff\xff"),
        lambda path: zip_bytes(path)[:-6] + struct.pack("<I", 0xFFFFFFF0) + b"\0\0",
    ],
    ids=["sparse 1.0", "sparse 1.0 map", "sparse 0.1", "sparse 0.0", "name", "place"],
)
def test_headers_that_the_libraries_stumble_over_are_refused(
    tmp_path: Path, content: Callable[[Path], bytes]
) -> None:
    (tmp_path / "archive").write_bytes(content(tmp_path / "archive"))
    with pytest.raises(AdapterRefused, match="cannot be read"):
        unpack(tmp_path / "archive")


def test_a_name_that_is_no_text_can_be_told(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "archive", "w", format=tarfile.GNU_FORMAT) as file:
        add(file, "\udcff", b"", tarfile.SYMTYPE)
    with pytest.raises(AdapterRefused) as refused:
        unpack(tmp_path / "archive")
    assert refused.value.message.encode().startswith(b"the archive's ? is neither")
