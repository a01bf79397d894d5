"""Replays recorded webhooks through the real intake and drain, signed anew with this installation's secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.errors import RegularsError
from plugin.store import queues, shops
from plugin.store.db import Database
from webhooks.drain import Drained, drain

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class BadRecording(RegularsError):
    """A line of the file is no recorded webhook."""

    code = "bad_recording"


def recorded(path: Path) -> Iterable[dict[str, Any]]:
    """The lines of a recording: {"topic", "shop", "headers", "body"}. Raises BadRecording with the line's number."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if not isinstance(record["topic"], str) or "body" not in record:
                    raise KeyError("topic")
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise BadRecording(
                    f'Line {number} of {path.name} is not {{"topic", "shop", "headers", "body"}}.'
                ) from error
            yield record


def replay(
    records: Iterable[dict[str, Any]],
    intake: WSGIApplication,
    db: Database,
    secret: str,
    now: Callable[[], datetime],
    *,
    shop: str | None = None,
) -> dict[str, Any]:
    """Sends every record through the intake, drains, and returns counts by outcome.

    `shop` replaces the shop each record names. Parked webhooks are listed with their reasons.
    """
    answers: Counter[str] = Counter()
    touched: set[str] = set()
    for record in records:
        domain = shop or str(record.get("shop") or "")
        touched.add(domain)
        answers[_send(intake, record, domain, secret)] += 1
    drained = Drained()
    while True:
        part = drain(db, now())
        if part.total == 0:
            break
        drained.add(part)
    parked: list[dict[str, str]] = []
    with db.read() as tx:
        for domain in sorted(touched):
            found = shops.by_domain(tx, domain)
            for _, topic, reason, _ in queues.inbox_parked(tx, found.shop_id) if found else []:
                parked.append({"shop": domain, "topic": topic, "reason": reason})
    return {
        "received": dict(sorted(answers.items())),
        "drained": {
            "done": drained.done,
            "skipped": drained.skipped,
            "parked": drained.parked,
            "failed": drained.failed,
        },
        "parked": parked,
    }


def _send(intake: WSGIApplication, record: dict[str, Any], domain: str, secret: str) -> str:
    body = record["body"]
    raw = body.encode() if isinstance(body, str) else json.dumps(body, separators=(",", ":")).encode()
    headers = {name.lower(): str(value) for name, value in (record.get("headers") or {}).items()}
    signature = base64.b64encode(hmac.digest(secret.encode(), raw, hashlib.sha256)).decode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/webhooks",
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(raw)),
        "CONTENT_TYPE": "application/json",
        "wsgi.input": io.BytesIO(raw),
        "HTTP_X_SHOPIFY_TOPIC": record["topic"],
        "HTTP_X_SHOPIFY_SHOP_DOMAIN": domain,
        "HTTP_X_SHOPIFY_HMAC_SHA256": signature,
        "HTTP_X_SHOPIFY_WEBHOOK_ID": headers.get("x-shopify-webhook-id") or str(uuid.uuid4()),
        "HTTP_X_SHOPIFY_API_VERSION": headers.get("x-shopify-api-version") or "2026-10",
    }
    if "x-shopify-triggered-at" in headers:
        environ["HTTP_X_SHOPIFY_TRIGGERED_AT"] = headers["x-shopify-triggered-at"]
    status: list[str] = []

    def start_response(code: str, _headers: object, _error: object = None) -> Callable[[bytes], object]:
        status.append(code)
        return lambda _data: None

    list(intake(environ, start_response))
    return status[0].split()[0]
