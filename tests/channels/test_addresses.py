"""Which addresses may be called: nothing of a private network, whatever name or spelling leads there."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from plugin.channels import addresses
from plugin.channels.addresses import BadAddress


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hooks",
        "ftp://example.com",
        "https://",
        "https:///hooks",
        "example.com/hooks",
        "https://user:secret@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com\\@evil.com/",
        "https://ex\u00e4mple.com/",
        "https://localhost/",
        "https://intranet/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://127.0.0.1/",
        "https://127.1.2.3/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fc00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[2001:0:a00:1::]/",
        "http://localhost/",
        "http://127.0.0.1:8080/",
        "https://example.com/" + "x" * 2000,
        "",
    ],
)
def test_addresses_that_are_refused_at_once(url: str) -> None:
    with pytest.raises(BadAddress) as refused:
        addresses.check(url, development=False)
    assert refused.value.message.startswith(("Give", "Leave"))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hooks?a=1",
        "https://example.com:8443/",
        "https://8.8.8.8/",
        "https://[2606:4700::1]/",
    ],
)
def test_addresses_of_the_internet(url: str) -> None:
    addresses.check(url, development=False)


def test_this_machine_over_http_beside_a_development_shop_only() -> None:
    for url in ("http://localhost:8080/hooks", "http://127.0.0.1/"):
        addresses.check(url, development=True)
    for url in ("http://example.com/", "http://10.0.0.1/", "https://localhost/"):
        with pytest.raises(BadAddress):
            addresses.check(url, development=True)


def looked_up(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    """Whatever name is asked for has these addresses."""

    def answer(_host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"]
)
def test_a_name_that_leads_inside_is_refused_when_we_connect(
    monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    for found in ([inside], ["93.184.216.34", inside]):
        looked_up(monkeypatch, *found)
        with pytest.raises(BadAddress, match="private network"):
            addresses.resolved("rebound.example.com", 443, local=False)


def test_a_local_name_must_lead_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up(monkeypatch, "127.0.0.1")
    assert addresses.resolved("localhost", 80, local=True) == [(socket.AF_INET, ("127.0.0.1", 80))]
    looked_up(monkeypatch, "93.184.216.34")
    with pytest.raises(BadAddress):
        addresses.resolved("localhost", 80, local=True)
    assert addresses.resolved("example.com", 443, local=False) == [(socket.AF_INET, ("93.184.216.34", 443))]


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111"])
def test_public(text: str) -> None:
    assert addresses.public(ipaddress.ip_address(text))
