"""What is refused as an archive to predict offline."""

from pathlib import Path

import pytest

from hmi_client.errors import ClientError
from hmi_client.offline_archive import check_offline
from tests.fakes.offline_archive import FILES, PARITY, offline_archive


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "news.tar"


@pytest.mark.parametrize("parity", [PARITY, None])
def test_a_whole_one_tells_how_far_its_answers_are_from_those_served(file: Path, parity: object) -> None:
    file.write_bytes(offline_archive(parity=parity))
    assert check_offline(file) == parity


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_has_changed_is_named(file: Path, name: str) -> None:
    changed = FILES[name][:-1] + b"?"
    file.write_bytes(offline_archive(**{name: changed}))
    with pytest.raises(ClientError, match=f"{name} has other bytes"):
        check_offline(file)


@pytest.mark.parametrize(
    "name",
    [*FILES, "store/version/manifest.json", "store/backbone/manifest.json", "offline.json", "hplm.json"],
)
def test_one_that_lacks_a_member_is_refused(file: Path, name: str) -> None:
    file.write_bytes(offline_archive(**{name: None}))
    with pytest.raises(ClientError, match=name):
        check_offline(file)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.9])
def test_a_part_of_one_is_refused(file: Path, share: float) -> None:
    content = offline_archive()
    file.write_bytes(content[: int(share * 12_000)])
    with pytest.raises(ClientError):
        check_offline(file)


@pytest.mark.parametrize("content", [b"<html>a proxy's page</html>" * 100, b"\0" * 10_240])
def test_what_is_no_archive_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ClientError):
        check_offline(file)


@pytest.mark.parametrize("manifest", [b"[]", b"{}", b'{"files": []}', b'{"files": {"a": 1}}', b"no JSON"])
def test_a_manifest_that_is_none_is_refused(file: Path, manifest: bytes) -> None:
    file.write_bytes(offline_archive(**{"store/version/manifest.json": manifest}))
    with pytest.raises(ClientError):
        check_offline(file)
