"""The operator's shared domains: makes them, verifies the tenants that count for them, lists what stands."""

from argparse import ArgumentTypeError
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.catalog.services import shared_domain_create
from portal.common.errors import PortalError
from portal.common.scope import operator_scope
from portal.common.slugs import is_slug
from portal.domains.selectors import SharedDomainStanding, shared_domain_get, shared_domain_standings
from portal.domains.services import domain_update_request, tenant_verify
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Tenant
from wire.domains import K_TENANTS


class Command(BaseCommand):
    """Runs as the operator; each change is in the audit log."""

    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """See Django."""
        commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
        creating = commands.add_parser("create", help="a shared domain, empty until tenants contribute")
        creating.add_argument("slug", type=_slug)
        creating.add_argument("--name", help="what people see (the slug)")
        creating.add_argument("--parent", help="slug of the shared domain above it (general)")
        updating = commands.add_parser("update", help="make a shared domain's tree anew, in the background")
        updating.add_argument("slug")
        verifying = commands.add_parser("verify", help="let tenants count for the k-tenant rule")
        verifying.add_argument("tenants", nargs="+", metavar="TENANT", help="slug")
        commands.add_parser("list", help="shared domains, their trees, and who contributes")

    def handle(self, *args: Any, **options: Any) -> None:
        """See Django."""
        try:
            with operator_scope():
                self._run(options)
        except PortalError as exc:
            raise CommandError(exc.message) from exc

    def _run(self, options: dict[str, Any]) -> None:
        match options["command"]:
            case "create":
                slug = options["slug"]
                shared_domain_create(
                    name=options["name"] or slug, slug=slug, parent_slug=options["parent"], acting=OPERATOR
                )
                self.stdout.write(f"{slug} is made: tenants can contribute to it")
            case "update":
                domain_update_request(domain=shared_domain_get(slug=options["slug"]), acting=OPERATOR)
                self.stdout.write(f"{options['slug']}: the update is queued")
            case "verify":
                self._verify(options["tenants"])
            case _:
                for standing in shared_domain_standings():
                    self.stdout.write(_line(standing))

    def _verify(self, slugs: list[str]) -> None:
        found = {tenant.slug: tenant for tenant in Tenant.objects.filter(slug__in=slugs)}
        unknown = sorted(set(slugs) - set(found))
        if unknown:
            raise CommandError(f"there is no tenant {', '.join(unknown)}; nobody was verified")
        for slug in sorted(found):
            tenant_verify(tenant=found[slug], acting=OPERATOR)
            self.stdout.write(f"{slug} is verified")


def _slug(text: str) -> str:
    try:
        is_slug(text)
    except ValidationError as exc:
        raise ArgumentTypeError(exc.messages[0]) from exc
    return text


def _line(standing: SharedDomainStanding) -> str:
    tree = standing.tree
    parts = [
        standing.domain.slug,
        f"under {standing.domain.parent.slug if standing.domain.parent is not None else 'general'}",
        "no tree" if tree is None else f"tree {tree.digest} of {tree.created_at:%Y-%m-%d %H:%M}",
        f"contributions {standing.num_contributions}",
        f"tenants {standing.num_tenants}, verified {standing.num_verified} of the {K_TENANTS} that it takes",
    ]
    return "; ".join(parts)
