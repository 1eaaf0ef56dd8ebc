"""REST views of domains: updates, trees, consent, suggestions, deletion receipts."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.catalog.selectors import task_get
from portal.common.errors import InvalidField
from portal.common.fields import ChoiceField
from portal.common.idempotency import idempotent
from portal.common.pagination import paged
from portal.common.schema import PAGE_PARAMETERS, page_of
from portal.common.store import ObjectStore
from portal.datasets.config import upload_limits
from portal.datasets.selectors import check_stored, dataset_get
from portal.datasets.shapes import DatasetOut
from portal.domains import selectors, services
from portal.domains.models import WITH_RECEIPT
from portal.domains.suggestion import dataset_split
from portal.serving.selectors import ROW_QUALITY
from portal.tenants.access import DEVELOPER_DELETES, OWNER_POSTS, TenantApi
from portal.training.apis import JobErrorOut
from portal.training.models import JobState


class TaskVerdictOut(serializers.Serializer[Any]):
    """What the gate said of one task."""

    task_id = serializers.UUIDField()
    moves = serializers.BooleanField()
    num_rows = serializers.IntegerField()
    metric = serializers.CharField(
        default=ROW_QUALITY,
        allow_null=True,
        help_text="What the two figures are: accuracy, r2, micro_f1 or span_f1, by the task's kind;"
        " row_quality of an update by an older release; null: not tried.",
    )
    accuracy_before = serializers.FloatField(
        allow_null=True, help_text="Of the metric, on all rows together."
    )
    accuracy_after = serializers.FloatField(allow_null=True)
    p_value = serializers.FloatField(allow_null=True)
    coverage_before = serializers.DictField(child=serializers.FloatField())
    coverage_after = serializers.DictField(child=serializers.FloatField())


class TreeDiffOut(serializers.Serializer[Any]):
    """What an update did to a domain's node, by rung."""

    rows_before = serializers.DictField(child=serializers.IntegerField())
    rows_after = serializers.DictField(child=serializers.IntegerField())
    rows_added = serializers.DictField(child=serializers.IntegerField())
    rows_dropped = serializers.DictField(child=serializers.IntegerField())


class DomainUpdateOut(serializers.Serializer[Any]):
    """An update of a domain: its node made anew from all its segments, and tried on its tasks."""

    id = serializers.UUIDField()
    state = ChoiceField(choices=JobState.choices)
    message = serializers.CharField(allow_blank=True)
    error = JobErrorOut(allow_null=True)
    tree_digest = serializers.CharField(source="tree.digest", allow_null=True, default=None)
    brings_back = serializers.CharField(
        source="brings_back.digest",
        allow_null=True,
        default=None,
        help_text="Digest of the earlier tree that tasks go back to; null: the update makes a new one.",
    )
    diff = TreeDiffOut(source="result.diff", allow_null=True, default=None)
    verdicts = TaskVerdictOut(source="result.verdicts", many=True, default=list)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class DomainTreeOut(serializers.Serializer[Any]):
    """A tree version of a domain."""

    id = serializers.UUIDField()
    digest = serializers.CharField()
    num_bytes = serializers.IntegerField()
    num_segments = serializers.SerializerMethodField()
    diff = TreeDiffOut(source="coverage.diff", allow_null=True, default=None)
    verdicts = TaskVerdictOut(
        source="coverage.verdicts",
        many=True,
        default=list,
        help_text="The metric and coverage of your deployed tasks' held-out rows, before and after; none of a"
        " shared domain.",
    )
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)
    destroyed_at = serializers.DateTimeField(allow_null=True)

    def get_num_segments(self, tree: Any) -> int:
        """Of tenants, at all its nodes."""
        return len(tree.segments)


class ContributionOut(serializers.Serializer[Any]):
    """A consent that a dataset's n-grams enter a shared domain."""

    id = serializers.UUIDField()
    domain = serializers.CharField(source="domain.slug")
    dataset = serializers.UUIDField(source="dataset_id")
    granted_by = serializers.CharField()
    granted_at = serializers.DateTimeField(source="created_at")
    revoked_by = serializers.CharField(allow_blank=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    private_share = serializers.FloatField(
        allow_null=True,
        help_text="Share of your n-grams that stayed out of the shared node at the last update.",
    )


class ContributionIn(serializers.Serializer[Any]):
    """Consent to contribute a dataset."""

    domain = serializers.CharField(max_length=63, help_text="Slug of a shared domain.")
    dataset = serializers.UUIDField()


class GateConsentOut(serializers.Serializer[Any]):
    """Whether held-out rows of the task are used to try new trees on."""

    is_given = serializers.BooleanField()


class DomainCoverageOut(serializers.Serializer[Any]):
    """Share of the tokens that a domain's tree answers at each rung."""

    domain_id = serializers.UUIDField(allow_null=True, help_text="Null: the general tree alone.")
    trigram = serializers.FloatField()
    bigram = serializers.FloatField()
    unigram = serializers.FloatField()


class DomainPartOut(serializers.Serializer[Any]):
    """The rows of a dataset that one domain knows best."""

    domain_id = serializers.UUIDField()
    num_rows = serializers.IntegerField()
    coverage = serializers.FloatField(
        help_text="Share of a row's tokens that the domain answers by a trigram or a bigram, averaged over"
        " the rows."
    )
    coverage_together = serializers.FloatField(
        help_text="The same by the domain that is best for all rows together."
    )
    examples = serializers.ListField(
        child=serializers.IntegerField(), help_text="Line numbers of the rows that are clearest."
    )


class DomainSplitOut(serializers.Serializer[Any]):
    """A dataset whose rows belong to several domains; each row is in one part."""

    parts = DomainPartOut(many=True, help_text="First the domain that is best for all rows together.")
    coverage = serializers.FloatField(help_text="Averaged over all rows, each by its part's domain.")
    coverage_together = serializers.FloatField(
        help_text="Averaged over all rows, by the domain that is best for all together."
    )


class SuggestionOut(serializers.Serializer[Any]):
    """Which domain a dataset's text is like."""

    state = ChoiceField(choices=JobState.choices)
    error = JobErrorOut(allow_null=True)
    best = serializers.UUIDField(
        source="result.best", allow_null=True, default=None, help_text="Null: a new domain is suggested."
    )
    split = DomainSplitOut(
        source="result.split",
        allow_null=True,
        default=None,
        help_text="Null: the text belongs together. Else POST .../suggestion/split makes a dataset of each"
        " part.",
    )
    coverages = DomainCoverageOut(source="result.coverages", many=True, default=list)
    num_texts = serializers.IntegerField(source="result.num_texts", default=0)


class SplitOut(serializers.Serializer[Any]):
    """What came of a split."""

    results = DatasetOut(many=True, help_text="In the suggestion's order; each is being examined.")


class SegmentRefOut(serializers.Serializer[Any]):
    """A segment that went."""

    dataset = serializers.UUIDField()
    uri = serializers.CharField()
    digest = serializers.CharField()


class TrainedVersionOut(serializers.Serializer[Any]):
    """A version that was trained on what was deleted; delete its task, or train again, to be rid of it."""

    task = serializers.CharField()
    number = serializers.IntegerField()
    digest = serializers.CharField()


class DestroyedTreeOut(serializers.Serializer[Any]):
    """A tree that held it, and the one that was made without."""

    uri = serializers.CharField()
    digest = serializers.CharField()
    replaced_by = serializers.CharField(allow_null=True)


class DeletionOut(serializers.Serializer[Any]):
    """A receipt: complete once forgotten_at is set."""

    id = serializers.UUIDField()
    subject = ChoiceField(choices=[(subject.value, subject.label) for subject in WITH_RECEIPT])
    subject_id = serializers.UUIDField()
    segments = SegmentRefOut(many=True)
    versions = TrainedVersionOut(many=True)
    trees = DestroyedTreeOut(many=True)
    deleted_at = serializers.DateTimeField()
    forgotten_at = serializers.DateTimeField(allow_null=True)


class TenantForgetIn(serializers.Serializer[Any]):
    """To be sure."""

    confirm = serializers.CharField(help_text="The tenant's slug.")


class DomainUpdatesApi(TenantApi):
    """Updates of a domain of the tenant's own."""

    @extend_schema(responses=page_of(DomainUpdateOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str, domain: str) -> Response:
        """List a domain's updates, newest first."""
        found = selectors.domain_get(tenant=self.tenant, slug=domain)
        return paged(request, selectors.update_list(tenant=self.tenant, domain=found), DomainUpdateOut)

    @extend_schema(request=None, responses={201: DomainUpdateOut})
    @idempotent
    def post(self, request: Request, tenant: str, domain: str) -> Response:
        """Make the domain's tree anew from all its segments; deployed tasks that do not lose follow it."""
        found = selectors.domain_get(tenant=self.tenant, slug=domain)
        if found.tenant_id is None:
            raise InvalidField("domain", f"{found.slug} is shared: the operator updates it.")
        job = services.domain_update_request(domain=found, acting=self.actor)
        return Response(DomainUpdateOut(job).data, status=201)


class DomainBringBackApi(TenantApi):
    """Back to the tree before the newest."""

    @extend_schema(request=None, responses={201: DomainUpdateOut})
    @idempotent
    def post(self, request: Request, tenant: str, domain: str) -> Response:
        """Let the domain's deployed tasks go back, for a week, to the tree before the newest.

        Tasks that would lose on their held-out rows stay. 409 when none stands that holds no deleted text.
        """
        found = selectors.domain_get(tenant=self.tenant, slug=domain)
        if found.tenant_id is None:
            raise InvalidField("domain", f"{found.slug} is shared: the operator brings it back.")
        job = services.domain_bring_back_request(domain=found, acting=self.actor)
        return Response(DomainUpdateOut(job).data, status=201)


class DomainTreesApi(TenantApi):
    """Tree versions of a domain, shared ones too."""

    @extend_schema(responses=page_of(DomainTreeOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str, domain: str) -> Response:
        """List a domain's trees, newest first, with what each changed."""
        found = selectors.domain_get(tenant=self.tenant, slug=domain)
        return paged(request, selectors.tree_list(tenant=self.tenant, domain=found), DomainTreeOut)


class ContributionsApi(TenantApi):
    """What the tenant's datasets give to shared domains: nothing, unless an owner says so."""

    write_roles: ClassVar = OWNER_POSTS

    @extend_schema(responses=page_of(ContributionOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List consents, ended ones too, newest first."""
        return paged(request, selectors.contribution_list(tenant=self.tenant), ContributionOut)

    @extend_schema(request=ContributionIn, responses={201: ContributionOut})
    @idempotent
    def post(self, request: Request, tenant: str) -> Response:
        """Let n-grams of a dataset enter a shared domain: those that min_tenants verified tenants have."""
        given = ContributionIn(data=request.data)
        given.is_valid(raise_exception=True)
        contribution = services.contribution_grant(
            domain=selectors.shared_domain_get(slug=given.validated_data["domain"]),
            dataset=dataset_get(tenant=self.tenant, dataset_id=given.validated_data["dataset"]),
            acting=self.actor,
        )
        return Response(ContributionOut(contribution).data, status=201)


class ContributionApi(TenantApi):
    """One consent."""

    @extend_schema(responses={200: DeletionOut})
    def delete(self, request: Request, tenant: str, contribution: UUID) -> Response:
        """End a consent: the shared domain forgets what the dataset brought. Answers the receipt."""
        record = services.contribution_revoke(
            tenant=self.tenant, contribution_id=contribution, acting=self.actor
        )
        return Response(DeletionOut(record).data)


class GateConsentApi(TenantApi):
    """Held-out rows of a task as a canary of new trees."""

    write_roles: ClassVar = DEVELOPER_DELETES

    @extend_schema(responses=GateConsentOut)
    def get(self, request: Request, tenant: str, task: str) -> Response:
        """Is it given?"""
        found = task_get(tenant=self.tenant, slug=task)
        return Response(GateConsentOut({"is_given": selectors.has_gate_consent(task=found)}).data)

    @extend_schema(request=None, responses=GateConsentOut)
    def put(self, request: Request, tenant: str, task: str) -> Response:
        """Give it: up to 200 held-out rows are answered before a new tree serves the task."""
        services.gate_consent_set(
            task=task_get(tenant=self.tenant, slug=task), is_given=True, acting=self.actor
        )
        return Response(GateConsentOut({"is_given": True}).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str, task: str) -> Response:
        """Take it back."""
        services.gate_consent_set(
            task=task_get(tenant=self.tenant, slug=task), is_given=False, acting=self.actor
        )
        return Response(status=204)


class SuggestionApi(TenantApi):
    """Which domain a dataset belongs to."""

    @extend_schema(responses=SuggestionOut)
    def get(self, request: Request, tenant: str, dataset: UUID) -> Response:
        """Coverage of the dataset's text by every domain, and the best one; measured after the upload."""
        found = dataset_get(tenant=self.tenant, dataset_id=dataset)
        return Response(SuggestionOut(selectors.suggestion_get(tenant=self.tenant, dataset_id=found.pk)).data)


class SuggestionSplitApi(TenantApi):
    """Doing what the suggestion says."""

    @extend_schema(request=None, responses={201: SplitOut})
    @idempotent
    def post(self, request: Request, tenant: str, dataset: UUID) -> Response:
        """Make a dataset of each part of the suggested split; the dataset itself stays, and no row is lost.

        409 when no split is suggested, or when its datasets stand already.
        """
        found = dataset_get(tenant=self.tenant, dataset_id=dataset)
        job = selectors.suggestion_get(tenant=self.tenant, dataset_id=found.pk)
        store = ObjectStore(settings.ENV.store_url)
        check_stored(uri=found.original_uri, store=store)
        made = dataset_split(
            dataset=found, suggestion=job, limits=upload_limits(), store=store, acting=self.actor
        )
        return Response(SplitOut({"results": made}).data, status=201)


class DeletionsApi(TenantApi):
    """The tenant's deletion ledger."""

    @extend_schema(responses=page_of(DeletionOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List deletions with their receipts, newest first."""
        return paged(request, selectors.deletion_list(tenant=self.tenant), DeletionOut)


class DeletionApi(TenantApi):
    """One deletion."""

    @extend_schema(responses=DeletionOut)
    def get(self, request: Request, tenant: str, deletion: UUID) -> Response:
        """A receipt: what went, which trees were destroyed and what replaced them."""
        return Response(DeletionOut(selectors.deletion_get(tenant=self.tenant, deletion_id=deletion)).data)


class TenantForgetApi(TenantApi):
    """The end of a tenant."""

    write_roles: ClassVar = OWNER_POSTS

    @extend_schema(request=TenantForgetIn, responses=DeletionOut)
    def post(self, request: Request, tenant: str) -> Response:
        """Delete the tenant with all it has. Answers the receipt's beginning; the operator has the rest."""
        given = TenantForgetIn(data=request.data)
        given.is_valid(raise_exception=True)
        record = services.tenant_forget(
            tenant=self.tenant, confirm=given.validated_data["confirm"], acting=self.actor
        )
        return Response(DeletionOut(record).data)
