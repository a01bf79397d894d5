"""Asks the platform for tokens: token exchange, refresh, and the code of an authorization-code grant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from shopify import ApiAccess, Session
from shopify.utils.shop_url import sanitize_shop_domain
from shopify_app import IdTokenDetails, ShopifyApp, TokenExchangeAccessToken, TokenExchangeResult

from plugin.config import API_VERSION, Config
from plugin.shopify.errors import PlatformError, TokenUnavailable

_MAX_ANSWER_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class Grant:
    """What the platform gave us. `refresh` and both times are None for a token that does not expire."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    scopes: str


class GrantRefused(PlatformError):
    """The platform rejects what we presented (id token, code or refresh token); trying again is in vain."""

    code = "grant_refused"
    status = 401


def shop_domain(text: str) -> str | None:
    """`Dev-One` or `https://dev-one.myshopify.com/admin` as `dev-one.myshopify.com`; None when it is no shop.

    A path is cut off first: shopifyapi's sanitiser takes host names only.
    """
    host = text.strip().lower().removeprefix("https://").removeprefix("http://").split("/")[0]
    found = sanitize_shop_domain(host)
    return None if found is None else str(found)


def covers(granted: str | Sequence[str], needed: str | Sequence[str]) -> bool:
    """True when the granted scopes contain the needed ones; a write scope contains its read twin."""
    have = granted.split(",") if isinstance(granted, str) else list(granted)
    want = needed.split(",") if isinstance(needed, str) else list(needed)
    # customer_* and other scopes without read_ or write_ are unknown to shopifyapi: compared by name.
    known, odd = _known(have)
    wanted, wanted_odd = _known(want)
    return bool(ApiAccess(known).covers(ApiAccess(wanted))) and wanted_odd <= odd


def _known(scopes: Sequence[str]) -> tuple[list[str], set[str]]:
    clean = [scope.strip() for scope in scopes if scope.strip()]
    known = [scope for scope in clean if ApiAccess.SCOPE_RE.match(scope)]
    return known, set(clean) - set(known)


class _Asked(Session):  # type: ignore[misc]  # the library ships no types, so its class counts as Any
    """shopifyapi's session with its own client id: the library keeps that on the class, for all shops."""

    def __init__(self, domain: str, api_key: str) -> None:
        self.api_key = api_key
        super().__init__(domain, API_VERSION)


def permission_url(config: Config, domain: str, scopes: Sequence[str], redirect_uri: str, state: str) -> str:
    """Where to send the merchant's browser to begin an authorization-code grant.

    Keep `state` in a signed cookie and compare it in the callback, whose hmac `verify` checks.
    """
    return str(_Asked(domain, config.api_key).create_permission_url(list(scopes), redirect_uri, state))


def by_id_token(config: Config, client: httpx.Client, domain: str, id_token: str, now: datetime) -> Grant:
    """Token exchange for an expiring offline token. The id token was verified and names `domain`."""
    details = IdTokenDetails(exchangeable=True, token=id_token, claims={"dest": f"https://{domain}"})
    return _library(
        config,
        lambda app: app.exchange_using_token_exchange(
            access_mode="offline", id_token=details, expiring=True, http_client=client
        ),
        now,
    )


def by_refresh_token(config: Config, client: httpx.Client, domain: str, refresh: str, now: datetime) -> Grant:
    """A new pair for a refresh token; whether it is time is the caller's decision.

    The same refresh token may be sent again after a time-out (28 August 2026 changelog), and is, once.
    """
    old = TokenExchangeAccessToken(
        shop=domain.removesuffix(".myshopify.com"),
        token="",
        expires="",
        scope="",
        access_mode="offline",
        refresh_token=refresh,
        refresh_token_expires="",
        user=None,
    )

    def ask(app: ShopifyApp) -> TokenExchangeResult:
        result = app.refresh_token_exchanged_access_token(old, http_client=client)
        if result.log.code == "network_error":
            result = app.refresh_token_exchanged_access_token(old, http_client=client)
        return result

    return _library(config, ask, now)


def by_code(config: Config, client: httpx.Client, domain: str, code: str, now: datetime) -> Grant:
    """The code of an authorization-code grant for an expiring offline token.

    Our own request: shopifyapi cannot ask for expiring tokens, has no time-out and keeps no refresh token;
    shopifyapp has no code grant.
    """
    said: dict[str, Any] = {}
    for secret in config.secrets:
        body = {"client_id": config.api_key, "client_secret": secret, "code": code, "expiring": 1}
        said = _post(client, f"https://{domain}/admin/oauth/access_token", body)
        if said.get("error") != "invalid_client":
            break
    if "error" in said or not said.get("access_token"):
        raise _failure(str(said.get("error", "empty_answer")))

    def after(name: str) -> datetime | None:
        seconds = said.get(name)
        return now + timedelta(seconds=int(seconds)) if seconds else None

    return Grant(
        access=str(said["access_token"]),
        refresh=said.get("refresh_token") or None,
        expires_at=after("expires_in"),
        refresh_expires_at=after("refresh_token_expires_in"),
        scopes=str(said.get("scope", "")),
    )


def _post(client: httpx.Client, url: str, body: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = client.post(url, json=body, headers={"Accept": "application/json"})
    except httpx.HTTPError:
        raise TokenUnavailable("Shopify did not answer. Try again in a moment.") from None
    if answer.status_code >= 500 or answer.status_code == 429:
        raise TokenUnavailable("Shopify could not answer. Try again in a moment.")
    try:
        said = answer.json() if len(answer.content) <= _MAX_ANSWER_BYTES else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return {"error": "unreadable_answer"}
    if answer.status_code != 200:
        return {"error": str(said.get("error") or f"http_{answer.status_code}")}
    return said


def _library(config: Config, ask: Callable[[ShopifyApp], TokenExchangeResult], now: datetime) -> Grant:
    """Asks through shopifyapp with the current secret, then with the one being rotated out."""
    result: TokenExchangeResult | None = None
    for secret in config.secrets:
        try:
            result = ask(ShopifyApp(client_id=config.api_key, client_secret=secret))
        except (ValueError, AttributeError, TypeError):
            # the library decodes a 200 answer without a guard
            raise TokenUnavailable("Shopify's answer could not be read. Try again in a moment.") from None
        if result.ok or result.log.code != "invalid_client":
            break
    assert result is not None
    token = result.access_token
    if not result.ok or token is None or not token.token:
        raise _failure("empty_answer" if result.ok else result.log.code)
    expires_at = _time(token.expires)
    return Grant(
        access=token.token,
        refresh=token.refresh_token or None,
        expires_at=expires_at,
        refresh_expires_at=_time(token.refresh_token_expires) if token.refresh_token else None,
        scopes=token.scope,
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


# What only a person can mend, by opening the app again: everything else is worth another try.
_FOR_GOOD = {
    "invalid_subject_token",
    "invalid_grant",
    "invalid_request",
    "refresh_token_expired",
    "expired_code",
    "application_cannot_be_found",
}


def _failure(code: str) -> PlatformError:
    if code in _FOR_GOOD:
        return GrantRefused("Shopify did not accept this sign-in. Open the app again.", code=code)
    if code == "invalid_client":
        return TokenUnavailable(
            "Shopify does not know this app or its secret for this shop. Check SHOPIFY_API_KEY and"
            " SHOPIFY_API_SECRET, and that the app is still installed.",
            after_s=300.0,
            code=code,
        )
    return TokenUnavailable("Shopify gave no token. Try again in a moment.")
