"""Datasets may come as CoNLL columns."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("datasets", "0004_parquet"),
    ]

    operations = [
        migrations.AlterField(
            model_name="dataset",
            name="format",
            field=models.CharField(
                blank=True,
                choices=[
                    ("csv", "Csv"),
                    ("tsv", "Tsv"),
                    ("jsonl", "Jsonl"),
                    ("conll", "Conll"),
                    ("parquet", "Parquet"),
                ],
                max_length=8,
            ),
        ),
    ]
