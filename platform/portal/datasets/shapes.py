"""How the REST API shows datasets, their reports, and uploads."""

from typing import Any

from rest_framework import serializers

from portal.common.fields import ChoiceField
from portal.common.task_kinds import TASK_KINDS
from portal.datasets.findings import FixKind, Severity
from portal.datasets.models import DatasetFormat, DatasetState

SEVERITIES = [(severity.value, severity.value) for severity in Severity]
FIX_KINDS = [(kind.value, kind.value) for kind in FixKind]


class LabelCountOut(serializers.Serializer[Any]):
    """A label and how many rows have it."""

    label = serializers.CharField()  # type: ignore[assignment]  # a field, not the serializer's own label
    num_rows = serializers.IntegerField()


class FixOut(serializers.Serializer[Any]):
    """One click's worth of mending."""

    id = serializers.CharField(help_text="What POST .../fixes takes.")
    kind = ChoiceField(choices=FIX_KINDS)
    finding = serializers.CharField(help_text="Code of the finding it mends.")
    words = serializers.CharField(help_text="What it does.")


class ExampleOut(serializers.Serializer[Any]):
    """One row's value, shortened."""

    row = serializers.IntegerField()
    value = serializers.CharField(trim_whitespace=False)


class FindingOut(serializers.Serializer[Any]):
    """Something wrong or odd in the file."""

    code = serializers.CharField()
    severity = ChoiceField(
        choices=SEVERITIES, help_text="blocking: no training before it is fixed; note: nothing to do."
    )
    message = serializers.CharField()
    fix = serializers.CharField(help_text="What to do about it, in words.")
    rows = serializers.ListField(
        child=serializers.IntegerField(), help_text="Line numbers; the first of them only."
    )
    num_rows = serializers.IntegerField(help_text="All of them.")
    examples = ExampleOut(many=True)
    fixes = FixOut(many=True, help_text="What one call can do about it.")


class LeftOutOut(serializers.Serializer[Any]):
    """Rows that this version's fixes leave out."""

    finding = serializers.CharField(help_text="Code of the finding for which they are left out.")
    rows = serializers.ListField(
        child=serializers.IntegerField(), help_text="Line numbers; the first of them only."
    )
    num_rows = serializers.IntegerField(help_text="All of them.")


class LengthBucketOut(serializers.Serializer[Any]):
    """How many texts have this length."""

    from_chars = serializers.IntegerField()
    below_chars = serializers.IntegerField(allow_null=True, help_text="null: no upper bound.")
    num_rows = serializers.IntegerField()


class ValueRangeOut(serializers.Serializer[Any]):
    """The scores of the rows kept."""

    least = serializers.FloatField()
    most = serializers.FloatField()
    mean = serializers.FloatField()


class ReportOut(serializers.Serializer[Any]):
    """What the upload doctor says. Rows read = rows kept + rows left out + rows unusable."""

    findings = FindingOut(many=True, help_text="The gravest first.")
    left_out = LeftOutOut(many=True)
    num_rows_read = serializers.IntegerField()
    num_rows_kept = serializers.IntegerField()
    num_rows_unusable = serializers.IntegerField()
    encoding = serializers.CharField()
    delimiter = serializers.CharField(allow_blank=True, trim_whitespace=False)
    has_header = serializers.BooleanField()
    columns = serializers.ListField(child=serializers.CharField(allow_blank=True))
    lengths = LengthBucketOut(many=True, help_text="Of the rows kept.")
    num_chars = serializers.IntegerField()
    longest_chars = serializers.IntegerField()
    values = ValueRangeOut(allow_null=True, default=None, help_text="Of kind score.")


class DatasetOut(serializers.Serializer[Any]):
    """One version of an uploaded file."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    series = serializers.UUIDField(help_text="The same for all versions of one upload.")
    version = serializers.IntegerField(help_text="1 is the upload; every fix makes the next.")
    kind = ChoiceField(choices=TASK_KINDS, help_text="Of the tasks that can be trained on it.")
    state = ChoiceField(choices=DatasetState.choices, help_text="Only a ready dataset is trained on.")
    fixes = FixOut(many=True, help_text="All that were applied since the upload.")
    format = ChoiceField(
        choices=DatasetFormat.choices, allow_blank=True, help_text="Blank until it is known."
    )
    num_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    num_rows = serializers.IntegerField(help_text="Rows kept.")
    labels = LabelCountOut(many=True)
    label_separator = serializers.CharField(
        trim_whitespace=False, help_text="Of kind multi_label: what the uploader said parts labels."
    )
    text_column = serializers.CharField(allow_blank=True)
    label_column = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class DatasetDetailOut(DatasetOut):
    """One version of an uploaded file, with the doctor's report."""

    report = ReportOut(allow_null=True, help_text="null while the state is checking.")


class UploadOut(serializers.Serializer[Any]):
    """A file on its way."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    file_name = serializers.CharField()
    kind = ChoiceField(choices=TASK_KINDS)
    num_bytes = serializers.IntegerField()
    sha256 = serializers.CharField(allow_blank=True, help_text="As announced.")
    columns = serializers.ListField(
        source="given_columns",
        child=serializers.CharField(allow_null=True),
        help_text="Of the text, the label and the second text, as announced; null: found by name.",
    )
    label_separator = serializers.CharField(trim_whitespace=False, help_text="As announced.")
    offset = serializers.IntegerField(source="num_received", help_text="The next byte to send.")
    dataset = serializers.UUIDField(
        source="dataset_id", allow_null=True, help_text="What came of it, once all has arrived."
    )
    created_at = serializers.DateTimeField()
