"""An update may bring back the tree before the newest one."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("domains", "0001_initial"), ("catalog", "0004_coverage_floor")]

    operations = [
        migrations.AddField(
            model_name="domainjob",
            name="brings_back",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="catalog.treeversion",
            ),
        ),
    ]
