"""Addresses under /api/v1/tenants/{tenant}/."""

from django.urls import path

from portal.serving import apis, drift_apis, trial_apis

urlpatterns = [
    path("tasks", apis.TasksApi.as_view()),
    path("tasks/<slug:task>", apis.TaskApi.as_view()),
    path("tasks/<slug:task>/deployments", apis.DeploymentsApi.as_view()),
    path("tasks/<slug:task>/deployments/current", apis.CurrentDeploymentApi.as_view()),
    path("tasks/<slug:task>/drift", drift_apis.DriftApi.as_view()),
    path("tasks/<slug:task>/trials", trial_apis.TrialsApi.as_view()),
    path("tasks/<slug:task>/trials/current", trial_apis.CurrentTrialApi.as_view()),
    path("tasks/<slug:task>/trials/current/promote", trial_apis.TrialPromotionApi.as_view()),
]
