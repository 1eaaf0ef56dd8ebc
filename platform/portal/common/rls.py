"""Row-level security as migration operations: policies, grants and the roles that they speak of."""

from django.db.migrations import RunSQL

OWNER_ROLE = "hmi_owner"
PORTAL_ROLE = "hmi_portal"
SERVING_ROLE = "hmi_serving"
USAGE_ROLE = "hmi_usage"

IS_OPERATOR = "current_setting('hmi.scope', true) = 'operator'"
TENANT_ID = "nullif(current_setting('hmi.tenant_id', true), '')::uuid"
USER_ID = "nullif(current_setting('hmi.user_id', true), '')::uuid"
KEY_SHA256 = "decode(nullif(current_setting('hmi.key_sha256', true), ''), 'hex')"
IS_OWN = f"tenant_id = {TENANT_ID}"


def protect(table: str, *, read: str = IS_OWN, write: str = IS_OWN) -> RunSQL:
    """Force row-level security on ``table``; the operator's scope and the tables' owner see everything.

    ``read`` and ``write`` are SQL conditions on a row, for reading it and for what a written row must be.
    """
    return RunSQL(
        sql=[
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY {table}_read ON {table} FOR SELECT TO {PORTAL_ROLE}"
            f" USING ({read} OR {IS_OPERATOR})",
            f"CREATE POLICY {table}_insert ON {table} FOR INSERT TO {PORTAL_ROLE}"
            f" WITH CHECK ({write} OR {IS_OPERATOR})",
            f"CREATE POLICY {table}_update ON {table} FOR UPDATE TO {PORTAL_ROLE}"
            f" USING ({write} OR {IS_OPERATOR}) WITH CHECK ({write} OR {IS_OPERATOR})",
            f"CREATE POLICY {table}_delete ON {table} FOR DELETE TO {PORTAL_ROLE}"
            f" USING ({write} OR {IS_OPERATOR})",
            f"CREATE POLICY {table}_owner ON {table} TO {OWNER_ROLE} USING (true) WITH CHECK (true)",
        ],
        reverse_sql=[
            *(
                f"DROP POLICY {table}_{name} ON {table}"
                for name in ("read", "insert", "update", "delete", "owner")
            ),
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ],
    )
