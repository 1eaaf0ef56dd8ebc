"""Addresses under /api/v1/tenants/{tenant}/."""

from django.urls import path

from portal.training import apis, import_apis

urlpatterns = [
    path("tasks/<slug:task>/trainings", apis.TaskTrainingsApi.as_view()),
    path("tasks/<slug:task>/trainings/estimate", apis.TrainingEstimatesApi.as_view()),
    path("tasks/<slug:task>/imports", import_apis.TaskImportsApi.as_view()),
    path("imports/<uuid:adapter_import>", import_apis.ImportApi.as_view()),
    path("imports/<uuid:adapter_import>/cancel", import_apis.ImportCancelApi.as_view()),
    path("estimates/<uuid:estimate>", apis.EstimateApi.as_view()),
    path("trainings/<uuid:training>", apis.TrainingApi.as_view()),
    path("trainings/<uuid:training>/cancel", apis.TrainingCancelApi.as_view()),
    path("trainings/<uuid:training>/pause", apis.TrainingPauseApi.as_view()),
    path("trainings/<uuid:training>/resume", apis.TrainingResumeApi.as_view()),
    path("trainings/<uuid:training>/retry", apis.TrainingRetryApi.as_view()),
    path("trainings/<uuid:training>/events", apis.TrainingEventsApi.as_view()),
]
