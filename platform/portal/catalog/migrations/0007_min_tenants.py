"""The operator says for each shared domain how many tenants an n-gram must be of."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_private_leaf")]

    operations = [
        migrations.AlterField(
            model_name="domain",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="catalog.domain",
            ),
        ),
        migrations.AddField(
            model_name="domain",
            name="min_tenants",
            field=models.PositiveSmallIntegerField(default=3),
        ),
        migrations.AddConstraint(
            model_name="domain",
            constraint=models.CheckConstraint(
                condition=models.Q(("min_tenants__range", (2, 1000))), name="domain_min_tenants"
            ),
        ),
    ]
