"""Takes webhooks in: checks them, stores them durably, answers; a plain WSGI callable in front of Flask.

Nothing here reads JSON: what a body means is the drain's concern, and what is stored is what was signed.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, NoReturn

from plugin.errors import RegularsError, StorageBusy, describe
from plugin.shopify.verify import shop_domain_ok, webhook_hmac_ok
from plugin.store.db import to_ms
from plugin.store.intake import Delivery, IntakeWriter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The largest order we know of (500 lines with taxes and discounts each) has 3 MB. Larger ones come in through
# reconciliation, which reads orders in pages.
MAX_BODY_BYTES = 5_000_000
_DISCARD_BYTES = 4 * MAX_BODY_BYTES
RETRY_AFTER_S = 5
_TOPIC = re.compile(r"[a-z0-9_.]{1,80}(/[a-z0-9_.]{1,80}){0,3}")
_WEBHOOK_ID = re.compile(r"[!-~]{1,200}")
_OPTIONAL = re.compile(r"[!-~]{1,200}")
_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    405: "Method Not Allowed",
    413: "Content Too Large",
    503: "Service Unavailable",
}
_log = logging.getLogger("regulars.intake")


class Refusal(RegularsError):
    """A webhook that is answered with an error; nothing was stored."""

    code = "webhook_refused"


class Intake:
    """The WSGI application that answers `path` itself and hands everything else to `wsgi_app`.

    `clock` says when a webhook was received, which dates the row; signatures do not depend on it.
    """

    def __init__(
        self,
        wsgi_app: WSGIApplication,
        writer: IntakeWriter,
        secrets: Sequence[str],
        *,
        path: str = "/webhooks",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._next = wsgi_app
        self._writer = writer
        self._secrets = tuple(secrets)
        self._paths = frozenset((path, f"{path}/"))
        self._clock = clock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """200 once the webhook is on disk; 400, 401, 405, 413 when it never will be; 503 to send it again."""
        if environ.get("PATH_INFO") not in self._paths:
            return self._next(environ, start_response)
        try:
            self._writer.put(self._delivery(environ, _body(environ)))
        except RegularsError as error:
            return _refuse(error, start_response)
        except Exception as error:  # noqa: BLE001 (no stack trace leaves this door)
            _log.error("webhook failed: %s", describe(error))
            return _refuse(StorageBusy("The webhook could not be stored. Send it again."), start_response)
        start_response("200 OK", [("Content-Length", "0")])
        return ()

    def _delivery(self, environ: WSGIEnvironment, body: bytes) -> Delivery:
        signature = _header(environ, "HMAC_SHA256")
        domain = _header(environ, "SHOP_DOMAIN").lower()
        topic = _header(environ, "TOPIC")
        webhook_id = _header(environ, "WEBHOOK_ID")
        if not shop_domain_ok(domain):
            _refuse_header("Shop-Domain")
        if _TOPIC.fullmatch(topic) is None:
            _refuse_header("Topic")
        if _WEBHOOK_ID.fullmatch(webhook_id) is None:
            _refuse_header("Webhook-Id")
        if not webhook_hmac_ok(body, signature, self._secrets):
            raise Refusal(
                "The signature does not match the body. Check the client secret of the app.",
                code="invalid_signature",
                status=401,
            )
        received_at = to_ms(self._clock())
        assert received_at is not None
        return Delivery(
            domain,
            webhook_id,
            topic,
            _optional(environ, "EVENT_ID"),
            _optional(environ, "API_VERSION"),
            _moment_ms(_optional(environ, "TRIGGERED_AT")),
            received_at,
            body,
        )


def _body(environ: WSGIEnvironment) -> bytes:
    """The whole body, within the limit. Nothing of a larger one is kept."""
    if environ["REQUEST_METHOD"] != "POST":
        raise Refusal("Webhooks are sent with POST.", code="method_not_allowed", status=405)
    stream: IO[bytes] = environ["wsgi.input"]
    announced = environ.get("CONTENT_LENGTH") or ""
    if not announced:
        # Sent in chunks: read to the end, but no further than one byte over the limit.
        body = stream.read(MAX_BODY_BYTES + 1) if "HTTP_TRANSFER_ENCODING" in environ else b""
        if len(body) > MAX_BODY_BYTES:
            _discard(stream, _DISCARD_BYTES)
            _refuse_size()
        return body
    if not (announced.isascii() and announced.isdigit() and len(announced) < 16):
        raise Refusal("Content-Length is not a number.", code="invalid_content_length", status=400)
    length = int(announced)
    if length > MAX_BODY_BYTES:
        _discard(stream, length)
        _refuse_size()
    body = stream.read(length)
    if len(body) != length:
        raise Refusal("The body is shorter than its Content-Length.", code="incomplete_body", status=400)
    return body


def _discard(stream: IO[bytes], length: int) -> None:
    """Reads a somewhat too large body away: a sender that is cut off never reads why. A huge one is cut off."""
    left = length if length <= _DISCARD_BYTES else 0
    while left > 0:
        chunk = stream.read(min(left, 65_536))
        if not chunk:
            return
        left -= len(chunk)


def _header(environ: WSGIEnvironment, name: str) -> str:
    """A header every webhook has, under its classic name or the newer one without `X-`."""
    value: str | None = environ.get(f"HTTP_X_SHOPIFY_{name}")
    if value is None:
        value = environ.get(f"HTTP_SHOPIFY_{name}")
    if value is None:
        shown = name.replace("_", "-").title()
        raise Refusal(
            f"The header X-Shopify-{shown} is missing: Shopify always sends it.",
            code="missing_header",
            status=400,
        )
    return value


def _optional(environ: WSGIEnvironment, name: str) -> str | None:
    """A header that may be missing; one that is not plain text counts as missing."""
    value: str | None = environ.get(f"HTTP_X_SHOPIFY_{name}") or environ.get(f"HTTP_SHOPIFY_{name}")
    return value if value and _OPTIONAL.fullmatch(value) else None


def _moment_ms(text: str | None) -> int | None:
    """RFC 3339, with up to nine digits of a second, to epoch milliseconds; None when it is none."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return to_ms(moment) if moment.tzinfo is not None else None


def _refuse_header(name: str) -> NoReturn:
    raise Refusal(f"The header X-Shopify-{name} has an unexpected form.", code="invalid_header", status=400)


def _refuse_size() -> NoReturn:
    raise Refusal(f"The body is larger than {MAX_BODY_BYTES} bytes.", code="body_too_large", status=413)


def _refuse(error: RegularsError, start_response: StartResponse) -> Iterable[bytes]:
    answer = json.dumps({"error": {"code": error.code, "message": error.message}}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))]
    if error.status == 503:
        headers.append(("Retry-After", str(RETRY_AFTER_S)))
    if error.status == 405:
        headers.append(("Allow", "POST"))
    start_response(f"{error.status} {_REASONS.get(error.status, 'Error')}", headers)
    return (answer,)
