"""The deletion ledger names ended gate consents, too, so that no restore brings one back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("domains", "0006_peak_memory")]

    operations = [
        migrations.AlterField(
            "deletionrecord",
            "subject",
            models.CharField(
                max_length=16,
                choices=[
                    ("dataset", "Dataset"),
                    ("tenant", "Tenant"),
                    ("contribution", "Contribution"),
                    ("gate_consent", "Gate Consent"),
                ],
            ),
        ),
    ]
