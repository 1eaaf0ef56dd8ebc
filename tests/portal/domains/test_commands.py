"""The operator's commands and forms: shared domains are made, tenants verified, and what stands is listed."""

import io
import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from portal.audit.models import AuditEntry
from portal.catalog.models import Domain
from portal.common.scope import operator_scope, tenant_scope
from portal.domains.models import DomainJob, TenantVerification
from portal.domains.services import contribution_grant, domain_update_request
from portal.tenants.actors import OPERATOR
from tests.fakes.portal import Cast, client_of, digest, make_general, make_task, make_user
from tests.portal.domains.world import Worker, learn, trees

pytestmark = pytest.mark.database
OPERATOR_MAIL = "operator@example.com"


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("domains", *arguments, stdout=out)
    return out.getvalue()


def test_where_none_is_shared_the_list_says_so(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    make_general()
    assert said("list") == "", "nothing for programs"
    assert "domains create SLUG" in capsys.readouterr().err


def test_a_shared_domain_is_made_filled_and_listed(cast: Cast, tmp_path: Path) -> None:
    make_general()
    said("create", "press", "--name", "The press")
    said("create", "sport", "--parent", "press")
    with operator_scope():
        sport = Domain.objects.unscoped().select_related("parent").get(slug="sport")
        press = sport.parent
        assert press is not None and (press.tenant_id, press.name) == (None, "The press")
        assert AuditEntry.objects.unscoped().filter(action="domain.create").count() == 2
    task = make_task(cast.acme.tenant)
    version = learn(task, 1)
    assert version.dataset is not None
    with tenant_scope(task.tenant_id):
        contribution_grant(domain=press, dataset=version.dataset, acting=OPERATOR)
    assert "no tree; contributions 1; tenants 1, verified 0" in said("list")
    said("verify", "acme", "globex")
    assert "Press, of 2 tenants" in said("change", "press", "--name", "Press", "--min-tenants", "2")
    said("update", "press")
    Worker(tmp_path).work()
    first, second = said("list").splitlines()
    assert first.startswith(f"press; under general; tree {trees(press)[0].digest} of ")
    assert first.endswith("contributions 1; tenants 1, verified 1 of the 2 that it takes")
    assert second.startswith("sport; under press; no tree; contributions 0;")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("create", "news"), "already"),  # a tenant's
        (("create", "general"), "already"),
        (("create", "Not A Slug"), "lower-case"),
        (("create", "x", "--parent", "none"), "no shared domain none"),
        (("verify", "acme", "nobody"), "no tenant nobody"),
        (("update", "general"), "shared domain"),
        (("create", "x", "--min-tenants", "1"), "2 to 1000 tenants"),
        (("change", "general", "--name", "x"), "shared domain"),
        (("update", "news"), "shared domain"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    cast: Cast, arguments: tuple[str, ...], message: str
) -> None:
    make_general()
    make_task(cast.acme.tenant)
    with operator_scope():
        before = Domain.objects.unscoped().count()
    with pytest.raises(CommandError, match=message):
        said(*arguments)
    with operator_scope():
        assert Domain.objects.unscoped().count() == before
        assert not TenantVerification.objects.unscoped().exists()
        assert not DomainJob.objects.unscoped().exists()


def test_the_operator_makes_and_changes_a_shared_domain_in_the_console(cast: Cast, tmp_path: Path) -> None:
    make_general()
    operator = client_of(make_user(OPERATOR_MAIL, is_operator=True))
    fields = {"name": "The press", "slug": "press", "parent": "", "min_tenants": "4"}
    assert operator.post("/admin/catalog/domain/add/", fields).status_code == 302
    with operator_scope():
        press = Domain.objects.unscoped().get(slug="press")
        assert (press.tenant_id, press.name, press.min_tenants) == (None, "The press", 4)
    task = make_task(cast.acme.tenant)
    with tenant_scope(task.tenant_id):
        task.domain.parent = press
        task.domain.save()
        version = learn(task, 1)
        assert version.dataset is not None
        contribution_grant(domain=press, dataset=version.dataset, acting=OPERATOR)
    address = f"/admin/catalog/domain/{press.pk}/change/"
    page = operator.get(address).content.decode()
    assert "acme/news" in page and "acme: news-1.csv" in page
    assert operator.post(address, {"name": "Press", "slug": "other", "min_tenants": "5"}).status_code == 302
    with operator_scope():
        press.refresh_from_db()
        assert (press.name, press.slug, press.min_tenants) == ("Press", "press", 5)
        entries = AuditEntry.objects.unscoped().filter(action__startswith="domain.")
        actions = set(entries.values_list("actor", "action"))
        assert actions == {(f"user:{OPERATOR_MAIL}", f"domain.{did}") for did in ("create", "change")}
        domain_update_request(domain=press, acting=OPERATOR)
    worker = Worker(tmp_path)
    worker.work()
    assert worker.jobs()[-1]["min_tenants"] == 5


@pytest.mark.parametrize(
    "wrong",
    [{"slug": "general"}, {"slug": "news"}, {"slug": "Not A Slug"}, {"min_tenants": "1"}, {"name": ""}],
)
def test_the_console_says_what_is_wrong_with_a_shared_domain(cast: Cast, wrong: dict[str, str]) -> None:
    make_general()
    make_task(cast.acme.tenant)
    operator = client_of(make_user(OPERATOR_MAIL, is_operator=True))
    fields = {"name": "The press", "slug": "press", "parent": "", "min_tenants": "3", **wrong}
    answer = operator.post("/admin/catalog/domain/add/", fields)
    assert answer.status_code == 200
    assert b"errorlist" in answer.content or b"text-red" in answer.content
    with operator_scope():
        assert Domain.objects.unscoped().filter(tenant=None).count() == 1


def test_a_tenants_domain_and_the_root_are_read_in_the_console_and_not_changed(cast: Cast) -> None:
    root, task = make_general().domain, make_task(cast.acme.tenant)
    operator = client_of(make_user(OPERATOR_MAIL, is_operator=True))
    for domain in (root, task.domain):
        address = f"/admin/catalog/domain/{domain.pk}/change/"
        assert operator.get(address).status_code == 200
        assert operator.post(address, {"name": "x", "min_tenants": "9"}).status_code == 403
    member = cast.acme.client()
    assert member.post("/admin/catalog/domain/add/", {"name": "x", "slug": "x"}).status_code == 302
    with operator_scope():
        assert not Domain.objects.unscoped().filter(name="x").exists()


def test_the_operators_own_text_enters_with_the_next_update_and_counts_by_itself(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_general()
    said("create", "press")
    program = tmp_path / "python"
    counted = {
        "segment": {"uri": "domains/x/segments/1", "digest": digest("5"), "num_bytes": 7},
        "num_texts": 3,
        "num_repeated": 1,
        "num_known": 0,
        "num_tokens": 99,
    }
    program.write_text(f"#!/bin/sh\necho \"$@\" >> {tmp_path}/calls\necho '{json.dumps(counted)}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(settings, "ENV", settings.ENV.model_copy(update={"training_python": str(program)}))
    text = tmp_path / "text.txt"
    told = said("add-text", "press", str(text))
    assert "3 texts, 99 tokens" in told and "queued" in told
    call = (tmp_path / "calls").read_text()
    assert f"--text {text}" in call and "--parent-uri trees/general" in call and "--before" not in call
    assert "an update is under way" not in told
    assert "has this text already" in said("add-text", "press", str(text))
    assert f"--before domains/x/segments/1 {digest('5')}" in (tmp_path / "calls").read_text()
    worker = Worker(tmp_path)
    worker.work()
    (given,) = worker.jobs()[-1]["contributions"]
    assert (given["tenant_id"], given["digest"]) == (None, digest("5"))
    program.write_text(
        '#!/bin/sh\ncase "$*" in *--json*) echo "{\\"eta_s\\": 3.5}";; esac\n'
        + f"echo '{json.dumps(counted)}'\n"
    )
    events = [json.loads(line) for line in said("add-text", "press", str(text), "--json").splitlines()]
    assert events[0] == {"eta_s": 3.5}
    assert (events[1]["event"], events[1]["is_new"], events[1]["num_tokens"]) == ("text_added", False, 99)
    program.write_text("#!/bin/sh\nexit 2\n")
    with pytest.raises(CommandError, match="give the same command again"):
        said("add-text", "press", str(text))
    with pytest.raises(CommandError, match="shared domain"):
        said("add-text", "general", str(text))
