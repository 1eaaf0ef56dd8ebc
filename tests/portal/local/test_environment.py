from collections.abc import Mapping
from pathlib import Path

import pytest

from portal.local.environment import Environments, build_environments, not_taken, public_url
from portal.local.folders import Folders
from portal.local.ports import Ports
from portal.local.secrets import Secrets, load_secrets
from wire.settings import KNOWN, PREFIX


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return load_secrets(tmp_path)


def _build(secrets: Secrets, host: str = "127.0.0.1", **inherited: str) -> Environments:
    folders = Folders(Path("/srv/hmi"))
    return build_environments(
        folders=folders, ports=Ports(8400), host=host, secrets=secrets, inherited=inherited
    )


def _all(environments: Environments) -> list[Mapping[str, str]]:
    return [
        environments.database_preparation,
        environments.database_owner,
        environments.portal,
        environments.service,
        environments.data_plane_tools,
    ]


def test_every_name_is_a_setting(secrets: Secrets) -> None:
    names = {name for each in _all(_build(secrets)) for name in each if name.startswith(PREFIX)}
    assert names <= KNOWN


def test_nobody_but_the_preparation_is_the_superuser(secrets: Secrets) -> None:
    prepared, *others = _all(_build(secrets))
    assert secrets.database_admin in prepared["HMI_DATABASE_ADMIN_URL"]
    assert not [name for each in others for name, value in each.items() if secrets.database_admin in value]


def test_the_portal_cannot_change_tables(secrets: Secrets) -> None:
    assert secrets.database_owner not in "".join(_build(secrets).portal.values())


def test_the_service_gets_its_own_two_roles_and_nothing_of_the_portals(secrets: Secrets) -> None:
    values = "".join(_build(secrets).service.values())
    assert secrets.database_serving in values
    assert secrets.database_usage in values
    for hidden in (secrets.database_portal, secrets.database_owner, secrets.secret_key, secrets.broker):
        assert hidden not in values


def test_the_tools_of_the_data_plane_get_no_secret(secrets: Secrets) -> None:
    values = "".join(_build(secrets).data_plane_tools.values())
    assert not [name for name in Secrets.__slots__ if getattr(secrets, name) in values]


def test_settings_of_the_caller_pass_unless_the_supervisor_decides_them(secrets: Secrets) -> None:
    service = _build(secrets, HMI_THREADS="3", HMI_SERVICE_PORT="1", HMI_STORE_URL="s3://elsewhere").service
    assert (service["HMI_THREADS"], service["HMI_SERVICE_PORT"]) == ("3", "8402")
    assert service["HMI_STORE_URL"] == "file:///srv/hmi/store"


def test_settings_that_the_supervisor_decides_are_told_and_no_others(secrets: Secrets) -> None:
    given = {
        "HMI_STORE_URL": "s3://elsewhere",
        "HMI_WORK_DIR": "/scratch",
        "HMI_SERVICE_PORT": "1",
        "HMI_CACHE_DIR": "/srv/hmi/cache/service",
        "HMI_THREADS": "3",
        "HMI_VAR": "/srv/hmi",
        "PYTHONUNBUFFERED": "0",
    }
    told = not_taken(_build(secrets, **given), given)
    assert told == ["HMI_SERVICE_PORT", "HMI_STORE_URL", "HMI_WORK_DIR"]


def test_what_is_not_ours_passes_and_what_is_the_supervisors_does_not(secrets: Secrets) -> None:
    portal = _build(secrets, PATH="/bin", HMI_VAR="/srv/hmi", HMI_PORT="8400").portal
    assert portal["PATH"] == "/bin"
    assert not {"HMI_VAR", "HMI_PORT"} & set(portal)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8400"),
        ("0.0.0.0", "http://127.0.0.1:8400"),
        ("hmi.internal", "http://hmi.internal:8400"),
        ("::1", "http://[::1]:8400"),
    ],
)
def test_the_public_url_is_one_that_a_browser_can_open(host: str, url: str) -> None:
    assert public_url(host, Ports(8400)) == url


def test_an_installation_that_listens_everywhere_answers_to_every_name(secrets: Secrets) -> None:
    assert _build(secrets, host="0.0.0.0").portal["HMI_ALLOWED_HOSTS"] == "*"
    assert "*" not in _build(secrets).portal["HMI_ALLOWED_HOSTS"]
