"""REST views of trainings."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.catalog.selectors import task_get
from portal.common.fields import ChoiceField
from portal.common.idempotency import idempotent
from portal.common.pagination import paged
from portal.common.schema import PAGE_PARAMETERS, TIME_LIMITS, page_of
from portal.tenants.access import TenantApi
from portal.training import selectors, services
from portal.training.models import JobState, TrainingJob
from wire.tasks import TaskKind, validation_metric
from wire.training import METHODS


class JobErrorOut(serializers.Serializer[Any]):
    """Why a training failed."""

    code = serializers.CharField()
    message = serializers.CharField()


class RecipeOut(serializers.Serializer[Any]):
    """How the adapter is trained; what is left out takes a default."""

    method = ChoiceField(choices=[(facts.name, facts.label) for facts in METHODS.values()], required=False)
    rank = serializers.IntegerField(required=False)
    alpha = serializers.FloatField(required=False)
    epochs = serializers.IntegerField(required=False)
    min_steps = serializers.IntegerField(
        required=False, help_text="Small datasets have more epochs, until it is so many steps; 0: never."
    )
    learning_rate = serializers.FloatField(required=False)
    batch_rows = serializers.IntegerField(required=False)
    max_tokens = serializers.IntegerField(required=False, help_text="Longer texts are cut.")
    class_weights = serializers.BooleanField(
        required=False,
        allow_null=True,
        help_text="Whether rare labels count more in the loss; null: as is best for the task's kind.",
    )
    patience = serializers.IntegerField(required=False, help_text="Evaluations without gain before stopping.")
    seed = serializers.IntegerField(required=False)
    distil = serializers.BooleanField(
        required=False,
        help_text="First train on computed lower layers, then imitate that besides the labels; only with few "
        "training rows and at least 100 steps.",
    )
    max_distilled_rows = serializers.IntegerField(
        required=False, help_text="Training rows; with more there is no teacher: labels alone teach as well."
    )
    compare_computed = serializers.BooleanField(
        required=False, help_text="Also train on computed lower layers, to report what PLOT costs."
    )
    search = serializers.IntegerField(
        required=False,
        help_text="Candidates near this recipe (learning rate, rank, epochs) to try on the validation rows.",
    )
    max_minutes = serializers.FloatField(
        required=False,
        allow_null=True,
        help_text="Of work, pauses aside: then it ends with the best validation so far. null: no cap.",
    )
    leaf_mb = serializers.FloatField(
        required=False, help_text="Room for a private leaf of a task in a shared domain; 0: none is tried."
    )


class TimeLimitOut(serializers.Serializer[Any]):
    """A limit of the time that a training may work."""

    limit = ChoiceField(
        choices=TIME_LIMITS,
        help_text="max_minutes is the recipe's, installation that of whoever runs the trainings.",
    )
    minutes = serializers.FloatField()


class TrainingOut(serializers.Serializer[Any]):
    """A training."""

    id = serializers.UUIDField()
    task = serializers.CharField(source="task.slug")
    dataset = serializers.UUIDField(source="dataset_id", allow_null=True)
    state = ChoiceField(choices=JobState.choices)
    recipe = RecipeOut()
    phase = serializers.CharField(allow_blank=True)
    share = serializers.FloatField(
        help_text="Of the whole training's expected work, what is done: 0 to 1, never falling."
    )
    step = serializers.IntegerField(help_text="Of the phase.")
    num_steps = serializers.IntegerField(help_text="Of the phase; 0: it cannot count them.")
    loss = serializers.FloatField(allow_null=True)
    validation_accuracy = serializers.FloatField(allow_null=True, help_text="Of validation_metric.")
    validation_metric = serializers.SerializerMethodField(help_text="What is watched on validation rows.")
    eta_s = serializers.FloatField(allow_null=True)
    message = serializers.CharField(allow_blank=True)
    error = JobErrorOut(
        allow_null=True, help_text="Why it failed; of a queued one, why it is tried again, at retry_at."
    )
    retry_at = serializers.DateTimeField(allow_null=True, help_text="Of a queued one: it waits until then.")
    can_retry = serializers.BooleanField(
        help_text="Failed by what passes, less than a day ago: it can go on from where it was."
    )
    version = serializers.IntegerField(
        source="version_number", allow_null=True, help_text="Number of the version that came out."
    )
    stopped_at = TimeLimitOut(
        allow_null=True,
        help_text="The limit of time that ended it, with the best so far; null: none did.",
    )
    attempt = serializers.IntegerField()
    cancel_requested = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_validation_metric(self, job: TrainingJob) -> str:
        """accuracy, r2, micro_f1 or span_f1, by the task's kind."""
        return validation_metric(TaskKind(job.task.kind))


class AccuracyRangeOut(serializers.Serializer[Any]):
    """What the figure on held-out rows will probably be."""

    low = serializers.FloatField()
    high = serializers.FloatField()
    probe_accuracy = serializers.FloatField(help_text="Of a linear head on the frozen model.")
    probe_ci95 = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)
    probe_rows = serializers.IntegerField(help_text="Rows that the probe was judged on.")


class EstimateResultOut(serializers.Serializer[Any]):
    """What a training would take and give."""

    num_rows = serializers.IntegerField()
    num_train_rows = serializers.IntegerField()
    num_steps = serializers.IntegerField(help_text="When nothing stops it early.")
    seconds = serializers.FloatField(help_text="Of the whole recipe, at the speed of the probe.")
    seconds_least = serializers.FloatField(help_text="When it stops as early as it may.")
    adapter_bytes = serializers.IntegerField(help_text="Adapter and head, as they are kept.")
    majority_accuracy = serializers.FloatField(
        allow_null=True, help_text="Of always saying the most frequent label; null: of kinds without one."
    )
    accuracy = AccuracyRangeOut(allow_null=True, help_text="Of the metric; null: too few rows to tell.")
    metric = serializers.CharField(
        default="accuracy", help_text="accuracy, r2, micro_f1 or span_f1, by the task's kind."
    )
    plot_bytes = serializers.IntegerField(
        allow_null=True,
        default=None,
        help_text="Of the domain's PLOT after the training; null: not reckoned.",
    )
    limit_s = serializers.FloatField(
        allow_null=True,
        default=None,
        help_text="What a training may work here: then it ends with the best so far, as at max_minutes.",
    )
    memory_bytes = serializers.IntegerField(
        allow_null=True, default=None, help_text="Memory that the training will take, about."
    )


class EstimateOut(serializers.Serializer[Any]):
    """An estimate; ask again each second until its state is succeeded, failed or cancelled."""

    id = serializers.UUIDField()
    task = serializers.CharField(source="task.slug")
    dataset = serializers.UUIDField(source="dataset_id", allow_null=True)
    state = ChoiceField(choices=JobState.choices)
    recipe = RecipeOut()
    message = serializers.CharField(allow_blank=True)
    result = EstimateResultOut(allow_null=True)
    error = JobErrorOut(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class TrainingIn(serializers.Serializer[Any]):
    """A new training."""

    dataset = serializers.UUIDField()
    recipe = serializers.DictField(required=False, help_text="Any of the recipe's values.")


class TrainingEventOut(serializers.Serializer[Any]):
    """One point of a training's curve."""

    seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    phase = serializers.CharField()
    step = serializers.IntegerField()
    num_steps = serializers.IntegerField()
    loss = serializers.FloatField(allow_null=True)
    validation_accuracy = serializers.FloatField(allow_null=True)
    message = serializers.CharField(allow_blank=True)


class TaskTrainingsApi(TenantApi):
    """A task's trainings."""

    @extend_schema(responses=page_of(TrainingOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str, task: str) -> Response:
        """List a task's trainings, newest first."""
        found = task_get(tenant=self.tenant, slug=task)
        return paged(request, selectors.training_list_of_task(tenant=self.tenant, task=found), TrainingOut)

    @extend_schema(request=TrainingIn, responses={201: TrainingOut})
    @idempotent
    def post(self, request: Request, tenant: str, task: str) -> Response:
        """Start a training; 409 while another one of the task is queued, running or paused."""
        given = TrainingIn(data=request.data)
        given.is_valid(raise_exception=True)
        job = services.training_create(
            task=task_get(tenant=self.tenant, slug=task),
            dataset_id=given.validated_data["dataset"],
            recipe=given.validated_data.get("recipe", {}),
            acting=self.actor,
        )
        created = selectors.training_get(tenant=self.tenant, training_id=job.pk)
        return Response(TrainingOut(created).data, status=201)


class TrainingEstimatesApi(TenantApi):
    """What a training would take and give."""

    @extend_schema(request=TrainingIn, responses={201: EstimateOut})
    @idempotent
    def post(self, request: Request, tenant: str, task: str) -> Response:
        """Ask what a training would take and give, before it is started.

        A probe answers within a minute or so, in the background; a newer question cancels the task's older.
        """
        given = TrainingIn(data=request.data)
        given.is_valid(raise_exception=True)
        estimate = services.estimate_create(
            task=task_get(tenant=self.tenant, slug=task),
            dataset_id=given.validated_data["dataset"],
            recipe=given.validated_data.get("recipe", {}),
            acting=self.actor,
        )
        return Response(EstimateOut(estimate).data, status=201)


class EstimateApi(TenantApi):
    """One estimate."""

    @extend_schema(responses=EstimateOut)
    def get(self, request: Request, tenant: str, estimate: UUID) -> Response:
        """What the estimate says, once its state is succeeded."""
        return Response(EstimateOut(selectors.estimate_get(tenant=self.tenant, estimate_id=estimate)).data)


class TrainingApi(TenantApi):
    """One training."""

    @extend_schema(responses=TrainingOut)
    def get(self, request: Request, tenant: str, training: UUID) -> Response:
        """Where a training is."""
        return Response(TrainingOut(selectors.training_get(tenant=self.tenant, training_id=training)).data)


class TrainingCancelApi(TenantApi):
    """The end of a training."""

    @extend_schema(request=None, responses=TrainingOut)
    def post(self, request: Request, tenant: str, training: UUID) -> Response:
        """Cancel a training: a queued or paused one ends at once, a running one within seconds."""
        job = selectors.training_get(tenant=self.tenant, training_id=training)
        services.training_cancel(job=job, acting=self.actor)
        return Response(TrainingOut(selectors.training_get(tenant=self.tenant, training_id=training)).data)


class TrainingPauseApi(TenantApi):
    """A rest."""

    @extend_schema(request=None, responses=TrainingOut)
    def post(self, request: Request, tenant: str, training: UUID) -> Response:
        """Pause a training: its process stops at a checkpoint within seconds. It keeps what it has done."""
        job = selectors.training_get(tenant=self.tenant, training_id=training)
        services.training_pause(job=job, acting=self.actor)
        return Response(TrainingOut(selectors.training_get(tenant=self.tenant, training_id=training)).data)


class TrainingResumeApi(TenantApi):
    """The end of a rest."""

    @extend_schema(request=None, responses=TrainingOut)
    def post(self, request: Request, tenant: str, training: UUID) -> Response:
        """Go on with a paused training, from its last checkpoint, when its turn comes."""
        job = selectors.training_get(tenant=self.tenant, training_id=training)
        services.training_resume(job=job, acting=self.actor)
        return Response(TrainingOut(selectors.training_get(tenant=self.tenant, training_id=training)).data)


class TrainingRetryApi(TenantApi):
    """Another try."""

    @extend_schema(request=None, responses=TrainingOut)
    def post(self, request: Request, tenant: str, training: UUID) -> Response:
        """Try a failed training again, from its last checkpoint, where can_retry says so.

        It lacked what may be there now, such as memory or room on a disk.
        """
        job = selectors.training_get(tenant=self.tenant, training_id=training)
        services.training_retry(job=job, acting=self.actor)
        return Response(TrainingOut(selectors.training_get(tenant=self.tenant, training_id=training)).data)


class TrainingEventsApi(TenantApi):
    """A training's curve."""

    @extend_schema(responses=page_of(TrainingEventOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str, training: UUID) -> Response:
        """List the points of a training's curve, in order."""
        job = selectors.training_get(tenant=self.tenant, training_id=training)
        return paged(request, selectors.training_events(job=job), TrainingEventOut)
