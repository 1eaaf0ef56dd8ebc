"""The portal's settings from the environment."""

import traceback

import pytest
from django.conf import settings

from portal.config.env import PortalSettings, database_config, read_settings


def test_a_misspelt_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMI_STORE_URI", "file:///x")
    with pytest.raises(ValueError, match="did you mean HMI_STORE_URL"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HMI_MAX_UPLOAD_BYTES", "many"),
        ("HMI_MAX_UPLOAD_ROWS", "0"),
        ("HMI_LOG_LEVEL", "LOUD"),
        ("HMI_PUBLIC_URL", "hmi.example.com"),
        ("HMI_MAIL_URL", "pigeon://roof"),
        ("HMI_BROKER_URL", "pigeon://roof"),
        ("HMI_STORE_URL", "pigeon://roof"),
        ("HMI_STORE_URL", "/var/lib/hmi/store"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"^{name}") as refused:
        read_settings()
    assert value in str(refused.value) or name in ("HMI_MAIL_URL", "HMI_BROKER_URL")


def test_sizes_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMI_MAX_UPLOAD_BYTES", "500MiB")
    assert read_settings().max_upload_bytes == 500 << 20


def test_a_refusal_does_not_tell_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMI_MAIL_URL", "smpt://user:hunter2@mail.example.com")
    with pytest.raises(ValueError, match=r"^HMI_MAIL_URL: must begin with file:///, smtp://") as refused:
        read_settings()
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("memory", "places"), [("500MiB", 1), ("1GiB", 1), ("2GiB", 2), ("3.9GiB", 5), ("9GiB", 12)]
)
def test_as_many_trainings_run_at_a_time_as_memory_holds(
    monkeypatch: pytest.MonkeyPatch, memory: str, places: int
) -> None:
    monkeypatch.setenv("HMI_TRAINING_MEMORY_BYTES", memory)
    assert read_settings().training_places == places
    assert settings.ENV.training_places + 1 == settings.CELERY_WORKER_CONCURRENCY, "one for domains' jobs"


def test_secrets_are_masked_when_the_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMI_DATABASE_URL", "postgresql://hmi_portal:hunter2@db:5432/hmi")
    monkeypatch.setenv("HMI_SECRET_KEY", "hunter3")
    shown = repr(PortalSettings())
    assert "hunter2" not in shown and "hunter3" not in shown


def test_requests_may_name_the_public_host_the_given_ones_and_the_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HMI_PUBLIC_URL", "https://hmi.example.com/")
    monkeypatch.setenv("HMI_ALLOWED_HOSTS", "portal, other.example.com")
    settings = PortalSettings()
    assert settings.public_url == "https://hmi.example.com"
    assert settings.hosts[:3] == ["portal", "other.example.com", "hmi.example.com"]
    assert "127.0.0.1" in settings.hosts


def test_a_database_url_is_taken_apart() -> None:
    config = database_config("postgresql://hmi_portal:p%40ss@db:6543/hmi?sslmode=require")
    assert (config["USER"], config["PASSWORD"], config["HOST"]) == ("hmi_portal", "p@ss", "db")
    assert (config["PORT"], config["NAME"], config["OPTIONS"]["sslmode"]) == ("6543", "hmi", "require")
    assert config["OPTIONS"]["keepalives_idle"] == 10
    with pytest.raises(ValueError, match="postgresql://"):
        database_config("mysql://db/hmi")
