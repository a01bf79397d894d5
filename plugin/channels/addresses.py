"""Which addresses on the internet a merchant may have us call: public ones, over https, looked up when we connect."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from plugin.errors import RegularsError

MAX_URL = 2000
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
# Addresses that carry another one inside, which may be private, and those handed out to nobody.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_TUNNELS = (ipaddress.ip_network("2001::/32"), ipaddress.ip_network("2002::/16"))


class BadAddress(RegularsError):
    """An address that we must not call; `field` is the field of the form."""

    code = "bad_address"
    status = 422
    field = "url"


def check(url: str, *, development: bool) -> None:
    """What can be said of an address without asking the network. Raises BadAddress.

    Plain http is for a program on this machine beside a development shop.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadAddress("Give a full address such as https://example.com/hooks.") from None
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise BadAddress(f"Give an address of at most {MAX_URL} plain characters, without spaces.")
    if parts.scheme == "http" and development and host in _LOCAL_NAMES:
        return
    if parts.scheme != "https" or not host:
        raise BadAddress("Give a full address that begins with https://.")
    if parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise BadAddress("Leave user name, password and # out of the address.")
    if (
        host in _LOCAL_NAMES
        or ("." not in host and ":" not in host)
        or host.endswith((".local", ".internal", ".localhost"))
    ):
        raise BadAddress("Give an address that can be reached from the internet.")
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return
    if not public(literal):
        raise BadAddress(
            "Give an address that can be reached from the internet, not one of a private network."
        )


def public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of the public internet and of nobody's own network."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return public(address.ipv4_mapped)
        if address not in _GLOBAL_UNICAST or any(address in tunnel for tunnel in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast


def resolved(host: str, port: int, *, local: bool) -> list[tuple[int, tuple[str, int]]]:
    """Where to connect for a host, as (family, (address, port)): every address it has must be public.

    `local`: every one must be of this machine instead. Raises BadAddress, and OSError when there is no such host.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    places = [(int(family), (str(where[0]), int(where[1]))) for family, _, _, _, where in found]
    for _, (address, _) in places:
        one = ipaddress.ip_address(address.partition("%")[0])
        if not (one.is_loopback if local else public(one)):
            raise BadAddress("The address leads into a private network. Give one that is on the internet.")
    return places
