"""How far a job was when its last attempt began, and when the next one may."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("domains", "0003_paused")]

    operations = [
        migrations.AddField(model_name="domainjob", name="share", field=models.FloatField(default=0.0)),
        migrations.AddField(
            model_name="domainjob", name="claimed_share", field=models.FloatField(default=0.0)
        ),
        migrations.AddField(model_name="domainjob", name="retry_at", field=models.DateTimeField(null=True)),
    ]
