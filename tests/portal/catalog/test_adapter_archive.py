"""Adapters that are taken away: over the REST API, checked, as one archive."""

import io
import json
import tarfile
from typing import Any

import pytest
from django.conf import settings

from portal.audit.models import AuditEntry
from portal.catalog.adapter_archive import AdapterBroken, open_archive
from portal.catalog.models import AdapterVersion
from portal.common.scope import tenant_scope
from portal.common.store import ObjectStore
from portal.tenants.models import Role
from tests.fakes.bundles import FILES, make_stored_version, put_bundle
from tests.fakes.portal import Cast, client_of, client_with, make_general, make_key, make_task

pytestmark = pytest.mark.database


@pytest.fixture
def store() -> ObjectStore:
    return ObjectStore(settings.ENV.store_url)


@pytest.fixture
def version(cast: Cast) -> AdapterVersion:
    """Of acme's task news, with its files."""
    return make_stored_version(make_task(cast.acme.tenant))


def address(cast: Cast) -> str:
    return f"{cast.acme.path}/tasks/news/versions/1/adapter"


def members_of(archive: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as opened:
        for member in opened:
            content = opened.extractfile(member)
            assert content is not None
            found[member.name] = content.read()
    return found


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_version_is_taken_away_as_it_stands_in_the_store(
    cast: Cast, version: AdapterVersion, store: ObjectStore
) -> None:
    answer = cast.acme.client(Role.DEVELOPER).get(address(cast))
    assert answer.status_code == 200
    content = answer.getvalue()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="news-1.tar"'
    assert answer.headers["Content-Type"] == "application/x-tar"
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["ETag"] == f'"{version.bundle_digest}"'
    with store.open(f"{version.bundle_uri}/manifest.json") as file:
        assert members_of(content) == {**FILES, "manifest.json": file.read()}
    assert cast.acme.client(Role.OWNER).get(address(cast)).getvalue() == content


def test_who_took_it_stands_in_the_audit_log(cast: Cast, version: AdapterVersion) -> None:
    cast.acme.client(Role.DEVELOPER).get(address(cast))
    with tenant_scope(cast.acme.tenant.id):
        entry = AuditEntry.objects.for_tenant(cast.acme.tenant).get(action="version.download")
    assert entry.actor == f"user:{cast.acme.developer.email}"
    assert entry.target_id == str(version.pk)
    assert entry.details == {"task": "news", "number": 1, "digest": version.bundle_digest}


def test_what_the_caller_has_already_is_not_sent_again(cast: Cast, version: AdapterVersion) -> None:
    tag = f'"{version.bundle_digest}"'
    answer = cast.acme.client().get(address(cast), headers={"If-None-Match": tag})
    assert (answer.status_code, answer.headers["ETag"], answer.content) == (304, tag, b"")


def test_a_key_takes_it_too_and_a_viewer_does_not(cast: Cast, version: AdapterVersion) -> None:
    assert client_with(make_key(cast.acme.tenant)).get(address(cast)).status_code == 200
    viewer = cast.acme.client(Role.VIEWER)
    assert error_of(viewer.get(address(cast))) == (403, "forbidden")
    assert viewer.head(address(cast)).status_code == 403


def test_another_tenants_adapter_is_not_there(cast: Cast, version: AdapterVersion) -> None:
    for stranger in (cast.globex.client(), client_with(make_key(cast.globex.tenant)), client_of(cast.nobody)):
        assert error_of(stranger.get(address(cast))) == (404, "not_found")
    make_task(cast.globex.tenant)
    theirs = f"{cast.globex.path}/tasks/news/versions/1/adapter"
    assert error_of(cast.globex.client().get(theirs)) == (404, "not_found")


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_file_that_has_changed_or_is_gone_is_not_given_away(
    cast: Cast, version: AdapterVersion, store: ObjectStore, name: str
) -> None:
    uri = f"{version.bundle_uri}/{name}"
    with store.open(uri) as file:
        content = file.read()
    with store.write(uri) as file:
        file.write(content[:-1] + bytes([content[-1] ^ 1]))
    answer = cast.acme.client().get(address(cast))
    assert error_of(answer) == (503, "bundle_broken")
    assert name in answer.json()["error"]["message"]
    store.delete(uri)
    assert error_of(cast.acme.client().get(address(cast))) == (503, "bundle_broken")
    with tenant_scope(cast.acme.tenant.id):
        assert not AuditEntry.objects.for_tenant(cast.acme.tenant).filter(action="version.download").exists()


def test_another_bundle_in_its_place_is_not_given_away(version: AdapterVersion, store: ObjectStore) -> None:
    put_bundle(store, version.bundle_uri, {**FILES, "head.safetensors": b"another head"})
    with pytest.raises(AdapterBroken, match="manifest"):
        open_archive(version.bundle_uri, version.bundle_digest, store)


def test_of_a_deleted_task_nothing_is_there(cast: Cast, version: AdapterVersion) -> None:
    make_general()
    assert cast.acme.client().delete(f"{cast.acme.path}/tasks/news").status_code == 204
    assert error_of(cast.acme.client().get(address(cast))) == (404, "not_found")


@pytest.fixture
def whole(version: AdapterVersion) -> AdapterVersion:
    """The version, measured offline."""
    version.report = {**version.report, "offline": OFFLINE}
    with tenant_scope(version.tenant_id):
        version.save()
    return version


OFFLINE = {"rows": 40, "same_label_share": 0.975, "max_score_difference": 0.12, "mean_score_difference": 0.01}


def offline(cast: Cast) -> str:
    return f"{cast.acme.path}/tasks/news/versions/1/offline"


def test_a_version_is_taken_away_with_its_backbone_and_without_any_plot(
    cast: Cast, whole: AdapterVersion
) -> None:
    answer = cast.acme.client(Role.DEVELOPER).get(offline(cast))
    assert answer.status_code == 200
    content = answer.getvalue()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="news-1-offline.tar"'
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["ETag"] == f'"{whole.bundle_digest}-offline"'
    members = members_of(content)
    assert {name for name in members if not name.endswith("manifest.json")} == {
        *(f"store/version/{name}" for name in FILES),
        "store/backbone/lower.safetensors",
        "store/backbone/upper",
        "offline.json",
        "hplm.json",
    }
    assert json.loads(members["offline.json"]) == OFFLINE
    assert json.loads(members["hplm.json"])["tree"] is None
    assert cast.acme.client().get(offline(cast)).getvalue() == content


def test_what_was_cut_off_is_gone_on_with_from_any_byte(cast: Cast, whole: AdapterVersion) -> None:
    client = cast.acme.client()
    answer = client.get(offline(cast))
    content, tag = answer.getvalue(), answer.headers["ETag"]
    assert answer.headers["Accept-Ranges"] == "bytes"
    for start in (1, len(content) // 2, len(content) - 1):
        rest = client.get(offline(cast), headers={"Range": f"bytes={start}-", "If-Range": tag})
        assert rest.status_code == 206
        assert rest.headers["Content-Range"] == f"bytes {start}-{len(content) - 1}/{len(content)}"
        assert rest.headers["Content-Length"] == str(len(content) - start)
        assert rest.getvalue() == content[start:]
    over = client.get(offline(cast), headers={"Range": f"bytes={len(content)}-"})
    assert (over.status_code, over.headers["Content-Range"]) == (416, f"bytes */{len(content)}")
    assert over.json()["error"]["code"] == "range_not_satisfiable"


def test_an_archive_can_be_had_from_each_of_its_bytes_on(version: AdapterVersion, store: ObjectStore) -> None:
    archive = open_archive(version.bundle_uri, version.bundle_digest, store)
    content = b"".join(archive.pieces())
    for start in range(0, archive.num_bytes, 211):
        assert b"".join(archive.pieces(start)) == content[start:]


@pytest.mark.parametrize(
    "headers",
    [{"Range": "bytes=10-", "If-Range": '"another"'}, {"Range": "bytes=10-20"}, {"Range": "lines=1-"}],
)
def test_other_parts_than_the_rest_of_the_same_file_are_the_whole(
    cast: Cast, whole: AdapterVersion, headers: dict[str, str]
) -> None:
    answer = cast.acme.client().get(offline(cast), headers=headers)
    assert answer.status_code == 200 and "Content-Range" not in answer.headers
    assert answer.headers["Content-Length"] == str(len(answer.getvalue()))


def test_one_that_was_not_measured_says_so(cast: Cast, whole: AdapterVersion) -> None:
    with tenant_scope(whole.tenant_id):
        whole.report = {}
        whole.save()
    members = members_of(cast.acme.client().get(offline(cast)).getvalue())
    assert json.loads(members["offline.json"]) is None


def test_who_took_it_offline_stands_in_the_audit_log(cast: Cast, whole: AdapterVersion) -> None:
    cast.acme.client(Role.DEVELOPER).get(offline(cast))
    with tenant_scope(cast.acme.tenant.id):
        entry = AuditEntry.objects.for_tenant(cast.acme.tenant).get(action="version.export")
    assert (entry.actor, entry.target_id) == (f"user:{cast.acme.developer.email}", str(whole.pk))


def test_neither_viewers_nor_other_tenants_take_it_offline(cast: Cast, whole: AdapterVersion) -> None:
    assert error_of(cast.acme.client(Role.VIEWER).get(offline(cast))) == (403, "forbidden")
    for stranger in (cast.globex.client(), client_with(make_key(cast.globex.tenant)), client_of(cast.nobody)):
        assert error_of(stranger.get(offline(cast))) == (404, "not_found")
    make_task(cast.globex.tenant)
    theirs = f"{cast.globex.path}/tasks/news/versions/1/offline"
    assert error_of(cast.globex.client().get(theirs)) == (404, "not_found")


@pytest.mark.parametrize("part", ["version", "backbone"])
def test_nothing_is_given_away_when_a_part_of_it_has_changed(
    cast: Cast, whole: AdapterVersion, store: ObjectStore, part: str
) -> None:
    uri, name = (
        (whole.bundle_uri, "head.safetensors")
        if part == "version"
        else (whole.backbone.uri, "lower.safetensors")
    )
    with store.write(f"{uri}/{name}") as file:
        file.write(b"something else")
    assert error_of(cast.acme.client().get(offline(cast))) == (503, "bundle_broken")
    with tenant_scope(cast.acme.tenant.id):
        assert not AuditEntry.objects.for_tenant(cast.acme.tenant).filter(action="version.export").exists()
