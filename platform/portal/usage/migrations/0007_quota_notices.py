"""What tenants were told of their quotas."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from portal.common.rls import protect


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0004_key_rotation"),
        ("usage", "0006_hours"),
    ]

    operations = [
        migrations.CreateModel(
            name="QuotaNotice",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("what", models.CharField(max_length=8)),
                ("percent", models.PositiveSmallIntegerField()),
                ("period", models.CharField(choices=[("day", "Day"), ("month", "Month")], max_length=8)),
                ("period_began", models.DateField()),
                ("quota", models.PositiveBigIntegerField()),
                ("used", models.PositiveBigIntegerField()),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "quota_notice",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "what", "percent", "period", "period_began", "quota"),
                        name="quota_notice_once",
                    )
                ],
            },
        ),
        protect("quota_notice"),
    ]
