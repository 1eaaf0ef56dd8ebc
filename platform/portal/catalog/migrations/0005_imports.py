"""A version comes from a training or from the import of an adapter."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_coverage_floor")]

    operations = [
        migrations.AddField(
            model_name="adapterversion",
            name="import_id",
            field=models.UUIDField(null=True, unique=True),
        ),
        migrations.AlterField(
            model_name="adapterversion",
            name="training_job_id",
            field=models.UUIDField(null=True, unique=True),
        ),
        migrations.AddConstraint(
            model_name="adapterversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("training_job_id__isnull", False), ("import_id__isnull", False), _connector="XOR"
                ),
                name="adapter_version_origin",
            ),
        ),
    ]
