"""The list of names, the typed settings and the operator's documentation say the same."""

import re
from pathlib import Path

import pytest

from hmi.base.units import parse_bytes
from hmi.service.settings import ServiceSettings
from portal.config.env import PortalSettings
from wire.settings import KNOWN, PREFIX, refuse_unknown

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(HMI_\w+)` \| ([^|]+) \|", re.MULTILINE)
ROWS = {name: default.strip() for name, default in ROW.findall(DOCS)}
SETTINGS = {
    PREFIX + name.upper(): field
    for settings in (PortalSettings, ServiceSettings)
    for name, field in settings.model_fields.items()
}


def test_every_known_name_is_documented_and_every_documented_name_is_known() -> None:
    assert set(ROWS) == KNOWN


def test_every_typed_setting_is_known() -> None:
    assert set(SETTINGS) <= KNOWN


def test_documented_numbers_are_the_defaults() -> None:
    numbers = {name: int(default) for name, default in ROWS.items() if default.isdigit() and name in SETTINGS}
    assert numbers
    assert numbers == {name: SETTINGS[name].default for name in numbers}


def test_documented_sizes_and_words_are_the_defaults() -> None:
    for name, default in ROWS.items():
        word = default.strip("`")
        if name in SETTINGS and word != default and not word.isdigit() and "var/" not in word:
            found = SETTINGS[name].default
            wanted = (
                parse_bytes(word) if word.endswith("iB") else {"true": True, "false": False}.get(word, word)
            )
            assert found == wanted, name


def test_a_misspelt_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match=r"HMI_DEVICE_BYTE is not a setting.*did you mean HMI_DEVICE_BYTES"):
        refuse_unknown({"HMI_DEVICE_BYTE": "1", "PATH": "/bin"})
