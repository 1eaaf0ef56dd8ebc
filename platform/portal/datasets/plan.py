"""What the fixes chosen so far ask of a reading: the same original and the same plan give the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from portal.datasets.columns import ColumnChoice
from portal.datasets.declared import DEFAULT_SEPARATOR, Declared
from portal.datasets.findings import Fix, FixKind
from wire.row_numbers import unpack_rows
from wire.spans import Span
from wire.tasks import TaskKind


@dataclass(frozen=True, slots=True)
class GivenSpans:
    """Spans that a person has given a row: places in its text as ``edits`` had made it by then."""

    spans: tuple[Span, ...]
    edits: frozenset[FixKind]


@dataclass(frozen=True, slots=True)
class FixPlan:
    """All fixes of a version taken together; the default changes nothing."""

    kind: TaskKind = TaskKind.SINGLE_LABEL
    columns: ColumnChoice = field(default_factory=ColumnChoice)
    separator: str = DEFAULT_SEPARATOR  # between the labels of one row
    encoding: str | None = None
    has_literal_quotes: bool = False
    drop: frozenset[str] = frozenset()  # codes of findings whose rows are left out
    drop_labels: Mapping[str, str] = field(default_factory=dict)  # label -> code of the finding
    label_names: Mapping[str, str] = field(default_factory=dict)  # label as it stands -> as it is kept
    row_labels: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # row -> those that it was given
    row_values: Mapping[int, float] = field(default_factory=dict)  # row -> the score that it was given
    row_spans: Mapping[int, GivenSpans] = field(default_factory=dict)  # row -> those that it was given
    drop_rows: frozenset[int] = frozenset()  # left out one by one
    other_rows: frozenset[int] = frozenset()  # in another dataset since this one was split
    edits: frozenset[FixKind] = frozenset()  # of TRIM, CUT, REMOVE_NUL, REPAIR, MASK, WIDEN, KEEP_LONGEST


def plan_of(fixes: Sequence[Fix], declared: Declared) -> FixPlan:
    """The plan of ``fixes`` in their order, on a file of which its uploader said what is ``declared``."""
    plan = FixPlan(declared.kind, declared.columns, declared.separator)
    for fix in fixes:
        plan = _with(plan, fix)
    return plan


def _with(plan: FixPlan, fix: Fix) -> FixPlan:
    match fix.kind:
        case FixKind.RE_ENCODE:
            return replace(plan, encoding=fix.values["encoding"])
        case FixKind.SET_HEADER:
            return replace(plan, columns=ColumnChoice(**fix.values))
        case FixKind.SET_SEPARATOR:
            return replace(plan, separator=fix.values["separator"])
        case FixKind.LITERAL_QUOTES:
            return replace(plan, has_literal_quotes=True)
        case FixKind.DROP:
            return replace(plan, drop=plan.drop | {fix.finding})
        case FixKind.DROP_LABELS:
            labels = dict.fromkeys(fix.values["labels"], fix.finding)
            return replace(plan, drop_labels={**plan.drop_labels, **labels})
        case FixKind.MERGE_LABELS:
            renamed: Mapping[str, str] = fix.values["labels"]
            before = {name: renamed.get(kept, kept) for name, kept in plan.label_names.items()}
            given = {
                row: tuple(dict.fromkeys(renamed.get(label, label) for label in labels))
                for row, labels in plan.row_labels.items()
            }
            spans = {row: _renamed(one, renamed) for row, one in plan.row_spans.items()}
            return replace(plan, label_names={**renamed, **before}, row_labels=given, row_spans=spans)
        case FixKind.CORRECT:
            corrected = {int(row): _listed(label) for row, label in fix.values["labels"].items()}
            values = {int(row): value for row, value in fix.values.get("values", {}).items()}
            spans = {
                int(row): GivenSpans(tuple(Span(*one) for one in listed), plan.edits)
                for row, listed in fix.values.get("spans", {}).items()
            }
            return replace(
                plan,
                row_labels={**plan.row_labels, **corrected},
                row_values={**plan.row_values, **values},
                row_spans={**plan.row_spans, **spans},
                drop_rows=plan.drop_rows | frozenset(fix.values["drop"]),
            )
        case FixKind.SPLIT:
            return replace(plan, other_rows=plan.other_rows | frozenset(unpack_rows(fix.values["rows"])))
        case _:
            return replace(plan, edits=plan.edits | {fix.kind})


def _listed(label: str | Sequence[str]) -> tuple[str, ...]:
    """Of kinds with one label a row it stands alone."""
    return (label,) if isinstance(label, str) else tuple(label)


def _renamed(given: GivenSpans, names: Mapping[str, str]) -> GivenSpans:
    spans = (replace(span, label=names.get(span.label, span.label)) for span in given.spans)
    return replace(given, spans=tuple(spans))
