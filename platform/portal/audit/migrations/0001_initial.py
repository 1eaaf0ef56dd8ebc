"""The first tables of this app, and who may see which of their rows."""

import django.core.serializers.json
import django.utils.timezone
from django.db import migrations, models

import portal.audit.models
from portal.common.rls import PORTAL_ROLE, protect


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("tenant_id", models.UUIDField(null=True)),
                ("actor", models.CharField(max_length=300)),
                ("action", models.CharField(max_length=64)),
                ("target_type", models.CharField(max_length=64)),
                ("target_id", models.CharField(max_length=64)),
                (
                    "details",
                    models.JSONField(
                        default=portal.audit.models._no_details,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                    ),
                ),
            ],
            options={
                "db_table": "audit_entry",
                "indexes": [models.Index(fields=["tenant_id", "-id"], name="audit_entry_tenant")],
            },
        ),
        protect("audit_entry"),
        migrations.RunSQL(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON audit_entry FROM {PORTAL_ROLE}",
            f"GRANT UPDATE, DELETE ON audit_entry TO {PORTAL_ROLE}",
        ),
    ]
