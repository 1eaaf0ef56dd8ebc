"""A job's state may be paused; the database's column is the same."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("domains", "0002_bring_back")]
    operations = [
        migrations.AlterField(
            model_name="domainjob",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "Queued"),
                    ("running", "Running"),
                    ("paused", "Paused"),
                    ("succeeded", "Succeeded"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                ],
                default="queued",
                max_length=16,
            ),
        ),
    ]
