"""The environment of each program: what it needs, and no other program's secrets."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from urllib.parse import quote

from portal.local.folders import ROOT, Folders
from portal.local.ports import LOOPBACK, Ports
from portal.local.secrets import Secrets
from wire.settings import PREFIX

DATABASE = "hmi"
OPERATOR_EMAIL = "operator@hmi.local"

_OWN_NAMES = {"HMI_VENV", "HMI_VAR", "HMI_PORT", "HMI_HOST", "HMI_GENERAL_TEXT", "HMI_NUM_LOWER"}
"""Read by ./hmi and the supervisor themselves."""

_OTHERS_PREFIXES = ("PG", "CELERY_", "UVICORN_")
_OTHERS_NAMES = {"BROKER_URL", "RESULT_BACKEND", "LOADER", "CONFIG_MODULE", "WEB_CONCURRENCY"}
"""Read by libpq, Celery and uvicorn, before or beside what we tell them: of servers that are not ours."""


@dataclass(frozen=True, slots=True)
class Environments:
    """Whole environments of child processes, by role."""

    database_preparation: Mapping[str, str]  # superuser: roles and database
    database_owner: Mapping[str, str]  # migrations and other commands of manage.py
    portal: Mapping[str, str]  # portal and worker
    service: Mapping[str, str]
    data_plane_tools: Mapping[str, str]  # hmi.cli: backbone, plot


def forget_other_servers(environ: MutableMapping[str, str]) -> None:
    """Take out of ``environ`` what would lead our programs to other servers than our own."""
    for name in list(environ):
        if name.startswith(_OTHERS_PREFIXES) or name in _OTHERS_NAMES:
            del environ[name]


def build_environments(
    *, folders: Folders, ports: Ports, host: str, secrets: Secrets, inherited: Mapping[str, str]
) -> Environments:
    """``inherited`` is ours; its HMI_* settings pass, but for those that the supervisor decides."""
    common = _common(folders, inherited)
    urls = {
        "HMI_DATABASE_OWNER_URL": _database_url("hmi_owner", secrets.database_owner, ports),
        "HMI_DATABASE_URL": _database_url("hmi_portal", secrets.database_portal, ports),
    }
    service_urls = {
        "HMI_CATALOG_URL": _database_url("hmi_serving", secrets.database_serving, ports),
        "HMI_USAGE_URL": _database_url("hmi_usage", secrets.database_usage, ports),
    }
    portal = common | {
        "HMI_DATABASE_URL": urls["HMI_DATABASE_URL"],
        "HMI_BROKER_URL": f"redis://:{quote(secrets.broker, safe='')}@{LOOPBACK}:{ports.broker}/0",
        "HMI_SECRET_KEY": secrets.secret_key,
        "HMI_PUBLIC_URL": common.get("HMI_PUBLIC_URL", public_url(host, ports)),
        "HMI_ALLOWED_HOSTS": common.get("HMI_ALLOWED_HOSTS", _allowed_hosts(host)),
        "HMI_MAIL_URL": common.get("HMI_MAIL_URL", folders.mail.as_uri()),
        "HMI_WORK_DIR": str(folders.work),
        "HMI_FRONTEND_DIR": str(ROOT / "frontend" / "dist"),
        "HMI_SERVICE_URL": f"http://{LOOPBACK}:{ports.service}",
    }
    service = (
        common
        | service_urls
        | {
            "HMI_SERVICE_HOST": LOOPBACK,
            "HMI_SERVICE_PORT": str(ports.service),
            "HMI_CACHE_DIR": str(folders.cache / "service"),
        }
    )
    owner = portal | urls | service_urls
    admin = {"HMI_DATABASE_ADMIN_URL": _database_url("postgres", secrets.database_admin, ports, "postgres")}
    return Environments(
        database_preparation=owner | admin,
        database_owner=owner,
        portal=portal,
        service=service,
        data_plane_tools=common,
    )


def not_taken(environments: Environments, inherited: Mapping[str, str]) -> list[str]:
    """Settings in ``inherited`` in whose place the supervisor has decided otherwise."""
    programs = (environments.database_preparation, environments.portal, environments.service)
    return sorted(
        name
        for name, given in inherited.items()
        if name.startswith(PREFIX) and any(program.get(name, given) != given for program in programs)
    )


def public_url(host: str, ports: Ports) -> str:
    """Where people open the installation."""
    name = LOOPBACK if host in ("0.0.0.0", "::", "") else host
    return f"http://[{name}]:{ports.proxy}" if ":" in name else f"http://{name}:{ports.proxy}"


def _common(folders: Folders, inherited: Mapping[str, str]) -> dict[str, str]:
    """What every program gets."""
    plain = {name: value for name, value in inherited.items() if not name.startswith(PREFIX)}
    chosen = {n: v for n, v in inherited.items() if n.startswith(PREFIX) and n not in _OWN_NAMES}
    return plain | {
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "portal.config.settings",
        **chosen,
        "HMI_STORE_URL": folders.store.as_uri(),
    }


def _allowed_hosts(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):
        return "*"  # listens everywhere: it cannot know by which names it is called
    return ",".join(dict.fromkeys([host, LOOPBACK, "localhost"]))


def _database_url(role: str, password: str, ports: Ports, database: str = DATABASE) -> str:
    return f"postgresql://{role}:{quote(password, safe='')}@{LOOPBACK}:{ports.postgres}/{database}"
