"""How far a job was when its last attempt began, and when the next one may."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("training", "0005_training_share")]

    operations = [
        migrations.AddField(
            model_name="trainingjob", name="claimed_share", field=models.FloatField(default=0.0)
        ),
        migrations.AddField(model_name="trainingjob", name="retry_at", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="trainingestimate", name="share", field=models.FloatField(default=0.0)
        ),
        migrations.AddField(
            model_name="trainingestimate", name="claimed_share", field=models.FloatField(default=0.0)
        ),
        migrations.AddField(
            model_name="trainingestimate", name="retry_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(model_name="adapterimport", name="share", field=models.FloatField(default=0.0)),
        migrations.AddField(
            model_name="adapterimport", name="claimed_share", field=models.FloatField(default=0.0)
        ),
        migrations.AddField(
            model_name="adapterimport", name="retry_at", field=models.DateTimeField(null=True)
        ),
    ]
