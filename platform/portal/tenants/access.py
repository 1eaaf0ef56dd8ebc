"""The base of every view inside a tenant: finds the tenant, checks the role, and opens the tenant's scope."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, ClassVar

from django.db import transaction
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.common.errors import Forbidden, NotFound
from portal.common.scope import tenant_scope
from portal.tenants.actors import Actor, actor_of_key, actor_of_user
from portal.tenants.models import ApiKey, Role, Tenant, User
from portal.tenants.selectors import membership_get

_RANK = {Role.VIEWER: 0, Role.DEVELOPER: 1, Role.OWNER: 2}
READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWNER_POSTS: Mapping[str, Role] = {"POST": Role.OWNER}
DEVELOPER_DELETES: Mapping[str, Role] = {"DELETE": Role.DEVELOPER}
KEY_ROLE = Role.DEVELOPER
"""What a key of scope manage may do: all but keys, members and deleting."""


class TenantApi(APIView):
    """A view whose path names a tenant, by slug, as ``tenant``.

    Handlers run in one transaction in the tenant's scope, which is undone when they raise. ``self.tenant``
    and ``self.actor`` say for whom and by whom. ``write_roles`` says the least role for methods that change
    something; unless it says otherwise that is developer, and owner for DELETE. ``read_role`` is that for
    the others: a viewer may read.
    """

    read_role: ClassVar[Role] = Role.VIEWER
    write_roles: ClassVar[Mapping[str, Role]] = {}
    tenant: Tenant
    actor: Actor

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """See Django; holds the tenant's scope open round the handler."""
        with ExitStack() as self._scope:
            self._is_in_scope = False
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After DRF's own checks: which tenant, in which role, may it do this?"""
        super().initial(request, *args, **kwargs)
        self.tenant, role, self.actor = _place_of(request, kwargs["tenant"])
        if not self.tenant.is_active:
            raise Forbidden("This tenant is not active; ask the operator.")
        needed = self._needed_role(request.method or "")
        if _RANK[role] < _RANK[needed]:
            raise Forbidden(f"This needs the role {needed.value}; yours is {role.value}.")
        self._scope.enter_context(tenant_scope(self.tenant.id))
        self._is_in_scope = True

    def handle_exception(self, exc: Exception) -> Response:
        """See DRF; nothing that the handler wrote stays."""
        if self._is_in_scope:
            transaction.set_rollback(True)
        return super().handle_exception(exc)

    def _needed_role(self, method: str) -> Role:
        if method in READ_METHODS:
            return self.read_role
        usual = Role.OWNER if method == "DELETE" else Role.DEVELOPER
        return self.write_roles.get(method, usual)


def _place_of(request: Request, slug: str) -> tuple[Tenant, Role, Actor]:
    if isinstance(request.auth, ApiKey):
        if request.auth.tenant.slug != slug:
            raise NotFound("tenant")
        return request.auth.tenant, KEY_ROLE, actor_of_key(request.auth)
    assert isinstance(request.user, User)
    membership = membership_get(user=request.user, tenant_slug=slug)
    return membership.tenant, Role(membership.role), actor_of_user(request.user)
