"""Every address of the portal."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from portal.common.exception_handler import api_not_found
from portal.common.frontend import dashboard
from portal.common.health import healthz, readyz
from portal.common.metrics import metrics
from portal.config.admin import mail, mail_file, memory

handler400 = "portal.common.exception_handler.bad_request"
handler403 = "portal.common.exception_handler.permission_denied"
handler404 = "portal.common.exception_handler.not_found"
handler500 = "portal.common.exception_handler.server_error"

_tenant_urls = [
    path("", include("portal.webhooks.urls")),
    path("", include("portal.datasets.urls")),
    path("", include("portal.catalog.urls")),
    path("", include("portal.training.urls")),
    path("", include("portal.serving.urls")),
    path("", include("portal.usage.urls")),
    path("", include("portal.domains.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include("portal.tenants.urls")),
    path("api/v1/tenants/<slug:tenant>/", include(_tenant_urls)),
    path("_allauth/", include("allauth.headless.urls")),
    path("admin/mail/", admin.site.admin_view(mail), name="console-mail"),
    path("admin/mail/<str:name>", admin.site.admin_view(mail_file), name="console-mail-file"),
    path("admin/memory/", admin.site.admin_view(memory), name="console-memory"),
    path("admin/", admin.site.urls),
    re_path(r"^(api|_allauth|admin|static|v1)(/|$)", api_not_found),
    re_path(r"^.*$", dashboard, {"folder": settings.ENV.frontend_dir}),
]
