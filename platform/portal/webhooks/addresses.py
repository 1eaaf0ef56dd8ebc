"""Where webhooks may go: never into the operator's own network, unless the operator allows it."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from portal.webhooks.look_up import looked_up

_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"), ip_network("2002::/16"))
"""IPv6 that gateways turn into IPv4, perhaps a private one."""


class AddressRefused(Exception):
    """The address may not be called; the message says why."""


def checked_url(url: str, *, is_private_allowed: bool) -> SplitResult:
    """The parts of a URL that may be kept; its name is looked up at each delivery. Raises AddressRefused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise AddressRefused("This is no URL.") from exc
    if parts.scheme != "https" and not (is_private_allowed and parts.scheme == "http"):
        raise AddressRefused("The URL must begin with https://.")
    if not parts.hostname or port == 0 or not url.isascii() or any(c.isspace() for c in url):
        raise AddressRefused("The URL has no host, or a character that a URL may not have.")
    try:
        parts.hostname.encode("idna")  # as the look-up does, which would raise it in the middle of a delivery
    except UnicodeError as exc:
        raise AddressRefused("The URL's host has an empty part, or one of more than 63 characters.") from exc
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("The URL must have no user, no password and no '#'.")
    try:
        literal = ip_address(parts.hostname)
    except ValueError:
        if parts.hostname.endswith("localhost") and not is_private_allowed:
            raise AddressRefused("The URL leads to this machine itself.") from None
        return parts
    _check(literal, is_private_allowed)
    return parts


def resolved(host: str, port: int, *, is_private_allowed: bool, within_s: float) -> str:
    """An IP address of ``host``, to connect to without asking again. Raises AddressRefused, OSError;
    TimeoutError when the name server is silent.

    One private address among several refuses them all: whoever controls the name may mix them.
    """
    addresses = looked_up(host, port, within_s=within_s)
    for address in addresses:
        _check(ip_address(address.partition("%")[0]), is_private_allowed)
    return addresses[0]


def _check(address: IPv4Address | IPv6Address, is_private_allowed: bool) -> None:
    if is_private_allowed:
        return
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    plain = inner or address
    is_translated = any(plain in network for network in _TRANSLATED if network.version == plain.version)
    if not plain.is_global or plain.is_multicast or is_translated:
        raise AddressRefused("The URL leads to a private address.")
