"""Checks what claims to come from Shopify: webhook bytes, proxy queries, OAuth callbacks, tokens."""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt

# Both of Shopify's libraries allow a signed query to be this old or this early.
FRESH_S = 90
# Shopify's clocks and ours may differ this much when a token's times are read.
LEEWAY_S = 10
ID_TOKEN_S = 60
_MAX_QUERY_BYTES = 4096
_MAX_TOKEN_CHARACTERS = 8192
_CUSTOMER = re.compile(r"gid://shopify/Customer/([1-9][0-9]{0,18})")
_SHOP = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com")

PROXY_OF_SHOPIFY = ("shop", "logged_in_customer_id", "path_prefix", "timestamp", "signature")
# Our own parameters. Never add a name that is a prefix of another, of Shopify's five, or has a capital or a
# dash: the libraries then disagree about the order in which they are signed.
PROXY_OF_OURS = ("locale", "cursor", "page_size")
# The signed text is `k=v` pairs joined by nothing, so a value that holds `=` could smuggle a parameter.
_PROXY_VALUES = {
    "shop": _SHOP,
    "logged_in_customer_id": re.compile(r"|[1-9][0-9]{0,18}"),
    "path_prefix": re.compile(r"(/[A-Za-z0-9_-]{1,64}){1,4}"),
    "timestamp": re.compile(r"[0-9]{1,12}"),
    "signature": re.compile(r"[0-9a-f]{64}"),
    "locale": re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}"),
    "cursor": re.compile(r"[A-Za-z0-9_-]{1,200}"),
    "page_size": re.compile(r"[1-9][0-9]{0,2}"),
}
_OAUTH_NEEDED = ("code", "hmac", "shop", "state", "timestamp")
_OAUTH_NAME = re.compile(r"[a-z_]{1,40}")
# Narrow on purpose: on these characters every published way to encode the signed text agrees.
_OAUTH_VALUE = re.compile(r"[A-Za-z0-9._~-]{0,2000}")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a message is not trusted: a stable code for programs and logs, a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ProxyIdentity:
    """Who stands behind a storefront request, as signed by Shopify. No customer id: a guest."""

    shop: str
    customer_id: int | None
    path_prefix: str
    locale: str | None
    cursor: str | None
    page_size: int | None


@dataclass(frozen=True, slots=True)
class OAuthCallback:
    """A verified callback of the authorization-code grant."""

    shop: str
    code: str
    issued_at_s: int


@dataclass(frozen=True, slots=True)
class IdToken:
    """A verified id token of App Bridge: which staff member of which shop, in which session."""

    shop: str
    user_id: int
    session_id: str
    issued_at_s: int
    expires_at_s: int


@dataclass(frozen=True, slots=True)
class PosToken:
    """A verified session token of a POS extension: which staff member of which shop. It names no customer."""

    shop: str
    user_id: int


@dataclass(frozen=True, slots=True)
class ExtensionToken:
    """A verified session token of a customer-account or checkout extension. No customer id: not signed in."""

    shop: str
    customer_id: int | None
    expires_at_s: int


def webhook_hmac_ok(body: bytes, header: str, secrets: Iterable[str]) -> bool:
    """True if one of the client secrets signed these very bytes (base64 HMAC-SHA256, constant time).

    An empty, truncated or non-ASCII header is simply False; Shopify's own Python package raises on the last.
    """
    try:
        given = header.encode("ascii")
    except UnicodeEncodeError:
        return False
    for secret in secrets:
        if hmac.compare_digest(b64encode(hmac.digest(secret.encode(), body, "sha256")), given):
            return True
    return False


def shop_domain_ok(domain: str) -> bool:
    """True for a lower-case permanent domain such as `my-shop.myshopify.com`, nothing before or after it."""
    return _SHOP.fullmatch(domain) is not None


def proxy_signature(parameters: Iterable[tuple[str, str]], secret: str) -> str:
    """The app proxy's signature of decoded parameters, by the documented rule (authenticate-app-proxies).

    Values of one name are joined by a comma, the sorted `k=v` strings by nothing; HMAC-SHA256 in hex.
    """
    values: dict[str, list[str]] = {}
    for name, value in parameters:
        if name != "signature":
            values.setdefault(name, []).append(value)
    text = "".join(sorted(f"{name}={','.join(found)}" for name, found in values.items()))
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def proxy_query_ok(query_string: bytes, secrets: Sequence[str], now_s: float) -> ProxyIdentity | Refused:
    """Who a proxied request speaks for, or why it is refused.

    Stricter than the platform's rule, which lets a visitor become another customer (docs/decisions/
    own-intake-checks.md): a closed list of names, each at most once, strict values, ±90 s.
    """
    pairs = _pairs(query_string)
    if isinstance(pairs, Refused):
        return pairs
    for name, value in pairs.items():
        pattern = _PROXY_VALUES.get(name)
        if pattern is None:
            return Refused("unknown_parameter", "The query holds a parameter that this app does not know.")
        if pattern.fullmatch(value) is None:
            return Refused("invalid_parameter", f"The parameter {name} has a value it may not have.")
    for name in PROXY_OF_SHOPIFY:
        if name not in pairs:
            return Refused("missing_parameter", f"{name} is missing: call through the shop's own address.")
    if not any(
        hmac.compare_digest(proxy_signature(pairs.items(), secret), pairs["signature"]) for secret in secrets
    ):
        return Refused("invalid_signature", "The signature does not match: call through the shop's address.")
    if abs(now_s - int(pairs["timestamp"])) > FRESH_S:
        return Refused("stale_timestamp", "The request is too old. Reload the page.")
    customer = pairs["logged_in_customer_id"]
    page_size = pairs.get("page_size")
    return ProxyIdentity(
        shop=pairs["shop"],
        customer_id=int(customer) if customer else None,
        path_prefix=pairs["path_prefix"],
        locale=pairs.get("locale"),
        cursor=pairs.get("cursor"),
        page_size=int(page_size) if page_size else None,
    )


def oauth_hmac(parameters: Iterable[tuple[str, str]], secret: str) -> str:
    """The `hmac` of an OAuth or application query: `k=v` sorted, joined by `&`, HMAC-SHA256 in hex."""
    kept = sorted(f"{name}={value}" for name, value in parameters if name not in ("hmac", "signature"))
    return hmac.digest(secret.encode(), "&".join(kept).encode(), "sha256").hex()


def oauth_query_ok(
    query_string: bytes, secrets: Sequence[str], now_s: float, *, expected_state: str
) -> OAuthCallback | Refused:
    """Checks the callback of the authorization-code grant; `expected_state` comes from our signed cookie."""
    pairs = _pairs(query_string)
    if isinstance(pairs, Refused):
        return pairs
    for name in _OAUTH_NEEDED:
        if not pairs.get(name):
            return Refused("missing_parameter", f"{name} is missing. Start the installation again.")
    for name, value in pairs.items():
        if _OAUTH_NAME.fullmatch(name) is None or _OAUTH_VALUE.fullmatch(value) is None:
            return Refused("invalid_parameter", "A parameter has a form it may not have. Start again.")
    if not shop_domain_ok(pairs["shop"]):
        return Refused("invalid_shop", "The shop is not a myshopify.com domain.")
    if not any(hmac.compare_digest(oauth_hmac(pairs.items(), secret), pairs["hmac"]) for secret in secrets):
        return Refused("invalid_signature", "Shopify did not sign this. Start the installation again.")
    if not expected_state or not hmac.compare_digest(expected_state.encode(), pairs["state"].encode()):
        return Refused("invalid_state", "This answer belongs to another browser. Start again.")
    if not pairs["timestamp"].isdigit() or abs(now_s - int(pairs["timestamp"])) > FRESH_S:
        return Refused("stale_timestamp", "The answer is too old. Start the installation again.")
    return OAuthCallback(shop=pairs["shop"], code=pairs["code"], issued_at_s=int(pairs["timestamp"]))


def id_token(token: str, *, api_key: str, secrets: Sequence[str], now_s: float) -> IdToken | Refused:
    """Checks an App Bridge id token: HS256 only, must expire, for this app, issued by the shop it is for.

    Codes: `expired_id_token` (the page shall fetch a new one), `invalid_id_token`, `invalid_audience`,
    `invalid_shop`.
    """
    claims = _claims(token, ("exp", "iss", "dest", "aud", "sub", "sid"), api_key, secrets, now_s)
    if isinstance(claims, Refused):
        return claims
    staff, session = _staff(claims), claims["sid"]
    if isinstance(staff, Refused):
        return staff
    if not isinstance(session, str) or not session:
        return Refused("invalid_id_token", "The token names no session.")
    expires = int(claims["exp"])
    # An id token lives one minute (session-tokens); one that does not say when it was issued counts as that old.
    issued = int(claims.get("iat", expires - ID_TOKEN_S))
    return IdToken(staff.shop, staff.user_id, session, issued_at_s=issued, expires_at_s=expires)


def pos_token(token: str, *, api_key: str, secrets: Sequence[str], now_s: float) -> PosToken | Refused:
    """Checks a session token of a POS extension, which Shopify gives to staff with a right to this app only.

    Made like an id token; a session id is not promised, so none is asked for. Codes as for `id_token`.
    """
    claims = _claims(token, ("exp", "iss", "dest", "aud", "sub"), api_key, secrets, now_s)
    return claims if isinstance(claims, Refused) else _staff(claims)


def _staff(claims: dict[str, Any]) -> PosToken | Refused:
    """The staff member of the shop that both issued the token and is its destination."""
    shop, user = _shop_of(claims["dest"]), claims["sub"]
    if shop is None or _shop_of(claims["iss"]) != shop:
        return Refused("invalid_shop", "The token's issuer and destination are not one shop.")
    if not isinstance(user, str) or re.fullmatch(r"[0-9]{1,19}", user) is None:
        return Refused("invalid_id_token", "The token names no staff member.")
    return PosToken(shop, int(user))


def extension_token(
    token: str, *, api_key: str, secrets: Sequence[str], now_s: float
) -> ExtensionToken | Refused:
    """Checks a session token of a customer-account or checkout extension.

    `sub` is there only when the customer is signed in and the app may see protected data; a `sub` that is not
    a customer, such as the staff member of an id token, is refused.
    """
    claims = _claims(token, ("exp", "dest", "aud"), api_key, secrets, now_s)
    if isinstance(claims, Refused):
        return claims
    # Checkout tokens have been seen with the bare domain, so both forms count.
    shop = _shop_of(claims["dest"])
    if shop is None:
        return Refused("invalid_shop", "The token is for no myshopify.com shop.")
    subject = claims.get("sub")
    if subject is None:
        return ExtensionToken(shop=shop, customer_id=None, expires_at_s=int(claims["exp"]))
    found = _CUSTOMER.fullmatch(subject) if isinstance(subject, str) else None
    if found is None:
        return Refused("invalid_id_token", "The token's subject is not a customer.")
    return ExtensionToken(shop=shop, customer_id=int(found[1]), expires_at_s=int(claims["exp"]))


# PyJWT reads the wall clock and takes a list as audience, so times and audience are checked below.
_SIGNATURE_ONLY = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}


def _claims(
    token: str, needed: Sequence[str], api_key: str, secrets: Sequence[str], now_s: float
) -> dict[str, Any] | Refused:
    """The claims of a token that one of the secrets signed, in time, with this app as its audience."""
    claims = _signed(token, needed, secrets)
    if claims is None:
        return Refused("invalid_id_token", "The token is not one that Shopify signed for this app.")
    for name in ("exp", "nbf", "iat"):
        moment = claims.get(name, 0)
        if isinstance(moment, bool) or not isinstance(moment, int | float) or not abs(moment) < 1e12:
            return Refused("invalid_id_token", "A time in the token is not a number.")
    if now_s >= claims["exp"] + LEEWAY_S:
        return Refused("expired_id_token", "The token has expired. Fetch a new one.")
    if now_s < max(claims.get("nbf", 0), claims.get("iat", 0)) - LEEWAY_S:
        return Refused("invalid_id_token", "The token is not valid yet. Check this server's clock.")
    if claims["aud"] != api_key or not isinstance(claims["aud"], str):
        return Refused("invalid_audience", "The token was made for another app.")
    return claims


def _signed(token: str, needed: Sequence[str], secrets: Sequence[str]) -> dict[str, Any] | None:
    if len(token) > _MAX_TOKEN_CHARACTERS:
        return None
    options: Any = {**_SIGNATURE_ONLY, "require": list(needed)}
    for secret in secrets:
        try:
            found: dict[str, Any] = jwt.decode(token, secret, algorithms=["HS256"], options=options)
        except (jwt.PyJWTError, ValueError):
            continue
        return found
    return None


def _shop_of(address: object) -> str | None:
    """The shop in `https://shop.myshopify.com/…` or a bare domain; None for anything else."""
    if not isinstance(address, str):
        return None
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
    except ValueError:
        return None
    host = parts.netloc
    return host if parts.scheme == "https" and shop_domain_ok(host) else None


def _pairs(query_string: bytes) -> dict[str, str] | Refused:
    """Decoded parameters, each name exactly once."""
    if len(query_string) > _MAX_QUERY_BYTES:
        return Refused("query_too_long", "The query is too long.")
    try:
        found = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20
        )
    except ValueError:  # not ASCII, bad UTF-8 behind the percent signs, or too many fields
        return Refused("invalid_query", "The query cannot be read.")
    pairs = dict(found)
    if len(pairs) != len(found):
        return Refused("repeated_parameter", "A parameter is given twice.")
    return pairs
