"""Tasks of more kinds than one; those that stand stay single_label."""

from django.db import migrations, models

from portal.common.task_kinds import TASK_KINDS


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_tree_life")]

    operations = [
        migrations.AlterField(
            "task", "kind", models.CharField(choices=TASK_KINDS, default="single_label", max_length=32)
        )
    ]
