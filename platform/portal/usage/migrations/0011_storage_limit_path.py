"""The rule of storage finds its tables also while data alone is restored: pg_restore leaves no search path."""

from django.db import migrations

FUNCTIONS = ("hmi_stored_bytes(uuid)", "hmi_keep_storage_limit()")


class Migration(migrations.Migration):
    dependencies = [("usage", "0010_storage_limit")]

    operations = [
        migrations.RunSQL(
            f"ALTER FUNCTION {name} SET search_path = pg_catalog, public",
            f"ALTER FUNCTION {name} RESET search_path",
        )
        for name in FUNCTIONS
    ]
