"""Who asks: the signed query of the app proxy, or the session token of an extension or a till, and nothing else."""

from __future__ import annotations

import hmac
import re
from typing import Literal, NamedTuple
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
_CUSTOMER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_NO_TOKEN = Refused("missing_authorization", "Send the extension's session token as Authorization: Bearer.")


class Visitor(NamedTuple):
    """A verified visitor of a shop. `customer_id` None: a guest. `channel` says by which door they came.

    `staff`: at the till it is a staff member who asks, about the customer in front of them.
    """

    shop: str
    customer_id: int | None
    channel: Literal["storefront", "account", "pos"]
    locale: str | None = None
    cursor: str | None = None
    page_size: int | None = None
    staff: int | None = None


# The query of a signed-in customer as Shopify sends it when the widget adds nothing, or the locale. Its groups are the
# strict patterns of verify.py; nothing in them can be encoded otherwise, and nothing can hide a `=`.
_PLAIN = re.compile(
    r"(?:locale=(?P<locale>[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3})&)?"
    r"shop=(?P<shop>[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com)&logged_in_customer_id=(?P<customer>[1-9][0-9]{0,18})"
    r"&path_prefix=(?P<path>(?:%2F[A-Za-z0-9_-]{1,64}){1,4})&timestamp=(?P<time>[0-9]{1,12})"
    r"&signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)


def plain_customer(query: str, secret: bytes, now_s: float) -> Visitor | None:
    """The customer of a plain, valid query, in a third of the time of `from_proxy`; None to ask that one.

    Whatever this accepts, `from_proxy` accepts alike (a property test). It only skips taking the query apart.
    """
    found = _PLAIN.fullmatch(query)
    if found is None:
        return None
    locale, shop, customer, path, at, signature = found.groups()
    text = (
        f"{f'locale={locale}' if locale else ''}logged_in_customer_id={customer}"
        f"path_prefix={path.replace('%2F', '/')}shop={shop}timestamp={at}"
    )
    if not hmac.compare_digest(hmac.digest(secret, text.encode(), "sha256").hex(), signature):
        return None
    if abs(now_s - int(at)) > verify.FRESH_S:
        return None
    return Visitor(shop, int(customer), "storefront", locale)


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
        return _NO_TOKEN
    found = verify.extension_token(token, api_key=config.api_key, secrets=config.secrets, now_s=now_s)
    if isinstance(found, Refused):
        return found
    return _visitor(query, Visitor(found.shop, found.customer_id, "account"))


def from_pos(
    authorization: str, query: bytes, customer: str, config: Config, now_s: float
) -> Visitor | Refused:
    """The customer at the till, named by a staff member of the shop whose POS session token is right."""
    token = bearer(authorization)
    if token is None:
        return _NO_TOKEN
    found = verify.pos_token(token, api_key=config.api_key, secrets=config.secrets, now_s=now_s)
    if isinstance(found, Refused):
        return found
    if _CUSTOMER.fullmatch(customer) is None or int(customer) >= 1 << 63:
        return Refused("invalid_parameter", "Name the customer by their number at Shopify.")
    return _visitor(query, Visitor(found.shop, int(customer), "pos", staff=found.user_id))


def _visitor(query: bytes, who: Visitor) -> Visitor | Refused:
    """The visitor with what they may choose themselves."""
    own = _own_parameters(query)
    if isinstance(own, Refused):
        return own
    size = own.get("page_size")
    return who._replace(
        locale=own.get("locale"), cursor=own.get("cursor"), page_size=int(size) if size else None
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
