"""Which replaced trees hold what must be forgotten: they go, whoever reads them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_min_tenants")]

    operations = [
        migrations.AddField(
            model_name="treeversion", name="condemned_at", field=models.DateTimeField(null=True)
        ),
    ]
