"""Loads a server with signed webhooks over raw sockets from one thread, and measures each answer."""

from __future__ import annotations

import base64
import hmac
import json
import random
import select
import socket
import time
import uuid
from dataclasses import dataclass

SECRET = "shpss_" + "a1" * 16
SHOP = "bench.myshopify.com"
BODY_BYTES = 9_880


@dataclass(frozen=True, slots=True)
class Measured:
    """One round: answers a second, and milliseconds until the answer at the middle and the 99th per cent."""

    per_second: float
    p50_ms: float
    p99_ms: float
    answers: int


def order_body(number: int) -> bytes:
    """An orders/paid body of 10 KB: realistic names and numbers, so that compression has its usual work."""
    chance = random.Random(number)
    order: dict[str, object] = {
        "id": 6_000_000_000_000 + number,
        "admin_graphql_api_id": f"gid://shopify/Order/{6_000_000_000_000 + number}",
        "created_at": "2026-11-22T08:00:00-05:00",
        "updated_at": "2026-11-22T08:00:01-05:00",
        "currency": "EUR",
        "financial_status": "paid",
        "name": f"#{number}",
        "customer": {"id": chance.getrandbits(42), "email": f"{chance.getrandbits(40):x}@example.com"},
        "line_items": [_line(chance) for _ in range(11)],
        "note": "",
    }
    short = BODY_BYTES - len(json.dumps(order, separators=(",", ":")))
    order["note"] = "".join(chance.choices("abcdefghij klmnop", k=max(0, short)))
    return json.dumps(order, separators=(",", ":")).encode()


def _line(chance: random.Random) -> dict[str, object]:
    price = f"{chance.randrange(100, 20000) / 100:.2f}"
    money = {
        "shop_money": {"amount": price, "currency_code": "EUR"},
        "presentment_money": {"amount": price, "currency_code": "EUR"},
    }
    return {
        "id": chance.getrandbits(43),
        "admin_graphql_api_id": f"gid://shopify/LineItem/{chance.getrandbits(43)}",
        "title": f"Product {chance.randrange(10_000)}",
        "sku": f"{chance.getrandbits(40):X}",
        "quantity": chance.randrange(1, 5),
        "price": price,
        "price_set": money,
        "total_discount_set": money,
        "tax_lines": [{"title": "VAT", "rate": 0.19, "price": price, "price_set": money}],
        "properties": [],
        "gift_card": False,
        "taxable": True,
        "fulfillment_status": None,
        "variant_id": chance.getrandbits(43),
        "product_id": chance.getrandbits(43),
    }


def signed_requests(count: int = 200) -> list[tuple[bytes, bytes]]:
    """Ready-made requests but for the webhook id, which goes between the two halves."""
    made = []
    for number in range(count):
        body = order_body(number)
        signature = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
        head = (
            "POST /webhooks HTTP/1.1\r\nHost: bench.example\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nX-Shopify-Topic: orders/paid\r\n"
            f"X-Shopify-Hmac-Sha256: {signature}\r\nX-Shopify-Shop-Domain: {SHOP}\r\n"
            "X-Shopify-API-Version: 2026-10\r\nX-Shopify-Triggered-At: 2026-11-22T08:00:00.123456789Z\r\n"
            "X-Shopify-Event-Id: 98880550-7158-44d4-b7cd-2c97c8a091b5\r\nX-Shopify-Webhook-Id: "
        )
        made.append((head.encode(), b"\r\n\r\n" + body))
    return made


def run(port: int, requests: list[tuple[bytes, bytes]], *, seconds: float, connections: int) -> Measured:
    """Keeps every connection busy with one request after the other. Raises when an answer is not 200."""
    poll = select.poll()
    sockets = {}
    begun: dict[int, float] = {}
    took: list[float] = []
    chance = random.Random()
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[one.fileno()] = one
        poll.register(one, select.POLLIN)

    def send(number: int) -> None:
        head, tail = requests[chance.randrange(len(requests))]
        webhook_id = str(uuid.UUID(int=chance.getrandbits(128))).encode()
        begun[number] = time.perf_counter()
        sockets[number].sendall(head + webhook_id + tail)

    started = time.perf_counter()
    for number in sockets:
        send(number)
    end = started + seconds
    while begun:
        for number, _ in poll.poll(5_000):
            _check(sockets[number].recv(65_536))
            now = time.perf_counter()
            took.append(now - begun.pop(number))
            if now < end:
                send(number)
    elapsed = time.perf_counter() - started
    for one in sockets.values():
        one.close()
    took.sort()
    return Measured(
        per_second=len(took) / elapsed,
        p50_ms=took[len(took) // 2] * 1000,
        p99_ms=took[int(len(took) * 0.99)] * 1000,
        answers=len(took),
    )


def _check(answer: bytes) -> None:
    """Answers are so short that they come in one piece."""
    if not answer.startswith(b"HTTP/1.1 200") or b"\r\n\r\n" not in answer:
        raise RuntimeError(f"The server did not answer 200 but: {answer[:300]!r}")
