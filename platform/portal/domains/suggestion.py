"""Doing what a suggestion says: a dataset whose rows belong to several domains becomes one for each."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from portal.audit.services import audit_record
from portal.catalog.models import Domain
from portal.common.errors import Conflict
from portal.common.store import ObjectStore
from portal.datasets.doctor import UploadLimits
from portal.datasets.findings import Fix, FixKind
from portal.datasets.models import Dataset
from portal.datasets.row_checks import OTHER_DOMAINS
from portal.datasets.services import dataset_part_create, places_of
from portal.domains.models import DomainJob
from portal.tenants.actors import Actor
from wire.codec import from_plain
from wire.domains import DomainPart, SuggestResult
from wire.row_numbers import pack_rows, unpack_rows


@transaction.atomic
def dataset_split(
    *, dataset: Dataset, suggestion: DomainJob, limits: UploadLimits, store: ObjectStore, acting: Actor
) -> list[Dataset]:
    """A dataset for each part, in the suggestion's order; each is examined in the background.

    ``dataset`` stays, and each row of it is in one of them.

    Raises Conflict when no split is suggested, or when one has been made whose datasets stand.
    """
    found = _result(suggestion)
    if found is None or found.split is None:
        raise Conflict("No split is suggested for this dataset: its text belongs together.")
    split_before = [{"kind": FixKind.SPLIT.value, "values": {"of": str(dataset.pk)}}]
    standing = Dataset.objects.for_tenant(dataset.tenant).filter(deleted_at=None)
    # Locked: of two calls at once, the second one sees what the first one has made.
    Dataset.objects.for_tenant(dataset.tenant).select_for_update().get(pk=dataset.pk)
    if standing.filter(fixes__contains=split_before).exists():
        raise Conflict("This dataset has been split already: delete the parts to split it again.")
    names = _names(dataset, [str(part.domain_id) for part in found.split.parts])
    made: list[Dataset] = []
    try:
        for part in found.split.parts:
            name = names.get(str(part.domain_id), "a domain that is gone")
            made.append(
                dataset_part_create(
                    dataset=dataset,
                    name=f"{dataset.name[:120]}: {name}",
                    fix=_fix(dataset, part, found.split.parts, name),
                    limits=limits,
                    store=store,
                    acting=acting,
                )
            )
    except BaseException:
        for part_made in made:  # their rows go with the transaction, their files by hand
            store.delete(places_of(part_made.tenant_id, part_made.pk).folder_uri)
        raise
    audit_record(
        actor=acting.name,
        action="dataset.split",
        target=dataset,
        tenant=dataset.tenant,
        parts=[str(one.pk) for one in made],
    )
    return made


def _result(suggestion: DomainJob) -> SuggestResult | None:
    plain: Mapping[str, Any] | None = suggestion.result
    return None if plain is None else from_plain(SuggestResult, dict(plain))


def _names(dataset: Dataset, ids: list[str]) -> dict[str, str]:
    found = Domain.objects.visible_to(dataset.tenant).filter(pk__in=ids)
    return {str(domain.pk): domain.name for domain in found}


def _fix(dataset: Dataset, part: DomainPart, parts: tuple[DomainPart, ...], name: str) -> Fix:
    others = [row for other in parts if other is not part for row in unpack_rows(other.rows)]
    words = (
        f"Only the {part.num_rows:,} rows that {name} knows best; "
        f"the other {len(others):,} are in datasets of their own"
    )
    values = {"of": str(dataset.pk), "domain": part.domain_id, "rows": pack_rows(others)}
    return Fix(FixKind.SPLIT, OTHER_DOMAINS, words, values)
