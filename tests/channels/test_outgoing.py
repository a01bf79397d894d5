"""One call to another program: signed as the specification says, never inside, never redirected, never for long."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import responses

from plugin.channels import outgoing
from plugin.channels.outgoing import Sender, signature, signed_by
from tests.channels.test_addresses import looked_up

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "QUJD" * 8
URL = "https://example.com/hooks"


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example of Standard Webhooks' own libraries."""
    made = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_was_signed_is_proved_and_nothing_else() -> None:
    body, at = b'{"a": 1}', 1_700_000_000
    given = signature(SECRET, "m-1", at, body)

    def proved(**changes: Any) -> bool:
        asked: dict[str, Any] = {
            "message_id": "m-1",
            "at": str(at),
            "given": given,
            "body": body,
            "now_s": at,
        }
        return signed_by(SECRET, **(asked | changes))

    assert proved()
    assert proved(given=f"v1,AAAA {given}")
    assert proved(now_s=at + 300)
    for wrong in (
        {"now_s": at + 301}, {"now_s": at - 301}, {"body": b'{"a": 2}'}, {"message_id": "m-2"}, {"at": str(at + 1)},
        {"at": "x"}, {"at": ""}, {"at": "-1"}, {"given": ""}, {"given": "v1,"}, {"given": "\u00e9"},
        {"message_id": "\u00e9"}, {"given": signature(OTHER, "m-1", at, body)},
    ):  # fmt: skip
        assert not proved(**wrong), wrong


@responses.activate
def test_a_message_carries_its_id_time_and_a_signature_of_each_secret() -> None:
    responses.post(URL, status=204)
    outcome = Sender().send(URL, [SECRET, OTHER], "entry-5", b"{}", 1_700_000_000)
    assert (outcome.ok, outcome.status) == (True, 204)
    sent = responses.calls[0].request
    assert (sent.headers["webhook-id"], sent.headers["webhook-timestamp"]) == ("entry-5", "1700000000")
    both = sent.headers["webhook-signature"].split(" ")
    assert both == [signature(one, "entry-5", 1_700_000_000, b"{}") for one in (SECRET, OTHER)]
    assert sent.headers["Content-Type"] == "application/json"


@responses.activate
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(status: int) -> None:
    responses.post(URL, status=status, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    inside = responses.get("http://169.254.169.254/latest/meta-data/", body="keys")
    inside_post = responses.post("http://169.254.169.254/latest/meta-data/", body="keys")
    outcome = Sender().send(URL, [SECRET], "m", b"{}", 1)
    assert (outcome.ok, outcome.status) == (False, status)
    assert (inside.call_count, inside_post.call_count) == (0, 0)


@responses.activate
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 500}, "HTTP 500"),
        ({"status": 404}, "HTTP 404"),
        ({"body": requests.ConnectTimeout()}, "no answer in time"),
        ({"body": requests.exceptions.SSLError("self-signed")}, "its certificate is not valid"),
        ({"body": requests.ConnectionError("refused")}, "it could not be reached"),
    ],
)
def test_failures_say_what_happened(answer: dict[str, Any], reason: str) -> None:
    responses.post(URL, **answer)
    outcome = Sender().send(URL, [SECRET], "m", b"{}", 1)
    assert (outcome.ok, outcome.reason, outcome.gone) == (False, reason, False)


@responses.activate
def test_gone_is_told_apart() -> None:
    responses.post(URL, status=410)
    assert Sender().send(URL, [SECRET], "m", b"{}", 1).gone


class _Receiver(http.server.BaseHTTPRequestHandler):
    """Answers 200 and remembers; how it does so is up to `act`."""

    seen: list[bytes]
    act: Any = None

    def do_POST(self) -> None:
        self.seen.append(self.rfile.read(int(self.headers["Content-Length"])))
        if self.act is not None:
            self.act()
            return
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def receiver(act: Any = None) -> Iterator[tuple[int, list[bytes]]]:
    """A program on this machine."""
    seen: list[bytes] = []
    kind = type("Receiver", (_Receiver,), {"seen": seen, "act": act})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        server.server_close()


def test_a_program_on_this_machine_is_called_in_development_only() -> None:
    with receiver() as (port, seen):
        url = f"http://127.0.0.1:{port}/hooks"
        assert Sender(development=True).send(url, [SECRET], "m", b'{"a": 1}', 1).ok
        refused = Sender().send(url, [SECRET], "m", b"{}", 1)
    assert (refused.ok, refused.forbidden) == (False, True)
    assert seen == [b'{"a": 1}']


def test_a_name_that_leads_inside_is_never_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over real sockets: the check is where the connection is made, so no second look-up can differ from it."""
    with receiver() as (port, seen):
        looked_up(monkeypatch, "127.0.0.1")
        connected: list[object] = []
        connect = socket.socket.connect

        def watched(self: socket.socket, place: Any) -> None:
            connected.append(place)
            connect(self, place)

        monkeypatch.setattr(socket.socket, "connect", watched)
        outcome = Sender().send(f"https://rebound.example.com:{port}/", [SECRET], "m", b"{}", 1)
    assert (outcome.ok, outcome.forbidden) == (False, True)
    assert "private network" in outcome.reason
    assert (connected, seen) == ([], [])


def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as (port, seen):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        looked_up(monkeypatch, "10.0.0.1")
        assert Sender().send(URL, [SECRET], "m", b"{}", 1).forbidden
    assert seen == []


def test_a_program_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "DEADLINE_S", 0.3)
    ended = threading.Event()

    def drip(self: _Receiver) -> None:
        try:
            while not ended.wait(0.05):
                self.wfile.write(b"H")
        except OSError:
            return

    with receiver(drip) as (port, _):
        outcome = Sender(development=True).send(f"http://127.0.0.1:{port}/", [SECRET], "m", b"{}", 1)
        ended.set()
    # A line may be 65,536 characters long: without the deadline this one would take most of an hour.
    assert not outcome.ok
