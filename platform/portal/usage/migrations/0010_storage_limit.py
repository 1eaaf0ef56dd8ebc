"""How much a tenant may store: the database keeps the rule, of two uploads at once too."""

from django.core.validators import MinValueValidator
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION hmi_stored_bytes(of_tenant uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(num_bytes), 0)::bigint FROM (
        SELECT num_bytes FROM dataset WHERE tenant_id = of_tenant AND deleted_at IS NULL
        UNION ALL SELECT num_bytes FROM dataset_upload WHERE tenant_id = of_tenant AND dataset_id IS NULL
        UNION ALL SELECT num_bytes FROM segment WHERE tenant_id = of_tenant
        UNION ALL SELECT num_bytes FROM adapter_version WHERE tenant_id = of_tenant
        UNION ALL SELECT num_bytes FROM private_leaf WHERE tenant_id = of_tenant AND destroyed_at IS NULL
    ) AS stored
$$;
CREATE FUNCTION hmi_keep_storage_limit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed bigint;
    stored bigint;
BEGIN
    SELECT coalesce(own.max_stored_bytes, plan.max_stored_bytes) INTO allowed
    FROM plan LEFT JOIN tenant_limits own ON own.tenant_id = NEW.tenant_id
    WHERE plan.slug = own.plan_id OR (own.plan_id IS NULL AND plan.is_default);
    IF allowed IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('storage_limit'), hashtext(NEW.tenant_id::text));
        stored := hmi_stored_bytes(NEW.tenant_id);  -- after the lock: with what others have just stored
        IF stored > allowed THEN
            RAISE EXCEPTION 'tenant % may not store so much', NEW.tenant_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'storage_limit', DETAIL = stored || ' of ' || allowed;
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER storage_limit AFTER INSERT ON dataset FOR EACH ROW EXECUTE FUNCTION hmi_keep_storage_limit();
CREATE TRIGGER storage_limit AFTER INSERT ON dataset_upload FOR EACH ROW EXECUTE FUNCTION hmi_keep_storage_limit();
"""
BACKWARD = """
DROP TRIGGER storage_limit ON dataset_upload;
DROP TRIGGER storage_limit ON dataset;
DROP FUNCTION hmi_keep_storage_limit();
DROP FUNCTION hmi_stored_bytes(uuid);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0009_checked_beside_fields"),
        ("datasets", "0005_conll"),
        ("catalog", "0006_private_leaf"),
    ]

    operations = [
        migrations.AddField(
            "plan",
            "max_stored_bytes",
            models.PositiveBigIntegerField(
                blank=True,
                null=True,
                validators=[MinValueValidator(1)],
                help_text="Of datasets, uploads and what trainings made of them. Empty: no limit.",
            ),
        ),
        migrations.AddField(
            "tenantlimits",
            "max_stored_bytes",
            models.PositiveBigIntegerField(blank=True, null=True, validators=[MinValueValidator(1)]),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
