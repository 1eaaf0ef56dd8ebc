"""The service's second role adds usage events, and can neither read nor change one."""

from django.db import migrations

from portal.common.rls import USAGE_ROLE


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]

    operations = [
        migrations.RunSQL(
            [
                f"GRANT USAGE ON SCHEMA public TO {USAGE_ROLE}",
                f"GRANT INSERT ON usage_event TO {USAGE_ROLE}",
                f"CREATE POLICY usage_event_writer ON usage_event FOR INSERT TO {USAGE_ROLE} WITH CHECK (true)",
            ],
            [
                "DROP POLICY usage_event_writer ON usage_event",
                f"REVOKE INSERT ON usage_event FROM {USAGE_ROLE}",
            ],
        ),
    ]
