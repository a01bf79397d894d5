"""Shopify's three signatures, written from the documentation and on purpose not from the app's own code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping


def webhook_signature(secret: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the raw body (X-Shopify-Hmac-Sha256)."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def query_signature(secret: str, query: Mapping[str, str]) -> str:
    """The `hmac` of a launch or callback URL: sorted k=v joined by &, hexadecimal."""
    text = "&".join(f"{key}={query[key]}" for key in sorted(query) if key not in ("hmac", "signature"))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def proxy_signature(secret: str, pairs: Iterable[tuple[str, str]]) -> str:
    """The `signature` of an app proxy query: values of a key joined by commas, k=v sorted and run together."""
    values: dict[str, list[str]] = {}
    for key, value in pairs:
        if key != "signature":
            values.setdefault(key, []).append(value)
    text = "".join(sorted(f"{key}={','.join(several)}" for key, several in values.items()))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def json_web_token(secret: str, claims: Mapping[str, object], algorithm: str = "HS256") -> str:
    """A JWT. `algorithm` other than HS256 only fills the header, for attacks: "none" has an empty signature."""
    header = {"alg": algorithm, "typ": "JWT"}
    signed = ".".join(
        _part(json.dumps(part, separators=(",", ":")).encode()) for part in (header, dict(claims))
    )
    if algorithm == "none":
        return signed + "."
    return signed + "." + _part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


def read_token(secrets: Iterable[str], token: str) -> dict[str, object] | None:
    """The claims of an HS256 token signed with one of `secrets`, or None. Expiry is the caller's business."""
    pieces = token.split(".")
    if len(pieces) != 3:
        return None
    try:
        signature = base64.urlsafe_b64decode(pieces[2] + "=" * (-len(pieces[2]) % 4))
        header, claims = (json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in pieces[:2])
    except ValueError:
        return None
    if not isinstance(header, dict) or header.get("alg") != "HS256" or not isinstance(claims, dict):
        return None
    signed = f"{pieces[0]}.{pieces[1]}".encode()
    for secret in secrets:
        if hmac.compare_digest(hmac.new(secret.encode(), signed, hashlib.sha256).digest(), signature):
            return claims
    return None
