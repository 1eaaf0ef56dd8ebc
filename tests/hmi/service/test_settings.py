"""Settings: typed, complete, and never a silent misspelling."""

import traceback

import pytest

from hmi.service.settings import ServiceSettings, read_settings

NEEDED = {
    "HMI_STORE_URL": "file:///store",
    "HMI_CATALOG_URL": "postgresql://hmi_serving:secret@db/hmi",
    "HMI_USAGE_URL": "postgresql://hmi_usage:secret@db/hmi",
    "HMI_CACHE_DIR": "/cache",
}


def settings_from(monkeypatch: pytest.MonkeyPatch, **more: str) -> ServiceSettings:
    environ = {**NEEDED, **more}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return read_settings(environ)


def test_sizes_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_from(monkeypatch, HMI_DEVICE_BYTES="2GiB", HMI_MAX_BODY_BYTES="4096")
    assert (settings.device_bytes, settings.max_body_bytes) == (2**31, 4096)


def test_what_is_shown_hides_the_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "secret" not in str(settings_from(monkeypatch).shown())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HMI_DEVICE_BYTES", "much"),
        ("HMI_DEVICE_BYTES", "0"),
        ("HMI_THREADS", "0"),
        ("HMI_SERVICE_PORT", "70000"),
        ("HMI_REQUEST_DEADLINE_S", "-1"),
        ("HMI_BACKBONE_URI", "without a digest"),
        ("HMI_DEVICE_BITES", "1"),
    ],
)
def test_nonsense_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name}\b.*$") as refused:
        settings_from(monkeypatch, **{name: value})
    assert "\n" not in str(refused.value), "in one line"


def test_what_is_missing_is_named_and_no_password_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NEEDED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HMI_USAGE_URL", NEEDED["HMI_USAGE_URL"])
    with pytest.raises(ValueError, match=r"^HMI_STORE_URL is needed; HMI_CATALOG_URL is needed; ") as refused:
        read_settings(NEEDED)
    assert "secret" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"HMI_THREADS": "1"}, (1, 1)),
        ({"HMI_THREADS": "8"}, (2, 4)),
        ({"HMI_THREADS": "8", "HMI_FORWARDS": "3"}, (3, 2)),
        ({"HMI_THREADS": "8", "HMI_DEVICE": "cuda"}, (1, 8)),
    ],
)
def test_forwards_share_the_threads(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str], expected: tuple[int, int]
) -> None:
    settings = settings_from(monkeypatch, **more)
    assert (settings.num_forwards, settings.forward_threads) == expected


def test_more_forwards_than_threads_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="HMI_FORWARDS is 3"):
        settings_from(monkeypatch, HMI_THREADS="2", HMI_FORWARDS="3")


def test_a_disk_tier_that_would_lose_all_usage_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `HMI_DISK_BYTES=4` for 4GiB: the service answered, and counted nothing."""
    with pytest.raises(ValueError, match="HMI_DISK_BYTES is 4: at least 16777216"):
        settings_from(monkeypatch, HMI_DISK_BYTES="4")
