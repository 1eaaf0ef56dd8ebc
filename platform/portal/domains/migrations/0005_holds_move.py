"""Holds are the app of serving's: its table stays where it is."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("domains", "0004_retries"), ("serving", "0009_held_task")]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name="HeldTask")]),
    ]
