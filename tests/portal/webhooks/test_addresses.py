"""Where webhooks may not go."""

import socket

import pytest

from portal.webhooks.addresses import AddressRefused, checked_url, resolved


@pytest.mark.parametrize("url", ["https://example.com/hook", "https://93.184.216.34:8443/a?b=c"])
def test_public_addresses_are_taken(url: str) -> None:
    assert checked_url(url, is_private_allowed=False).geturl() == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "ftp://example.com/hook",
        "https://",
        "https:///hook",
        "no url",
        "https://user:secret@example.com/",
        "https://example.com/#part",
        "https://example.com:99999/",
        "https://example.com:0/",
        "https://exämple.com/",
        "https://a..example.com/",
        "https://.example.com/",
        f"https://{'a' * 64}.example.com/",
        "https://example.com/a b",
        "https://localhost/",
        "https://api.localhost/",
        "https://127.0.0.1/",
        "https://10.0.0.8/",
        "https://192.168.1.1/",
        "https://172.16.0.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fc00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
    ],
)
def test_what_is_no_public_https_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        checked_url(url, is_private_allowed=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost/", "https://10.0.0.8/"])
def test_the_operator_may_allow_private_addresses(url: str) -> None:
    assert checked_url(url, is_private_allowed=True).geturl() == url


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "127.1"])
def test_a_name_that_leads_to_a_private_address_is_refused_when_it_is_looked_up(host: str) -> None:
    with pytest.raises(AddressRefused, match="private"):
        resolved(host, 443, is_private_allowed=False, within_s=60)


@pytest.mark.parametrize(
    "private", ["10.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:127.0.0.1"]
)
def test_one_private_address_among_those_of_a_name_refuses_them_all(
    monkeypatch: pytest.MonkeyPatch, private: str
) -> None:
    public = "93.184.216.34"

    def looked_up(*addresses: str) -> str:
        found = [(0, 0, 0, "", (address, 443)) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        return resolved("mixed.example", 443, is_private_allowed=False, within_s=60)

    assert looked_up(public) == public
    for addresses in ((public, private), (private, public)):
        with pytest.raises(AddressRefused, match="private"):
            looked_up(*addresses)


def test_a_name_that_leads_to_a_private_address_is_resolved_where_that_is_allowed() -> None:
    assert resolved("localhost", 80, is_private_allowed=True, within_s=60) in ("127.0.0.1", "::1")
