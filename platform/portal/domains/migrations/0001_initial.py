"""The first tables of this app, who may see which of their rows, and the ledger's trigger."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import portal.domains.models
from portal.common.rls import protect

# A dataset's line in the ledger is written by the deletion itself, so that no way of deleting forgets it.
LEDGER = """
CREATE FUNCTION dataset_deletion_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deletion_record (id, tenant_id, subject, subject_id, segments, versions, trees, deleted_at)
    VALUES (gen_random_uuid(), OLD.tenant_id, 'dataset', OLD.id,
        coalesce((SELECT jsonb_agg(jsonb_build_object('dataset', s.dataset_id::text, 'uri', s.uri, 'digest', s.digest))
                  FROM (SELECT DISTINCT ON (dataset_id) * FROM segment WHERE dataset_id = OLD.id
                        ORDER BY dataset_id, created_at) s), '[]'),
        coalesce((SELECT jsonb_agg(jsonb_build_object('task', k.slug, 'number', v.number, 'digest', v.bundle_digest)
                                   ORDER BY k.slug, v.number)
                  FROM adapter_version v JOIN task k ON k.id = v.task_id WHERE v.dataset_id = OLD.id), '[]'),
        '[]', now());
    RETURN NULL;
END $$;
CREATE TRIGGER dataset_deletion_note AFTER UPDATE OF deleted_at ON dataset
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION dataset_deletion_note();
"""
NO_LEDGER = "DROP TRIGGER dataset_deletion_note ON dataset; DROP FUNCTION dataset_deletion_note();"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0002_tree_life"),
        ("datasets", "0002_doctor"),
        ("serving", "0003_followed_tree"),
        ("tenants", "0002_apikey_task"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DeletionRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("tenant_id", models.UUIDField()),
                (
                    "subject",
                    models.CharField(
                        choices=[
                            ("dataset", "Dataset"),
                            ("tenant", "Tenant"),
                            ("contribution", "Contribution"),
                        ],
                        max_length=16,
                    ),
                ),
                ("subject_id", models.UUIDField()),
                ("domain_id", models.UUIDField(null=True)),
                ("segments", models.JSONField(default=portal.domains.models._empty_list)),
                ("versions", models.JSONField(default=portal.domains.models._empty_list)),
                ("trees", models.JSONField(default=portal.domains.models._empty_list)),
                ("deleted_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("forgotten_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "deletion_record",
                "indexes": [
                    models.Index(fields=["tenant_id", "-deleted_at"], name="deletion_record_tenant"),
                    models.Index(
                        condition=models.Q(("forgotten_at", None)),
                        fields=["deleted_at"],
                        name="deletion_record_pending",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GateConsent",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("granted_by", models.CharField(max_length=300)),
                (
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalog.task"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "gate_consent",
            },
        ),
        migrations.CreateModel(
            name="HeldTask",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("until", models.DateTimeField()),
                ("verdict", models.JSONField()),
                (
                    "deployment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="serving.deployment"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
                (
                    "tree",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.treeversion",
                    ),
                ),
            ],
            options={
                "db_table": "held_task",
            },
        ),
        migrations.CreateModel(
            name="Contribution",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("granted_by", models.CharField(max_length=300)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_by", models.CharField(blank=True, default="", max_length=300)),
                ("private_share", models.FloatField(null=True)),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="datasets.dataset"
                    ),
                ),
                (
                    "domain",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalog.domain"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "contribution",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at", None)),
                        fields=("domain", "dataset"),
                        name="contribution_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DomainJob",
            fields=[
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("phase", models.CharField(blank=True, default="", max_length=32)),
                ("step", models.PositiveIntegerField(default=0)),
                ("num_steps", models.PositiveIntegerField(default=0)),
                ("eta_s", models.FloatField(null=True)),
                ("message", models.CharField(blank=True, default="", max_length=500)),
                ("error", models.JSONField(null=True)),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("lease_owner", models.CharField(max_length=200, null=True)),
                ("lease_expires_at", models.DateTimeField(null=True)),
                ("cancel_requested", models.BooleanField(default=False)),
                ("enqueued_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "does",
                    models.CharField(choices=[("update", "Update"), ("suggest", "Suggest")], max_length=16),
                ),
                ("out_uri", models.CharField(blank=True, default="", max_length=300)),
                ("result", models.JSONField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="datasets.dataset",
                    ),
                ),
                (
                    "domain",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.domain",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "tree",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="catalog.treeversion",
                    ),
                ),
            ],
            options={
                "db_table": "domain_job",
                "indexes": [models.Index(fields=["domain", "-created_at"], name="domain_job_domain")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("does", "update"), ("state__in", ["queued", "running"])),
                        fields=("domain",),
                        name="domain_job_one_update",
                    ),
                    models.UniqueConstraint(fields=("dataset",), name="domain_job_one_suggestion"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OperatorSegment",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("uri", models.CharField(max_length=300)),
                ("digest", models.CharField(max_length=71)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "domain",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalog.domain"
                    ),
                ),
            ],
            options={
                "db_table": "operator_segment",
                "constraints": [
                    models.UniqueConstraint(fields=("domain", "digest"), name="operator_segment_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="TenantVerification",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("verified_by", models.CharField(max_length=300)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "tenant_verification",
                "constraints": [models.UniqueConstraint(fields=("tenant",), name="tenant_verified_once")],
            },
        ),
        protect("domain_job"),
        protect("contribution"),
        protect("gate_consent"),
        protect("tenant_verification", write="false"),
        protect("operator_segment", read="false", write="false"),
        protect("held_task"),
        protect("deletion_record"),
        migrations.RunSQL(LEDGER, NO_LEDGER),
    ]
