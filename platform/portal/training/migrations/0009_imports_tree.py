"""Which tree an import compares on."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("training", "0008_memory"), ("catalog", "0008_condemned_trees")]

    operations = [
        migrations.AddField(
            model_name="adapterimport",
            name="tree",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="catalog.treeversion",
            ),
        ),
    ]
