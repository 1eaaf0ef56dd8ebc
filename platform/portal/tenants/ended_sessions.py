"""Sessions that have expired: a browser that does not come back never ends its own."""

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef

from portal.common.pruning import prune


def sessions_prune(*, now: datetime) -> None:
    """Forget expired sessions, and where the users of sessions that are no more had signed in from."""
    prune(Session.objects.filter(expire_date__lt=now).order_by("expire_date"))
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    prune(UserSession.objects.filter(~Exists(alive)).order_by("pk"))
