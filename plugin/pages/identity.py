"""Who asks: the signed query of the app proxy, or the session token of an extension, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from plugin.config import Config
from plugin.shopify import verify
from plugin.shopify.verify import Refused

# The parameters of our own that an extension may send; the proxy's closed list is in verify.py.
_OWN = {
    "locale": re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}"),
    "cursor": re.compile(r"[A-Za-z0-9_-]{1,200}"),
    "page_size": re.compile(r"[1-9][0-9]{0,2}"),
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """A verified visitor of a shop. `customer_id` None: a guest. `channel` says by which door they came."""

    shop: str
    customer_id: int | None
    channel: Literal["storefront", "account"]
    locale: str | None = None
    cursor: str | None = None
    page_size: int | None = None


def from_proxy(query: bytes, config: Config, now_s: float) -> Visitor | Refused:
    """The visitor whom Shopify signed for, behind the app proxy."""
    found = verify.proxy_query_ok(query, config.secrets, now_s)
    if isinstance(found, Refused):
        return found
    return Visitor(found.shop, found.customer_id, "storefront", found.locale, found.cursor, found.page_size)


def from_extension(authorization: str, query: bytes, config: Config, now_s: float) -> Visitor | Refused:
    """The customer of a customer-account extension's session token; a guest when it names nobody."""
    token = bearer(authorization)
    if token is None:
        return Refused(
            "missing_authorization", "Send the extension's session token as Authorization: Bearer."
        )
    found = verify.extension_token(token, api_key=config.api_key, secrets=config.secrets, now_s=now_s)
    if isinstance(found, Refused):
        return found
    own = _own_parameters(query)
    if isinstance(own, Refused):
        return own
    page_size = own.get("page_size")
    return Visitor(
        found.shop,
        found.customer_id,
        "account",
        own.get("locale"),
        own.get("cursor"),
        int(page_size) if page_size else None,
    )


def bearer(authorization: str) -> str | None:
    """The token of an Authorization header, or None."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _own_parameters(query: bytes) -> dict[str, str] | Refused:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=5)
    except ValueError:
        return Refused("invalid_query", "The query cannot be read.")
    found = dict(pairs)
    if len(found) != len(pairs):
        return Refused("repeated_parameter", "A parameter is given twice.")
    for name, value in found.items():
        if name not in _OWN:
            return Refused("unknown_parameter", "The query holds a parameter that this app does not know.")
        if _OWN[name].fullmatch(value) is None:
            return Refused("invalid_parameter", f"The parameter {name} has a value it may not have.")
    return found
