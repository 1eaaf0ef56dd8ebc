"""Datasets may come as Parquet files."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("datasets", "0003_task_kinds"),
    ]

    operations = [
        migrations.AlterField(
            model_name="dataset",
            name="format",
            field=models.CharField(
                blank=True,
                choices=[("csv", "Csv"), ("tsv", "Tsv"), ("jsonl", "Jsonl"), ("parquet", "Parquet")],
                max_length=8,
            ),
        ),
    ]
