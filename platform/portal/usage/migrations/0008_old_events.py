"""Events are found by their time, whosever they are: old ones are deleted in batches."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0007_quota_notices")]

    operations = [
        migrations.AddIndex("usageevent", models.Index(fields=["created_at"], name="usage_event_created")),
        migrations.AddIndex(
            "comparisonevent", models.Index(fields=["created_at"], name="comparison_event_created")
        ),
    ]
