"""Datasets of the tasks' kinds; those that stand are single_label."""

from django.db import migrations, models

from portal.common.task_kinds import TASK_KINDS


class Migration(migrations.Migration):
    dependencies = [("datasets", "0002_doctor")]

    operations = [
        operation
        for name in ("dataset", "datasetupload")
        for operation in (
            migrations.AddField(
                name, "kind", models.CharField(choices=TASK_KINDS, default="single_label", max_length=32)
            ),
            migrations.AddField(name, "label_separator", models.CharField(default=";", max_length=8)),
        )
    ]
