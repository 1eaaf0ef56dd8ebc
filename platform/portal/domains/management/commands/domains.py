"""The operator's shared domains: makes them, verifies the tenants that count for them, lists what stands."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.catalog.models import Domain
from portal.catalog.services import shared_domain_change, shared_domain_create
from portal.common.errors import Conflict, PortalError
from portal.common.scope import operator_scope
from portal.common.slugs import is_slug
from portal.domains.operator_text import text_count
from portal.domains.selectors import SharedDomainStanding, shared_domain_get, shared_domain_standings
from portal.domains.services import (
    domain_bring_back_request,
    domain_text_add,
    domain_update_request,
    tenant_verify,
)
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Tenant
from wire.codec import to_plain
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
        _add_min_tenants(creating, default=K_TENANTS)
        changing = commands.add_parser("change", help="another name, or another number of tenants")
        changing.add_argument("slug")
        changing.add_argument("--name", help="what people see")
        _add_min_tenants(changing, default=None)
        adding = commands.add_parser(
            "add-text", help="let a shared domain learn from your own text; killed, the same command goes on"
        )
        adding.add_argument("slug")
        adding.add_argument(
            "paths",
            nargs="+",
            type=Path,
            metavar="PATH",
            help="files or folders of text: .txt, .jsonl, .jsonl.gz, .csv, .parquet",
        )
        adding.add_argument("--json", action="store_true", help="progress and result as JSON lines")
        updating = commands.add_parser("update", help="make a shared domain's tree anew, in the background")
        updating.add_argument("slug")
        back = commands.add_parser(
            "bring-back", help="let a shared domain's tasks go back to the tree before the newest, for a week"
        )
        back.add_argument("slug")
        verifying = commands.add_parser("verify", help="let tenants count for the k-tenant rule")
        verifying.add_argument("tenants", nargs="+", metavar="TENANT", help="slug")
        commands.add_parser("list", help="shared domains, their trees, and who contributes")

    def handle(self, *args: Any, **options: Any) -> None:
        """See Django."""
        try:
            if options["command"] == "add-text":  # which takes long: no transaction meanwhile
                self._add_text(options["slug"], options["paths"], as_json=options["json"])
                return
            with operator_scope():
                self._run(options)
        except PortalError as exc:
            raise CommandError(exc.message) from exc

    def _run(self, options: dict[str, Any]) -> None:
        match options["command"]:
            case "create":
                slug = options["slug"]
                shared_domain_create(
                    name=options["name"] or slug,
                    slug=slug,
                    parent_slug=options["parent"],
                    min_tenants=options["min_tenants"],
                    acting=OPERATOR,
                )
                self.stdout.write(f"{slug} is made: tenants can contribute to it")
            case "change":
                domain = shared_domain_get(slug=options["slug"])
                shared_domain_change(
                    domain=domain,
                    name=options["name"] or domain.name,
                    min_tenants=options["min_tenants"] or domain.min_tenants,
                    acting=OPERATOR,
                )
                rule = f"of {domain.min_tenants} tenants from its next update on"
                self.stdout.write(f"{domain.slug}: {domain.name}, {rule}")
            case "update":
                domain_update_request(domain=shared_domain_get(slug=options["slug"]), acting=OPERATOR)
                self.stdout.write(f"{options['slug']}: the update is queued")
            case "bring-back":
                job = domain_bring_back_request(
                    domain=shared_domain_get(slug=options["slug"]), acting=OPERATOR
                )
                assert job.brings_back is not None, "a bring-back says which"
                self.stdout.write(f"{options['slug']}: going back to {job.brings_back.digest} is queued")
            case "verify":
                self._verify(options["tenants"])
            case _:
                standings = shared_domain_standings()
                for standing in standings:
                    self.stdout.write(_line(standing))
                if not standings:
                    self.stderr.write("There are no shared domains: domains create SLUG makes one.")

    def _add_text(self, slug: str, paths: list[Path], *, as_json: bool) -> None:
        with operator_scope():
            domain = shared_domain_get(slug=slug)
        counted = text_count(
            domain, [path.absolute() for path in paths], on_event=self._say_event if as_json else None
        )
        with operator_scope():
            is_new = domain_text_add(domain=domain, segment=counted.segment, acting=OPERATOR)
        update = self._update_for_text(domain) if is_new else "it has this text already"
        if as_json:
            said = {"event": "text_added", "domain": slug, "is_new": is_new, **to_plain(counted)}
            self.stdout.write(json.dumps(said))
            return
        known = f"{counted.num_known} known before, {counted.num_repeated} repeated"
        self.stdout.write(f"{slug}: {counted.num_texts} texts, {counted.num_tokens} tokens counted ({known})")
        self.stdout.write(f"{slug}: {update}")

    def _say_event(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _update_for_text(self, domain: Domain) -> str:
        """What becomes of it, in words."""
        try:
            with operator_scope():
                domain_update_request(domain=domain, acting=OPERATOR)
        except Conflict:
            return "an update is under way; the next one, in a day at most, takes it up"
        return "the update that takes it up is queued"

    def _verify(self, slugs: list[str]) -> None:
        found = {tenant.slug: tenant for tenant in Tenant.objects.filter(slug__in=slugs)}
        unknown = sorted(set(slugs) - set(found))
        if unknown:
            raise CommandError(f"there is no tenant {', '.join(unknown)}; nobody was verified")
        for slug in sorted(found):
            tenant_verify(tenant=found[slug], acting=OPERATOR)
            self.stdout.write(f"{slug} is verified")


def _add_min_tenants(parser: ArgumentParser, *, default: int | None) -> None:
    words = f"an n-gram of tenants' text enters when so many verified ones have it ({K_TENANTS})"
    parser.add_argument("--min-tenants", type=int, default=default, metavar="K", help=words)


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
        f"tenants {standing.num_tenants}, verified {standing.num_verified}"
        f" of the {standing.domain.min_tenants} that it takes",
    ]
    return "; ".join(parts)
