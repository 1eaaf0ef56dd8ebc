"""Registering what trainings made and what the operator prepared."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.audit.models import AuditEntry
from portal.catalog.models import AdapterVersion, Backbone, Domain, PrivateLeaf, Segment, TreeVersion
from portal.catalog.selectors import backbone_default, general_tree
from portal.catalog.services import task_create, task_labels_set, tree_register, version_register
from portal.common.errors import PortalError
from portal.common.scope import operator_scope, tenant_scope
from portal.tenants.actors import OPERATOR
from tests.fakes.portal import LABELS, Cast, digest, make_backbone, make_dataset, make_general, make_task
from wire.ids import BundleUri, Digest
from wire.training import PublishedBundle, TrainResult

pytestmark = pytest.mark.database


def _bundle(name: str, letter: str) -> PublishedBundle:
    return PublishedBundle(uri=BundleUri(name), digest=Digest("sha256:" + letter * 64), num_bytes=7)


def _result(letter: str) -> TrainResult:
    return TrainResult(
        version=_bundle(f"v/{letter}", letter),
        tree=_bundle(f"t/{letter}", letter),
        segment=_bundle(f"s/{letter}", letter),
        report={"accuracy": 0.9, "coverage": {"trigram": 0.5}},
    )


def test_a_version_comes_with_its_segment_and_tree_and_a_number(cast: Cast) -> None:
    task, dataset, backbone = make_task(cast.acme.tenant), make_dataset(cast.acme.tenant), make_backbone()
    with tenant_scope(cast.acme.tenant.id):
        versions = [
            version_register(
                task=task,
                job_id=uuid4(),
                dataset=dataset,
                backbone=backbone,
                labels=LABELS,
                parent_digest=digest("e"),
                segments=(),
                result=_result(letter),
            )
            for letter in "ab"
        ]
        assert [version.number for version in versions] == [1, 2]
        assert versions[0].tree_version.domain == task.domain
        assert versions[0].tree_version.coverage == {"trigram": 0.5}
        segment = Segment.objects.for_tenant(cast.acme.tenant).get()
        assert (segment.domain, segment.dataset, segment.uri) == (task.domain, dataset, "s/b")
        actor = AuditEntry.objects.for_tenant(cast.acme.tenant).latest("id").actor
        assert actor == f"job:{versions[1].training_job_id}"


def test_a_version_in_a_shared_domain_looks_up_in_its_tree_and_may_have_a_leaf(cast: Cast) -> None:
    general, dataset, acme = make_general(), make_dataset(cast.acme.tenant), cast.acme.tenant
    with tenant_scope(acme.id):
        task = task_create(tenant=acme, name="News", slug=None, domain_slug="general", acting=OPERATOR)
        leaf = _bundle("v/a.leaf-1", "c")
        version = version_register(
            task=task,
            job_id=uuid4(),
            dataset=dataset,
            backbone=general.backbone,
            labels=LABELS,
            parent_digest=general.digest,
            segments=(),
            result=replace(_result("a"), leaf=leaf),
        )
        assert version.tree_version == general
        assert (version.private_leaf.digest, version.private_leaf.dataset_id) == (leaf.digest, dataset.pk)
        assert TreeVersion.objects.for_tenant(acme).count() == 0
    with tenant_scope(cast.globex.tenant.id):
        assert not PrivateLeaf.objects.unscoped().exists(), "another tenant sees none"


def test_registering_a_job_again_changes_nothing(cast: Cast) -> None:
    task, dataset, backbone = make_task(cast.acme.tenant), make_dataset(cast.acme.tenant), make_backbone()
    job_id = uuid4()
    with tenant_scope(cast.acme.tenant.id):
        first, again = (
            version_register(
                task=task,
                job_id=job_id,
                dataset=dataset,
                backbone=backbone,
                labels=LABELS,
                parent_digest=digest("e"),
                segments=(),
                result=_result(letter),
            )
            for letter in "ab"
        )
        assert again == first
        assert again.bundle_uri == "v/a"
        assert AdapterVersion.objects.for_tenant(cast.acme.tenant).count() == 1
        assert AuditEntry.objects.for_tenant(cast.acme.tenant).filter(action="version.register").count() == 1


def test_a_tree_with_known_content_is_not_registered_twice(cast: Cast) -> None:
    task, dataset, backbone = make_task(cast.acme.tenant), make_dataset(cast.acme.tenant), make_backbone()
    with tenant_scope(cast.acme.tenant.id):
        for _ in range(2):
            version_register(
                task=task,
                job_id=uuid4(),
                dataset=dataset,
                backbone=backbone,
                labels=LABELS,
                parent_digest=digest("e"),
                segments=(),
                result=_result("a"),
            )
        assert TreeVersion.objects.for_tenant(cast.acme.tenant).count() == 1


def test_a_tree_made_again_lies_where_it_did_or_if_that_is_gone_where_it_was_made(cast: Cast) -> None:
    domain, backbone = make_task(cast.acme.tenant).domain, make_backbone()
    with operator_scope():

        def register(uri: str, dataset: str) -> TreeVersion:
            return tree_register(
                domain=domain,
                backbone=backbone,
                bundle=_bundle(uri, "a"),
                parent=None,
                segments=[{"dataset": dataset, "uri": f"s/{dataset}", "digest": digest("5")}],
                coverage={},
            )

        first = register("t/first", "one")
        first.retired_at = timezone.now()
        first.save()
        again = register("t/second", "two")
        assert (again.pk, again.uri, again.retired_at) == (first.pk, "t/first", None)
        assert [one["dataset"] for one in again.segments] == ["two"], "what it is made from now"
        again.retired_at = again.destroyed_at = timezone.now()
        again.save()
        anew = register("t/third", "two")
        assert (anew.pk, anew.uri, anew.destroyed_at) == (first.pk, "t/third", None)


def test_the_first_trainings_labels_stay(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    with tenant_scope(cast.acme.tenant.id):
        task_labels_set(task=task, labels=["other"])
        assert task.labels == LABELS
        task.labels = []
        task_labels_set(task=task, labels=["first"])
        task.refresh_from_db()
        assert task.labels == ["first"]


def test_before_the_operator_registers_anything_training_is_not_ready(cast: Cast) -> None:
    with pytest.raises(PortalError, match="backbone"):
        backbone_default()
    backbone = make_backbone()
    with tenant_scope(cast.acme.tenant.id), pytest.raises(PortalError, match="tree"):
        general_tree(tenant=cast.acme.tenant, backbone=backbone)
    tree = make_general()
    with tenant_scope(cast.acme.tenant.id):
        assert general_tree(tenant=cast.acme.tenant, backbone=backbone) == tree


def _write(folder: Path, letter: str) -> list[str]:
    digest = "sha256:" + letter * 64
    backbone, tree = folder / "backbone.json", folder / "tree.json"
    backbone.write_text(json.dumps({"uri": "backbones/minilm-k3", "digest": digest, "num_bytes": 9}))
    tree.write_text(
        json.dumps(
            {
                "uri": "trees/general",
                "digest": digest,
                "num_bytes": 9,
                "coverage": {"trigram": 0.4},
                "num_rows": {"unigram": 30522},
            }
        )
    )
    return ["--backbone-json", str(backbone), "--tree-json", str(tree)]


def test_what_the_operator_prepared_is_registered_once(
    db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        call_command("catalog_register", *_write(tmp_path, "a"))
    backbone = backbone_default()
    assert (backbone.name, backbone.uri) == ("minilm-k3", "backbones/minilm-k3")
    with operator_scope():
        tree = TreeVersion.objects.unscoped().get()
        assert (tree.tenant_id, tree.domain.slug, tree.backbone) == (None, "general", backbone)
        assert tree.coverage["num_rows"] == {"unigram": 30522}
        actions = AuditEntry.objects.unscoped().order_by("id").values_list("action", flat=True)
        assert list(actions) == ["backbone.register", "tree.register"]
    assert "backbones/minilm-k3" in capsys.readouterr().out


def test_a_new_backbone_takes_the_old_ones_place(db: None, tmp_path: Path) -> None:
    for letter in "aba":
        call_command("catalog_register", *_write(tmp_path, letter))
        assert backbone_default().digest == "sha256:" + letter * 64
    assert Backbone.objects.count() == 2
    with operator_scope():
        assert Domain.objects.unscoped().count() == 1


@pytest.mark.parametrize("content", ["", "[]", '{"uri": "x"}', '{"uri": 1, "digest": "d", "num_bytes": 2}'])
def test_a_file_that_is_not_the_commands_output_is_refused(db: None, tmp_path: Path, content: str) -> None:
    arguments = _write(tmp_path, "a")
    Path(arguments[1]).write_text(content)
    with pytest.raises(CommandError, match=r"backbone\.json"):
        call_command("catalog_register", *arguments)
    assert not Backbone.objects.exists()
