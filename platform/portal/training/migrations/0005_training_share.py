"""How much of a whole training is done."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("training", "0004_imports")]

    operations = [
        migrations.AddField(
            model_name="trainingjob",
            name="share",
            field=models.FloatField(default=0.0),
        ),
    ]
