"""Addresses under /api/v1/tenants/{tenant}/."""

from django.urls import path

from portal.datasets import apis

urlpatterns = [
    path("datasets", apis.DatasetsApi.as_view()),
    path("datasets/<uuid:dataset>", apis.DatasetApi.as_view()),
    path("datasets/<uuid:dataset>/rows", apis.DatasetRowsApi.as_view()),
]
