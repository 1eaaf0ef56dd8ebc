"""Health, metrics, the dashboard's page, the console and the schema."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.core import management
from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend
from django.db import connection
from django.db.models import CharField, Model
from django.http import Http404
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.audit.models import AuditEntry
from portal.common.frontend import dashboard
from portal.common.scope import operator_scope, tenant_scope
from portal.datasets.findings import Example, Finding
from portal.datasets.models import Dataset
from portal.usage.models import UsageEvent
from tests.conftest import ROOT
from tests.fakes.portal import (
    Cast,
    client_of,
    make_dataset,
    make_general,
    make_job,
    make_key,
    make_task,
    make_user,
    make_version,
)


def test_the_process_is_healthy_without_its_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.database
def test_it_is_ready_when_database_and_broker_answer(db: None, client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.json() == {"status": "ready", "checks": {"database": "ok", "broker": "ok"}}


def test_it_is_not_ready_without_them(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.common.health._database", lambda: "unavailable")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "unavailable"


@pytest.mark.database
def test_metrics_name_routes_and_no_tenant(cast: Cast) -> None:
    client = cast.acme.client()
    client.get(f"{cast.acme.path}/tasks")
    text = client.get("/metrics").content.decode()
    assert 'route="api/v1/tenants/<slug:tenant>/tasks",status="200"' in text
    assert "acme" not in text


def test_the_dashboards_page_is_answered_for_its_addresses_uncached(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html>dashboard</html>")
    for path in ("/", "/acme/tasks", "/sign-in"):
        answer = dashboard(RequestFactory().get(path), folder=tmp_path)
        assert answer.content == b"<html>dashboard</html>"
        assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/assets/gone.js", "/favicon.ico"])
def test_a_file_that_is_not_there_is_not_the_dashboards_page(tmp_path: Path, path: str) -> None:
    (tmp_path / "index.html").write_text("<html>dashboard</html>")
    with pytest.raises(Http404):
        dashboard(RequestFactory().get(path), folder=tmp_path)


def test_without_a_built_dashboard_there_is_no_page(client: Client, tmp_path: Path) -> None:
    assert client.get("/").status_code == 404
    with pytest.raises(Http404):
        dashboard(RequestFactory().get("/"), folder=tmp_path)


def test_the_consoles_styles_are_served_as_listed_at_the_start(client: Client, settings: Settings) -> None:
    settings.WHITENOISE_AUTOREFRESH = False  # as in an installation
    answer = client.get("/static/unfold/css/styles.css")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, 'text/css; charset="utf-8"')
    assert b"{" in answer.getvalue()
    assert client.get("/static/unfold/css/gone.css").status_code == 404


def test_every_answer_tells_browsers_to_load_nothing_from_elsewhere(client: Client) -> None:
    answer = client.get("/healthz")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe-eval" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.database
def test_the_apis_answers_are_asked_for_again_each_time(cast: Cast) -> None:
    assert cast.acme.client().get("/api/v1/me").headers["Cache-Control"] == "private, no-cache"


CONSOLE_PAGES = [
    "tenants_user",
    "tenants_tenant",
    "tenants_membership",
    "tenants_apikey",
    "catalog_backbone",
    "catalog_domain",
    "catalog_segment",
    "catalog_treeversion",
    "catalog_task",
    "catalog_adapterversion",
    "datasets_dataset",
    "training_trainingjob",
    "serving_deployment",
    "serving_driftalarm",
    "usage_usageday",
    "audit_auditentry",
]


@pytest.mark.database
@pytest.mark.parametrize("page", CONSOLE_PAGES)
def test_the_operator_sees_every_tenants_rows_and_changes_none(cast: Cast, page: str) -> None:
    make_general()
    for member in (cast.acme, cast.globex):
        task, dataset = make_task(member.tenant), make_dataset(member.tenant)
        make_job(task, dataset)
        version = make_version(task)
        make_key(member.tenant)
        answer = member.client().post(
            f"{member.path}/tasks/news/deployments",
            {"version": version.number},
            content_type="application/json",
        )
        assert answer.status_code == 201
    operator = client_of(make_user("operator@hmi.local", is_operator=True))
    answer = operator.get(reverse(f"admin:{page}_changelist"))
    assert answer.status_code == 200
    result = answer.context["cl"]
    if page in ("catalog_task", "tenants_apikey", "serving_deployment"):
        assert result.result_count == 2
    assert operator.get(reverse(f"admin:{page}_changelist") + "?q=acme").status_code == 200
    is_made_here = page == "catalog_domain"  # shared ones
    assert operator.get(reverse(f"admin:{page}_add")).status_code == (200 if is_made_here else 403)
    for row in result.result_list[:1]:
        shown = operator.get(reverse(f"admin:{page}_change", args=[row.pk]))
        assert shown.status_code == 200
        assert operator.post(reverse(f"admin:{page}_change", args=[row.pk]), {}).status_code == 403
        assert (
            operator.post(reverse(f"admin:{page}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        )
        assert b"key_sha256" not in shown.content and b"argon2" not in shown.content


@pytest.mark.database
def test_the_console_tells_figures_and_names_as_people_read_them(cast: Cast) -> None:
    job = make_job(make_task(cast.acme.tenant), make_dataset(cast.acme.tenant))
    with tenant_scope(cast.acme.tenant.id):
        type(job).objects.for_tenant(cast.acme.tenant).update(share=0.25, validation_accuracy=0.9598214)
    operator = client_of(make_user("operator@hmi.local", is_operator=True))
    trainings = operator.get(reverse("admin:training_trainingjob_changelist")).content.decode()
    assert "25%" in trainings and "0.960" in trainings and "0.9598214" not in trainings
    start = operator.get("/admin/").content.decode().lower()
    assert "audit entries" in start and "webhook deliveries" in start
    assert "times are utc" in start and ">dashboard<" in "".join(start.split())


def ids_and_counts() -> dict[str, Any]:
    """Of a usage event."""
    ids = {name: uuid4() for name in ("task_id", "key_id", "version_id")}
    return {**ids, "created_at": timezone.now(), "num_texts": 1, "num_tokens": 9, "num_truncated": 0}


@pytest.mark.database
def test_lists_of_ids_alone_name_their_tenants_without_a_query_for_each(cast: Cast) -> None:
    acme, globex = cast.acme.tenant, cast.globex.tenant
    gone = uuid4()
    with operator_scope():
        for tenant_id in (acme.id, gone, None):
            AuditEntry(tenant_id=tenant_id, actor="operator", action="test.do").save()
            if tenant_id is not None:
                UsageEvent(tenant_id=tenant_id, **ids_and_counts()).save(force_insert=True)
    operator = client_of(make_user("operator@hmi.local", is_operator=True))
    link = f'<a href="/admin/tenants/tenant/{acme.id}/change/">acme</a>'
    for page in ("audit_auditentry", "usage_usageday"):
        address = reverse(f"admin:{page}_changelist")
        with CaptureQueriesContext(connection) as few:
            shown = operator.get(address).content.decode()
        num_queries = len(few)  # the next request forgets them
        assert link in shown and str(gone) in shown
        found = operator.get(address, {"q": "acme"}).content.decode()
        assert link in found and str(gone) not in found
        with operator_scope():
            for _ in range(5):
                AuditEntry(tenant_id=globex.id, actor="operator", action="test.do").save()
                UsageEvent(tenant_id=globex.id, **ids_and_counts()).save(force_insert=True)
        with CaptureQueriesContext(connection) as many:
            assert ">globex</a>" in operator.get(address).content.decode()
        assert len(many) == num_queries > 0


@pytest.mark.database
@pytest.mark.parametrize("model", admin.site._registry, ids=str)
def test_a_nul_in_an_address_of_the_console_is_refused(db: None, model: type[Model]) -> None:
    operator = client_of(make_user("operator@hmi.local", is_operator=True))
    page = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    fields = [field.name for field in model._meta.fields if isinstance(field, CharField)]
    asked = [{"q": "a\0"}, {"o": "\0"}, {"a\0": "b"}, *({f"{name}__exact": "\0"} for name in fields)]
    for query in asked:
        answer = operator.get(reverse(f"{page}_changelist"), query)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_field"), query
    assert operator.get(reverse(f"{page}_change", args=["a\0"])).status_code == 400
    assert operator.get(reverse(f"{page}_change", args=["a_00"])).status_code == 302  # the console's own way


@pytest.mark.database
def test_the_console_shows_no_row_of_a_dataset(cast: Cast) -> None:
    acme = cast.acme.tenant
    dataset = make_dataset(acme)
    finding = Finding("long_text", "1 row is long.", "Cut it.", examples=(Example(2, "my private letter"),))
    with tenant_scope(acme.id):
        Dataset.objects.for_tenant(acme).update(
            report={"findings": [finding.as_json()]}, fixes=[{"values": {"label": "my private label"}}]
        )
    operator = client_of(make_user("operator@hmi.local", is_operator=True))
    shown = operator.get(reverse("admin:datasets_dataset_change", args=[dataset.pk])).content
    assert b"news.csv" in shown and b"my private" not in shown


@pytest.mark.database
def test_the_console_is_closed_to_tenants(cast: Cast, client: Client) -> None:
    for stranger in (client, cast.acme.client()):
        answer = stranger.get("/admin/catalog/task/")
        assert answer.status_code == 302 and answer.headers["Location"].startswith("/admin/login/")


@pytest.mark.database
def test_the_operator_reads_the_mail_that_was_written_to_files(
    db: None, client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.EMAIL_FILE_PATH = tmp_path
    backend = EmailBackend(file_path=str(tmp_path))
    backend.send_messages([EmailMessage("Welcome", "to HMI", "hmi@localhost", ["ada@example.com"])])
    operator = client_of(make_user("operator@hmi.local", is_operator=True))
    [written] = tmp_path.iterdir()
    assert written.name.encode() in operator.get("/admin/mail/").content
    assert b"ada@example.com" in operator.get(f"/admin/mail/{written.name}").content
    assert operator.get("/admin/mail/other.log").status_code == 404
    assert client.get("/admin/mail/").status_code == 302


@pytest.mark.database
def test_the_schema_and_its_pages_are_public(db: None, client: Client) -> None:
    assert client.get("/api/v1/schema").status_code == 200
    assert client.get("/api/v1/docs").status_code == 200


def test_the_exported_schema_is_what_the_code_says(tmp_path: Path) -> None:
    fresh = tmp_path / "openapi.json"
    management.call_command(
        "spectacular", file=str(fresh), format="openapi-json", validate=True, fail_on_warn=True
    )
    exported = ROOT / "frontend" / "openapi.json"
    assert exported.read_text() == fresh.read_text(), "run manage.py spectacular (see CONTRIBUTING.md)"
