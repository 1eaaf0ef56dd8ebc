"""What of other packages the operator's console leaves out, and its pages of mail and memory."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.common.mail import mail_list, mail_read
from portal.serving.memory import ServiceSilent, memory_read

# Their pages could change and delete; the console only shows.
for _model in (Group, EmailAddress, Authenticator, UserSession):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@require_safe
def mail(request: HttpRequest) -> HttpResponse:
    """The mail that was written to files, newest first."""
    folder = settings.EMAIL_FILE_PATH
    files = mail_list(folder) if folder is not None else []
    return _page(request, "mail", title="Mail", folder=folder, files=files, text=None)


@require_safe
def mail_file(request: HttpRequest, name: str) -> HttpResponse:
    """One of them."""
    folder = settings.EMAIL_FILE_PATH
    text = mail_read(folder, name) if folder is not None else None
    if text is None:
        raise Http404
    return _page(request, "mail", title=name, folder=folder, files=[], text=text)


@require_safe
def memory(request: HttpRequest) -> HttpResponse:
    """What the inference service keeps where, as it is now."""
    try:
        return _page(request, "memory", title="Memory", memory=memory_read(settings.ENV.service_url))
    except ServiceSilent as exc:
        return _page(request, "memory", title="Memory", problem=str(exc))


def _page(request: HttpRequest, template: str, **context: object) -> HttpResponse:
    return render(request, f"console/{template}.html", {**admin.site.each_context(request), **context})
