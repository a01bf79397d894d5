"""Webhooks as they lie in the inbox: small bodies in the platform's shape, put there as the intake does."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import count
from typing import Any

from plugin.store.db import to_ms
from tests.books import Books
from tests.facts import T0

Json = dict[str, Any]
_numbers = count(1)


def money(minor: int) -> Json:
    """Shop and presentment money, both in francs."""
    amount = {"amount": f"{minor // 100}.{minor % 100:02d}", "currency_code": "CHF"}
    return {"shop_money": amount, "presentment_money": amount}


def person(number: int, email: str | None = None, name: str | None = None) -> Json:
    return {"id": number, "email": email, "first_name": name, "last_name": name, "updated_at": T0.isoformat()}


def order(
    number: int, customer: int | None = 7, *, minor: int = 10_000, at: datetime = T0, **changes: Any
) -> Json:
    """A paid order of one line, as orders/paid carries it."""
    email, name = changes.pop("email", None), changes.pop("person", None)
    return {
        "id": number,
        "name": f"#{number}",
        "created_at": T0.isoformat(),
        "processed_at": T0.isoformat(),
        "updated_at": at.isoformat(),
        "currency": "CHF",
        "financial_status": "paid",
        "taxes_included": True,
        "source_name": "web",
        "test": False,
        "email": email,
        "customer": None if customer is None else person(customer, email, name),
        "line_items": [
            {
                "id": number * 10, "quantity": 1, "current_quantity": 1, "price": f"{minor // 100}.{minor % 100:02d}",
                "price_set": money(minor), "requires_shipping": True, "gift_card": False, "title": "Tea",
            }
        ],
        **changes,
    }  # fmt: skip


def raw(body: Json | bytes) -> bytes:
    """A body as it comes over the wire."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def post(
    books: Books,
    topic: str,
    body: Json | bytes,
    *,
    webhook_id: str | None = None,
    received_at: datetime | None = None,
    triggered_at: datetime | None = None,
) -> str:
    """Puts a webhook into the inbox; returns its id."""
    webhook_id = webhook_id or f"hook-{next(_numbers)}"
    with books.db.write() as tx:
        tx.run(
            "INSERT INTO inbox (shop_id, webhook_id, topic, received_at, triggered_at, body, state, attempts, due_at) "
            "VALUES (:s, :w, :topic, :r, :t, :body, 0, 0, :r) ON CONFLICT DO NOTHING",
            s=books.shop_id,
            w=webhook_id,
            topic=topic,
            r=to_ms(received_at or books.now),
            t=to_ms(triggered_at),
            body=raw(body),
        )
    return webhook_id


def state(books: Books, webhook_id: str) -> tuple[int, int, str | None]:
    """(state, attempts, reason) of a webhook: 0 waits, 1 done, 2 parked, 3 skipped."""
    [row] = books.rows(
        "SELECT state, attempts, reason FROM inbox WHERE shop_id = :s AND webhook_id = :w", w=webhook_id
    )
    return row[0], row[1], row[2]
