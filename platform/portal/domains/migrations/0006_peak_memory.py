"""What updates' processes took of memory."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("domains", "0005_holds_move")]

    operations = [
        migrations.AddField(
            model_name="domainjob", name="peak_bytes", field=models.BigIntegerField(null=True)
        ),
    ]
