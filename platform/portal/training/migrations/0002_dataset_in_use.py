"""A dataset cannot be deleted while a training of it is queued or running: the database keeps the rule."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refuse_dataset_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM training_job WHERE dataset_id = OLD.id AND state IN ('queued', 'running')) THEN
        RAISE EXCEPTION 'a training of dataset % is queued or running', OLD.id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'dataset_in_use';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER dataset_in_use BEFORE UPDATE OF deleted_at ON dataset
    FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION refuse_dataset_in_use();
"""
BACKWARD = "DROP TRIGGER dataset_in_use ON dataset; DROP FUNCTION refuse_dataset_in_use();"


class Migration(migrations.Migration):
    """Trigger on the table of datasets."""

    dependencies = [("training", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
