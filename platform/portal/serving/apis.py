"""REST views of tasks, with all that is going on with them, and of deployments."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.catalog import selectors as catalog
from portal.catalog import services as catalog_services
from portal.common.fields import ChoiceField
from portal.common.idempotency import idempotent
from portal.common.pagination import PageNumbers, paged
from portal.common.schema import PAGE_PARAMETERS, page_of
from portal.common.slugs import is_slug
from portal.common.task_kinds import TASK_KINDS
from portal.serving import selectors, services
from portal.serving.models import DeploymentState, DriftPart, HoldReason, TrialKind
from portal.tenants.access import DEVELOPER_DELETES, TenantApi
from portal.training.models import JobState
from wire.tasks import TaskKind


class TaskTrainingOut(serializers.Serializer[Any]):
    """The newest training of a task, in short."""

    id = serializers.UUIDField()
    state = ChoiceField(choices=JobState.choices)
    phase = serializers.CharField()
    share = serializers.FloatField(help_text="Of the whole training's expected work, what is done.")
    step = serializers.IntegerField()
    num_steps = serializers.IntegerField()
    validation_accuracy = serializers.FloatField(allow_null=True)
    eta_s = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class TaskVersionOut(serializers.Serializer[Any]):
    """The newest version of a task, in short."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class TaskDeploymentOut(serializers.Serializer[Any]):
    """What serves now."""

    version = serializers.IntegerField(source="version.number")
    version_id = serializers.UUIDField()
    deployed_at = serializers.DateTimeField(source="created_at")


class TaskAlarmOut(serializers.Serializer[Any]):
    """What has drifted."""

    part = ChoiceField(choices=DriftPart.choices)
    since = serializers.DateTimeField(source="created_at")


class TaskHoldOut(serializers.Serializer[Any]):
    """What serves stays on an older tree of the domain for a while."""

    reason = ChoiceField(
        choices=HoldReason.choices,
        help_text="The newest tree answers its held-out rows worse (loses), it could not be tried on them"
        " (untried), or the tree before the newest was asked for (brought_back).",
    )
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(help_text="Then it moves to the newest tree, whatever that does to it.")
    old_tree = serializers.CharField(source="old_tree.digest", help_text="Digest of the one it serves on.")
    new_tree = serializers.CharField(source="new_tree.digest", help_text="Digest of the one it moves to.")
    num_rows = serializers.IntegerField(source="figures.num_rows", help_text="Held-out rows that were tried.")
    metric = serializers.CharField(
        source="figures.metric",
        allow_null=True,
        help_text="What the two figures are: accuracy, r2, micro_f1 or span_f1, by the task's kind;"
        " row_quality where an older release tried it; null: not tried.",
    )
    accuracy_old = serializers.FloatField(
        source="figures.accuracy_old",
        allow_null=True,
        help_text="The metric of those rows together, on the tree that it serves on.",
    )
    accuracy_new = serializers.FloatField(
        source="figures.accuracy_new", allow_null=True, help_text="On the tree that it moves to."
    )


class TaskTrialOut(serializers.Serializer[Any]):
    """The version that is tried now."""

    version = serializers.IntegerField(source="version.number")
    kind = ChoiceField(choices=TrialKind.choices)
    share = serializers.FloatField()


class TaskOut(serializers.Serializer[Any]):
    """A task."""

    id = serializers.UUIDField(source="task.id")
    slug = serializers.CharField(source="task.slug", help_text="What /v1/tasks/{task}/predict names.")
    name = serializers.CharField(source="task.name")
    kind = ChoiceField(source="task.kind", choices=TASK_KINDS, help_text="What it predicts.")
    domain = serializers.CharField(source="task.domain.slug")
    labels = serializers.ListField(source="task.labels", child=serializers.CharField())
    coverage_floor = serializers.FloatField(
        source="task.coverage_floor",
        allow_null=True,
        help_text="Texts of which trigrams and bigrams answer a smaller share of the tokens have their lower"
        " layers computed; null: none.",
    )
    created_at = serializers.DateTimeField(source="task.created_at")
    latest_training = TaskTrainingOut(allow_null=True)
    latest_version = TaskVersionOut(allow_null=True)
    deployment = TaskDeploymentOut(allow_null=True)
    trial = TaskTrialOut(allow_null=True)
    drift_alarms = TaskAlarmOut(many=True, help_text="Of what serves; .../drift has the numbers.")
    hold = TaskHoldOut(allow_null=True, help_text="Of what serves; null: it is not held.")


class TaskIn(serializers.Serializer[Any]):
    """A new task."""

    name = serializers.CharField(max_length=200)
    slug = serializers.CharField(max_length=63, validators=[is_slug], required=False)
    domain = serializers.CharField(
        max_length=63,
        required=False,
        help_text="Slug of one of your domains, or of a shared one, which the task reads and does not teach;"
        " without it the task gets its own.",
    )
    kind = ChoiceField(
        choices=TASK_KINDS,
        required=False,
        help_text="What it predicts; it cannot be changed later. Default: single_label.",
    )


class TaskChangeIn(serializers.Serializer[Any]):
    """A change to a task; what is left out stays."""

    name = serializers.CharField(max_length=200, required=False)
    coverage_floor = serializers.FloatField(
        min_value=0, max_value=1, allow_null=True, required=False, help_text="Null: no floor."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something must change."""
        if not attrs:
            raise serializers.ValidationError({"name": "Send a name or a coverage floor."}, code="required")
        return attrs


class DeploymentOut(serializers.Serializer[Any]):
    """A version that serves, or did."""

    id = serializers.UUIDField()
    version = serializers.IntegerField(source="version.number")
    version_id = serializers.UUIDField()
    state = ChoiceField(choices=DeploymentState.choices)
    created_by = serializers.EmailField(source="created_by.email", allow_null=True)
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class DeploymentIn(serializers.Serializer[Any]):
    """Which version is to serve."""

    version = serializers.IntegerField(min_value=1, help_text="Number of the version.")


class TasksApi(TenantApi):
    """The tenant's tasks."""

    @extend_schema(responses=page_of(TaskOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List tasks."""
        pages = PageNumbers()
        tasks = pages.paginate_queryset(catalog.task_list(tenant=self.tenant), request) or []
        overviews = selectors.task_overviews(tenant=self.tenant, tasks=tasks)
        return pages.get_paginated_response(TaskOut(overviews, many=True).data)

    @extend_schema(request=TaskIn, responses={201: TaskOut})
    @idempotent
    def post(self, request: Request, tenant: str) -> Response:
        """Make a task."""
        given = TaskIn(data=request.data)
        given.is_valid(raise_exception=True)
        task = catalog_services.task_create(
            tenant=self.tenant,
            name=given.validated_data["name"],
            slug=given.validated_data.get("slug"),
            domain_slug=given.validated_data.get("domain"),
            acting=self.actor,
            kind=TaskKind(given.validated_data.get("kind", TaskKind.SINGLE_LABEL)),
        )
        [overview] = selectors.task_overviews(tenant=self.tenant, tasks=[task])
        return Response(TaskOut(overview).data, status=201)


class TaskApi(TenantApi):
    """One task."""

    @extend_schema(responses=TaskOut)
    def get(self, request: Request, tenant: str, task: str) -> Response:
        """One task with its newest training and version, and what serves."""
        return self._answer(task)

    @extend_schema(request=TaskChangeIn, responses=TaskOut)
    def patch(self, request: Request, tenant: str, task: str) -> Response:
        """Rename a task (its slug stays), or set its coverage floor."""
        found = catalog.task_get(tenant=self.tenant, slug=task)
        given = TaskChangeIn(data=request.data)
        given.is_valid(raise_exception=True)
        if "name" in given.validated_data:
            catalog_services.task_rename(task=found, name=given.validated_data["name"], acting=self.actor)
        if "coverage_floor" in given.validated_data:
            floor = given.validated_data["coverage_floor"]
            catalog_services.task_floor_set(task=found, coverage_floor=floor, acting=self.actor)
        return self._answer(task)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str, task: str) -> Response:
        """Delete a task with its versions, trainings and keys; 409 while it serves or trains."""
        found = catalog.task_get(tenant=self.tenant, slug=task)
        services.task_delete_unused(task=found, acting=self.actor)
        return Response(status=204)

    def _answer(self, slug: str) -> Response:
        found = catalog.task_get(tenant=self.tenant, slug=slug)
        [overview] = selectors.task_overviews(tenant=self.tenant, tasks=[found])
        return Response(TaskOut(overview).data)


class DeploymentsApi(TenantApi):
    """A task's deployments."""

    @extend_schema(responses=page_of(DeploymentOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str, task: str) -> Response:
        """List deployments, newest first."""
        found = catalog.task_get(tenant=self.tenant, slug=task)
        return paged(request, selectors.deployment_list(tenant=self.tenant, task=found), DeploymentOut)

    @extend_schema(request=DeploymentIn, responses={201: DeploymentOut})
    @idempotent
    def post(self, request: Request, tenant: str, task: str) -> Response:
        """Deploy a version; an older one is a roll-back."""
        found = catalog.task_get(tenant=self.tenant, slug=task)
        given = DeploymentIn(data=request.data)
        given.is_valid(raise_exception=True)
        version = catalog.version_get(tenant=self.tenant, task=found, number=given.validated_data["version"])
        deployment = services.deploy(version=version, acting=self.actor)
        return Response(DeploymentOut(deployment).data, status=201)


class CurrentDeploymentApi(TenantApi):
    """What serves now."""

    write_roles = DEVELOPER_DELETES

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str, task: str) -> Response:
        """Undeploy: the task serves nothing any more."""
        services.undeploy(task=catalog.task_get(tenant=self.tenant, slug=task), acting=self.actor)
        return Response(status=204)
