"""Which tree a training or an estimate reads."""

import django.db.models.deletion
from django.db import migrations, models


def _tree() -> models.Field:  # type: ignore[type-arg]  # of whatever the migration makes of it
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.SET_NULL,
        related_name="+",
        to="catalog.treeversion",
    )


class Migration(migrations.Migration):
    dependencies = [("training", "0006_retries"), ("catalog", "0008_condemned_trees")]

    operations = [
        migrations.AddField(model_name="trainingjob", name="tree", field=_tree()),
        migrations.AddField(model_name="trainingestimate", name="tree", field=_tree()),
    ]
