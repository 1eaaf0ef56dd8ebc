"""The console tells beside a field what the table's constraints would refuse. Nothing changes in the tables."""

from django.core.validators import MinValueValidator
from django.db import migrations, models

from portal.usage.models import above_zero


class Migration(migrations.Migration):
    dependencies = [("usage", "0008_old_events")]

    operations = [
        migrations.AlterField(
            "plan",
            "burst",
            models.PositiveIntegerField(
                default=20,
                help_text="Requests that a key may send at once.",
                validators=[MinValueValidator(1)],
            ),
        ),
        migrations.AlterField(
            "plan",
            "requests_per_s",
            models.FloatField(
                blank=True,
                help_text="Of each key. Empty: as many as come.",
                null=True,
                validators=[above_zero],
            ),
        ),
        migrations.AlterField(
            "plan",
            "weight",
            models.FloatField(
                default=1.0,
                help_text="Share of a busy device: twice the weight, twice the share.",
                validators=[above_zero],
            ),
        ),
        migrations.AlterField(
            "tenantlimits",
            "burst",
            models.PositiveIntegerField(blank=True, null=True, validators=[MinValueValidator(1)]),
        ),
        migrations.AlterField(
            "tenantlimits",
            "requests_per_s",
            models.FloatField(blank=True, null=True, validators=[above_zero]),
        ),
        migrations.AlterField(
            "tenantlimits",
            "weight",
            models.FloatField(blank=True, null=True, validators=[above_zero]),
        ),
    ]
