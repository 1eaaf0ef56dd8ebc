"""The part of an upload's form in which the uploader says what the file is."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from portal.common.fields import ChoiceField
from portal.common.task_kinds import TASK_KINDS
from portal.datasets.columns import ColumnChoice
from portal.datasets.declared import DEFAULT_SEPARATOR, Declared
from wire.tasks import TaskKind


class DeclaredIn(serializers.Serializer[Any]):
    """What the file is."""

    kind = ChoiceField(
        choices=TASK_KINDS,
        required=False,
        help_text="Of the tasks that are to be trained on it. Default: single_label.",
    )
    text_column = serializers.CharField(max_length=200, required=False, help_text="Default: found by name.")
    pair_column = serializers.CharField(
        max_length=200,
        required=False,
        help_text="Of kind sentence_pair: the second text. Default: found by name.",
    )
    label_separator = serializers.CharField(
        max_length=8,
        required=False,
        trim_whitespace=False,
        help_text="Of kind multi_label: what stands between the labels of a row. Default: a semicolon.",
    )
    label_column = serializers.CharField(max_length=200, required=False, help_text="Default: found by name.")


def declared_in(fields: Mapping[str, Any]) -> Declared:
    """From the form's checked fields."""
    return Declared(
        kind=TaskKind(fields.get("kind", TaskKind.SINGLE_LABEL)),
        columns=ColumnChoice(
            fields.get("text_column"), fields.get("label_column"), pair=fields.get("pair_column")
        ),
        separator=fields.get("label_separator", DEFAULT_SEPARATOR),
    )
