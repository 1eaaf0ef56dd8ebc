"""Addresses under /api/v1/tenants/{tenant}/."""

from django.urls import path

from portal.datasets import apis, upload_apis

urlpatterns = [
    path("datasets", apis.DatasetsApi.as_view()),
    path("datasets/<uuid:dataset>", apis.DatasetApi.as_view()),
    path("datasets/<uuid:dataset>/rows", apis.DatasetRowsApi.as_view()),
    path("datasets/<uuid:dataset>/fixes", apis.DatasetFixesApi.as_view()),
    path("datasets/<uuid:dataset>/corrections", apis.DatasetCorrectionsApi.as_view()),
    path("datasets/<uuid:dataset>/versions", apis.DatasetVersionsApi.as_view()),
    path("datasets/<uuid:dataset>/original", apis.DatasetOriginalApi.as_view()),
    path("datasets/<uuid:dataset>/cleaned", apis.DatasetCleanedApi.as_view()),
    path("uploads", upload_apis.UploadsApi.as_view()),
    path("uploads/<uuid:upload>", upload_apis.UploadApi.as_view()),
    path("uploads/<uuid:upload>/dataset", upload_apis.UploadDatasetApi.as_view()),
]
