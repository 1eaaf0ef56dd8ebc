"""What a tenant may store: of files that come whole or in chunks, of versions, and of two at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from portal.common.scope import operator_scope, tenant_scope
from portal.datasets.models import DatasetUpload
from portal.tenants.models import Role, Tenant
from portal.usage.models import Plan, TenantLimits
from tests.fakes.other_session import begun_beside
from tests.fakes.portal import Cast, Member

pytestmark = pytest.mark.database
CSV = b"text,label\n" + b"".join(b"film %04d,%s\n" % (n, b"pos" if n % 2 else b"neg") for n in range(100))
RAGGED = CSV + b"one, two,pos\n"


def may_store(tenant: Tenant, num_bytes: int) -> None:
    with operator_scope():
        # Where other tests have emptied the tables, the plan that a migration made is gone.
        Plan.objects.update_or_create(slug="standard", defaults={"name": "Standard", "is_default": True})
        TenantLimits.objects.update_or_create(tenant=tenant, defaults={"max_stored_bytes": num_bytes})


def send(member: Member, content: bytes = CSV) -> Any:
    return member.client().post(f"{member.path}/datasets", {"file": SimpleUploadedFile("films.csv", content)})


def announce(client: Client, member: Member) -> Any:
    body = {"file_name": "films.csv", "num_bytes": len(CSV)}
    return client.post(f"{member.path}/uploads", body, content_type="application/json")


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def allowance(member: Member) -> tuple[int, int | None]:
    told = member.client(Role.VIEWER).get(f"{member.path}/usage/allowance").json()
    return told["stored_bytes"], told["max_stored_bytes"]


def test_a_file_for_which_there_is_no_room_is_refused_and_leaves_nothing(
    cast: Cast, store_folder: Path
) -> None:
    may_store(cast.acme.tenant, 2 * len(CSV) - 1)
    first = send(cast.acme)
    assert first.status_code == 201
    before = files_in(store_folder)
    refused = send(cast.acme)
    assert refused.status_code == 409
    error = refused.json()["error"]
    assert (error["code"], error["type"]) == ("storage_full", "conflict_error")
    assert error["details"] == {"stored_bytes": 2 * len(CSV), "max_stored_bytes": 2 * len(CSV) - 1}
    assert "delete datasets" in error["message"]
    assert files_in(store_folder) == before
    assert allowance(cast.acme) == (len(CSV), 2 * len(CSV) - 1)
    # Room is made by deleting, at once.
    deleted = cast.acme.client().delete(f"{cast.acme.path}/datasets/{first.json()['id']}")
    assert deleted.status_code == 204
    assert send(cast.acme).status_code == 201


def test_room_is_kept_for_a_file_on_its_way(cast: Cast) -> None:
    may_store(cast.acme.tenant, len(CSV))
    client = cast.acme.client(Role.DEVELOPER)
    given_up = announce(client, cast.acme).json()
    assert announce(client, cast.acme).status_code == 409
    assert send(cast.acme).status_code == 409
    client.delete(f"{cast.acme.path}/uploads/{given_up['id']}")
    upload = announce(client, cast.acme).json()
    path = f"{cast.acme.path}/uploads/{upload['id']}"
    sent = client.patch(path, CSV, content_type="application/octet-stream", headers={"Upload-Offset": "0"})
    assert sent.status_code == 200
    made = client.post(f"{path}/dataset")
    assert made.status_code == 201, made.content
    assert client.post(f"{path}/dataset").json()["id"] == made.json()["id"]
    assert allowance(cast.acme) == (len(CSV), len(CSV))


def test_each_version_has_a_file_of_its_own(cast: Cast) -> None:
    may_store(cast.acme.tenant, len(RAGGED))
    dataset = send(cast.acme, RAGGED).json()
    fix = {"fixes": ["drop:ragged_rows"]}
    path = f"{cast.acme.path}/datasets/{dataset['id']}/fixes"
    refused = cast.acme.client().post(path, fix, content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "storage_full")
    may_store(cast.acme.tenant, 2 * len(RAGGED))
    assert cast.acme.client().post(path, fix, content_type="application/json").status_code == 201


def test_a_plan_limits_those_that_have_no_limit_of_their_own(cast: Cast) -> None:
    with operator_scope():
        Plan.objects.filter(is_default=True).update(max_stored_bytes=len(CSV))
        Plan.objects.create(slug="large", name="Large")
    assert send(cast.acme).status_code == 201
    assert send(cast.acme).status_code == 409
    assert send(cast.globex).status_code == 201, "another tenant's files take nobody's room"
    may_store(cast.acme.tenant, 3 * len(CSV))
    assert send(cast.acme).status_code == 201
    with operator_scope():
        TenantLimits.objects.filter(tenant=cast.acme.tenant).update(plan="large", max_stored_bytes=None)
    assert [send(cast.acme).status_code for _ in range(3)] == [201] * 3
    assert allowance(cast.acme) == (5 * len(CSV), None)


def test_rows_that_pg_restore_brings_back_are_taken(cast: Cast) -> None:
    """Of data alone, into tables that stand: it leaves no search path."""
    may_store(cast.acme.tenant, 2 * len(CSV))
    announce(cast.acme.client(Role.DEVELOPER), cast.acme)
    another = "(jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid()))).*"
    with operator_scope(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = ''")
        cursor.execute(f"INSERT INTO public.dataset_upload SELECT {another} FROM public.dataset_upload one")
        cursor.execute("SET LOCAL search_path = public")
    assert allowance(cast.acme) == (2 * len(CSV), 2 * len(CSV))


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_that_do_not_both_fit_one_is_refused(cast: Cast) -> None:
    """The second waits for the end of the first, which nobody else can see yet."""
    may_store(cast.acme.tenant, len(CSV))
    client = cast.acme.client(Role.DEVELOPER)

    with ThreadPoolExecutor(1) as pool:
        with tenant_scope(cast.acme.tenant.pk):
            upload = DatasetUpload(tenant=cast.acme.tenant, file_name="a.csv", num_bytes=len(CSV))
            upload.save(force_insert=True)
            asked = begun_beside(pool, lambda: announce(client, cast.acme).status_code)
        assert asked.result() == 409
