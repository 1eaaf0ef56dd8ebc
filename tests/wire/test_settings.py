"""A misspelt setting is refused, and the right one is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.settings import KNOWN, PREFIX, refuse_unknown


def test_known_settings_and_foreign_names_pass() -> None:
    refuse_unknown(dict.fromkeys(KNOWN, "") | {"PATH": "/bin", "XHMI_THING": "1", "hmi_port": "1"})


def test_a_misspelt_setting_is_refused_and_the_nearest_one_is_named() -> None:
    with pytest.raises(ValueError, match=r"HMI_DEVICE_BYTE is not a setting.*did you mean HMI_DEVICE_BYTES"):
        refuse_unknown({"HMI_DEVICE_BYTE": "1"})


def test_a_name_like_no_other_is_refused_without_a_guess() -> None:
    with pytest.raises(ValueError, match="HMI_QQQQQQQQQQQQ is not a setting") as caught:
        refuse_unknown({"HMI_QQQQQQQQQQQQ": "1"})
    assert "did you mean" not in str(caught.value)


@given(name=st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1).map(PREFIX.__add__))
def test_no_unknown_name_slips_through(name: str) -> None:
    if name in KNOWN:
        refuse_unknown({name: ""})
    else:
        with pytest.raises(ValueError, match=name):
            refuse_unknown({name: ""})
