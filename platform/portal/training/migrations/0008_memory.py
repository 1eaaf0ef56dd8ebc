"""What a training is reckoned to take of memory, and what jobs' processes took."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("training", "0007_trees_in_use")]

    operations = [
        migrations.AddField(
            model_name="trainingjob", name="memory_bytes", field=models.BigIntegerField(null=True)
        ),
        *(
            migrations.AddField(model_name=name, name="peak_bytes", field=models.BigIntegerField(null=True))
            for name in ("trainingjob", "trainingestimate", "adapterimport")
        ),
    ]
