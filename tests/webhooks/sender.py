"""Sends signed webhooks: as a WSGI environ, over HTTP, and as a load that remembers what was acknowledged."""

from __future__ import annotations

import http.client
import io
import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from devshop import signing

SECRET = "shpss_" + "a1" * 16
OLD = "shpss_" + "b2" * 16
ALICE = "alice.myshopify.com"
BODY = b'{"id": 6210, "admin_graphql_api_id": "gid://shopify/Order/6210"}'


def headers(body: bytes = BODY, *, secret: str = SECRET, **changes: Any) -> dict[str, str]:
    """The headers Shopify sends; `changes` replace one (`shop_domain="…"`) or, with None, leave it out."""
    made = {
        "Topic": "orders/paid",
        "Hmac-Sha256": signing.webhook_signature(secret, body),
        "Shop-Domain": ALICE,
        "API-Version": "2026-10",
        "Webhook-Id": str(uuid.uuid4()),
        "Event-Id": str(uuid.uuid4()),
        "Triggered-At": "2026-11-22T08:00:00.123456789Z",
    }
    known = {name.lower().replace("-", "_"): name for name in made}
    for name, value in changes.items():
        if value is None:
            del made[known[name]]
        else:
            made[known[name]] = value
    return {f"X-Shopify-{name}": value for name, value in made.items()}


def headers_but(name: str, value: str | None, **changes: Any) -> dict[str, str]:
    """Genuine headers but for one, which has another value or is missing."""
    changes[name] = value
    return headers(**changes)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


def call(
    app: Any,
    body: bytes = BODY,
    sent: dict[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/webhooks",
    **environ: Any,
) -> Answer:
    """Calls a WSGI application as a server would."""
    request: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    for name, value in (headers(body) if sent is None else sent).items():
        request["HTTP_" + name.upper().replace("-", "_")] = value
    request.update(environ)
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, answered: list[tuple[str, str]]) -> None:
        begun.append((status, answered))

    content = b"".join(app(request, start_response))
    ((status, answered),) = begun
    assert dict(answered)["Content-Length"] == str(len(content))
    return Answer(int(status.split()[0]), dict(answered), content)


def post(port: int, body: bytes = BODY, sent: dict[str, Any] | None = None) -> Answer:
    """Sends one webhook to a served app."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/webhooks", body, headers(body) if sent is None else sent)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


@dataclass(slots=True)
class Load:
    """Threads that send without pause, one webhook in ten twice, and remember each acknowledged id."""

    port: int
    senders: int = 8
    acknowledged: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)
    _change: threading.Condition = field(default_factory=threading.Condition)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begins to send."""
        for number in range(self.senders):
            thread = threading.Thread(target=self._send, args=(random.Random(number),), daemon=True)
            thread.start()
            self._threads.append(thread)

    def wait_for(self, acknowledged: int) -> None:
        """Returns when so many more were acknowledged; fails after a minute."""
        with self._change:
            wanted = len(self.acknowledged) + acknowledged
            assert self._change.wait_for(lambda: len(self.acknowledged) >= wanted, timeout=60), self.statuses

    def wait_for_status(self, status: int, times: int) -> None:
        """Returns when so many answers had this status; fails after a minute."""
        with self._change:
            assert self._change.wait_for(lambda: self.statuses[status] >= times, timeout=60), self.statuses

    def stop(self) -> None:
        """Ends every sender."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _send(self, chance: random.Random) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self._stop.is_set():
            webhook_id = str(uuid.UUID(int=chance.getrandbits(128)))
            for _ in range(2 if chance.random() < 0.1 else 1):
                try:
                    connection.request("POST", "/webhooks", BODY, headers(webhook_id=webhook_id))
                    status = connection.getresponse()
                    status.read()
                except (OSError, http.client.HTTPException):
                    connection.close()
                    self._note(0, webhook_id)
                else:
                    self._note(status.status, webhook_id)

    def _note(self, status: int, webhook_id: str) -> None:
        with self._change:
            self.statuses[status] += 1
            if status == 200:
                self.acknowledged.append(webhook_id)
            self._change.notify_all()


def missing(stored: Iterable[str], load: Load) -> set[str]:
    """What was acknowledged and is not there."""
    return set(load.acknowledged) - set(stored)
