"""A task may say how much of a text must be found for it to be looked up."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_task_kinds")]

    operations = [
        migrations.AddField(model_name="task", name="coverage_floor", field=models.FloatField(null=True)),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(("coverage_floor__isnull", True))
                | models.Q(("coverage_floor__range", (0, 1))),
                name="task_coverage_floor",
            ),
        ),
    ]
