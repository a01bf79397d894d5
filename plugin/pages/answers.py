"""Answers: JSON bodies, the one shape of an error, and the headers that go on everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Response

from plugin.errors import RegularsError
from plugin.shopify.verify import Refused

encode = msgspec.json.Encoder().encode
JSON = "application/json"
RETRY_AFTER_S = 2

# A JSON answer opens nothing and may be framed by nobody.
LOCKED = "default-src 'none'; frame-ancestors 'none'"
# On every answer. No Strict-Transport-Security here: answers of the proxy leave on the merchant's own domain.
EVERYWHERE = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", LOCKED),
)
HSTS = ("Strict-Transport-Security", "max-age=31536000")

# What the visitor can mend by asking otherwise; everything else was not signed, or no longer is.
_MALFORMED = {
    "unknown_parameter",
    "invalid_parameter",
    "repeated_parameter",
    "missing_parameter",
    "invalid_query",
    "query_too_long",
}


class Refusal(RegularsError):
    """A request that is answered with an error; `headers` go along, such as when to try again."""

    code = "refused"

    def __init__(
        self, message: str, *, code: str, status: int, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.headers = dict(headers or {})


def refusal(refused: Refused) -> Refusal:
    """What a verifier refused, as an answer: 400 when it could not be read, 401 when it was not proved."""
    return Refusal(refused.message, code=refused.code, status=400 if refused.code in _MALFORMED else 401)


def error_body(code: str, message: str, **more: str) -> dict[str, Any]:
    """The shape of every error: a code for programs, a sentence for people."""
    return {"error": {"code": code, "message": message, **more}}


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(encode(body), status, headers, content_type=JSON)


def error_answer(error: RegularsError) -> Response:
    """An expected error as a JSON answer."""
    field = str(getattr(error, "field", ""))
    named = {"field": field} if field else {}
    answer = json_answer(error_body(error.code, error.message, **named), error.status)
    if error.status == 503:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    if isinstance(error, Refusal):
        answer.headers.update(error.headers)
    return answer
