"""Installing the app, id tokens, and the token endpoint with its three grants. All by real time."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from devshop.desk import Desk
from devshop.errors import DevshopError
from devshop.records import Grant
from devshop.signing import json_web_token, query_signature, read_token

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
ONLINE = "urn:shopify:params:oauth:token-type:online-access-token"
ACCESS_S, ONLINE_S, REFRESH_S = 3600, 86_399, 7_776_000
RETRY = timedelta(days=30)
Answer = tuple[int, dict[str, object]]


class App:
    """The app as the platform knows it: key, secrets (newest last), address, and the app's own id."""

    def __init__(self, api_key: str, api_secret: str, app_url: str) -> None:
        self.api_key = api_key
        self.secrets = [api_secret]
        self.app_url = app_url.rstrip("/")
        self.app_id = 1_000_001

    @property
    def signing_secret(self) -> str:
        """Tokens and queries are signed with the newest secret (assumed)."""
        return self.secrets[-1]

    @property
    def webhook_secret(self) -> str:
        """Webhooks are signed with the oldest secret that was not revoked."""
        return self.secrets[0]


def real_now() -> datetime:
    return datetime.now(UTC)


def install(desk: Desk, scopes: list[str], optional: list[str]) -> None:
    """Managed install: the scopes are granted, no request reaches the app; the merchant opens the launch URL."""
    shop = desk.shop
    shop.installation_id = desk.ids.number("AppInstallation")
    shop.installed_at = desk.now()
    shop.required_scopes, shop.scopes, shop.optional_scopes = list(scopes), list(scopes), list(optional)


def launch_url(desk: Desk, app: App, user_id: int | None = None, path: str = "/") -> str:
    """application_url as Shopify opens it inside the admin: signed, with a fresh id token."""
    shop = desk.shop
    store = shop.domain.removesuffix(".myshopify.com")
    query = {
        "embedded": "1",
        "host": base64.b64encode(f"admin.shopify.com/store/{store}".encode()).decode().rstrip("="),
        "id_token": id_token(desk, app, user_id),
        "locale": shop.locale,
        "session": desk.ids.text("session", 40),
        "shop": shop.domain,
        "timestamp": str(int(real_now().timestamp())),
    }
    query["hmac"] = query_signature(app.signing_secret, query)
    return f"{app.app_url}{path}?{urlencode(query)}"


def id_token(desk: Desk, app: App, user_id: int | None, overrides: Mapping[str, object] | None = None) -> str:
    """A session token of the admin, good for one minute.

    `overrides` replace claims (None removes one); `algorithm` and `secret` among them replace those.
    """
    now = int(real_now().timestamp())
    claims: dict[str, object] = {
        "iss": f"https://{desk.shop.domain}/admin",
        "dest": f"https://{desk.shop.domain}",
        "aud": app.api_key,
        "sub": str(user_id or desk.shop.owner_id),
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": desk.ids.uuid("jti"),
        "sid": desk.ids.uuid("sid"),
        "sig": desk.ids.text("sig", 64),
    }
    return _signed(app, claims, overrides)


def extension_token(
    desk: Desk,
    app: App,
    customer_gid: str | None,
    overrides: Mapping[str, object] | None = None,
) -> str:
    """A session token of a customer account or checkout extension: five minutes, `sub` only when signed in."""
    now = int(real_now().timestamp())
    claims: dict[str, object] = {
        "dest": desk.shop.domain,
        "aud": app.api_key,
        "exp": now + 300,
        "nbf": now,
        "iat": now,
        "jti": desk.ids.uuid("jti"),
    }
    if customer_gid is not None:
        claims["sub"] = customer_gid
    return _signed(app, claims, overrides)


def _signed(app: App, claims: dict[str, object], overrides: Mapping[str, object] | None) -> str:
    changes = dict(overrides or {})
    algorithm = str(changes.pop("algorithm", "HS256"))
    secret = str(changes.pop("secret", app.signing_secret))
    kept = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return json_web_token(secret, kept, algorithm)


def authorize(desk: Desk, app: App, query: Mapping[str, str]) -> str:
    """The authorization code grant: the merchant agrees at once; answers where the browser is sent."""
    redirect = query.get("redirect_uri", "")
    if query.get("client_id") != app.api_key or not redirect.startswith(app.app_url):
        raise DevshopError("oauth_invalid_request", "client_id and redirect_uri must be those of the app.")
    scopes = [scope for scope in query.get("scope", "").split(",") if scope]
    install(desk, scopes, [])
    code = desk.ids.text("code")
    desk.shop.codes[code] = [*scopes, *(["per-user"] if query.get("grant_options[]") == "per-user" else [])]
    answer = {
        "code": code,
        "shop": desk.shop.domain,
        "state": query.get("state", ""),
        "host": base64.b64encode(f"{desk.shop.domain}/admin".encode()).decode().rstrip("="),
        "timestamp": str(int(real_now().timestamp())),
    }
    answer["hmac"] = query_signature(app.signing_secret, answer)
    return f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(answer)}"


def token_request(desk: Desk, app: App, form: Mapping[str, object]) -> Answer:
    """POST /admin/oauth/access_token: token exchange, refresh, or authorization code."""
    if form.get("client_id") != app.api_key or form.get("client_secret") not in app.secrets:
        return _refuse("invalid_client", "The client credentials are invalid")
    if desk.shop.installed_at is None:
        return _refuse("invalid_client", "The app is not installed on this shop")
    if form.get("grant_type") == EXCHANGE:
        return _exchange(desk, app, form)
    if form.get("grant_type") == "refresh_token":
        return _refresh(desk, form)
    if "code" in form:
        return _from_code(desk, form)
    return _refuse("unsupported_grant_type", "The grant type is not supported")


def _refuse(code: str, text: str) -> Answer:
    return 400, {"error": code, "error_description": text}


def _exchange(desk: Desk, app: App, form: Mapping[str, object]) -> Answer:
    subject, expiring = str(form.get("subject_token", "")), str(form.get("expiring", "0")) == "1"
    if form.get("subject_token_type") == OFFLINE:
        old = next(
            (g for g in desk.shop.grants if g.access_token == subject and g.refresh_token is None), None
        )
        if old is None:
            return _refuse(
                "invalid_subject_token", "The access token is not a non-expiring token of this shop"
            )
        desk.shop.grants.remove(old)
        return 200, _offline(desk, expiring)
    claims = read_token(app.secrets, subject)
    now = real_now().timestamp()
    expires = claims.get("exp") if claims else None
    valid = (
        claims is not None
        and form.get("subject_token_type") == ID_TOKEN
        and claims.get("aud") == app.api_key
        and claims.get("dest") == f"https://{desk.shop.domain}"
        and isinstance(expires, int)
        and now <= expires + 10
    )
    if not valid or claims is None:
        return _refuse("invalid_subject_token", "The id token is invalid or has expired")
    if form.get("requested_token_type") == ONLINE:
        return 200, _online(desk, int(str(claims.get("sub") or 0)))
    if form.get("requested_token_type") != OFFLINE:
        return _refuse("invalid_request", "requested_token_type must be an offline or online access token")
    return 200, _offline(desk, expiring)


def _offline(desk: Desk, expiring: bool, parent: Grant | None = None) -> dict[str, object]:
    """A new offline token. One refreshable token per app and shop: an acquisition retires older ones at once."""
    now = real_now()
    grant = Grant(
        access_token="shpat_" + desk.ids.text("access_token"), scopes=list(desk.shop.scopes), mode="offline"
    )
    answer: dict[str, object] = {"access_token": grant.access_token, "scope": ",".join(grant.scopes)}
    if expiring:
        grant.expires_at = now + timedelta(seconds=ACCESS_S)
        grant.refresh_token = "shprt_" + desk.ids.text("refresh_token")
        grant.refresh_expires_at = now + timedelta(seconds=REFRESH_S)
        grant.parent = parent.refresh_token if parent else None
        for other in desk.shop.grants:
            if other.mode == "offline" and other is not parent:
                other.retired = True
        answer |= {
            "expires_in": ACCESS_S,
            "refresh_token": grant.refresh_token,
            "refresh_token_expires_in": REFRESH_S,
        }
    desk.shop.grants = [
        g for g in desk.shop.grants if g.expires_at is None or g.expires_at > now or not g.retired
    ]
    desk.shop.grants.append(grant)
    return answer


def _online(desk: Desk, user_id: int) -> dict[str, object]:
    grant = Grant(
        access_token="shpat_" + desk.ids.text("access_token"),
        scopes=list(desk.shop.scopes),
        mode="online",
        expires_at=real_now() + timedelta(seconds=ONLINE_S),
        user_id=user_id,
    )
    desk.shop.grants.append(grant)
    scope = ",".join(grant.scopes)
    return {
        "access_token": grant.access_token,
        "scope": scope,
        "expires_in": ONLINE_S,
        "associated_user_scope": scope,
        "associated_user": {
            "id": user_id,
            "first_name": "Alice",
            "last_name": "Owner",
            "email": desk.shop.email,
            "email_verified": True,
            "account_owner": user_id == desk.shop.owner_id,
            "locale": desk.shop.locale,
            "collaborator": False,
        },
    }


def _refresh(desk: Desk, form: Mapping[str, object]) -> Answer:
    """Rotation: the old refresh token stays good until its replacement is used, at most 30 days."""
    now, given = real_now(), form.get("refresh_token")
    grant = next(
        (g for g in desk.shop.grants if g.refresh_token is not None and g.refresh_token == given), None
    )
    late = grant is not None and (
        grant.retired
        or (grant.refresh_expires_at or now) <= now
        or (grant.first_refreshed_at is not None and grant.first_refreshed_at + RETRY <= now)
    )
    if grant is None or late:
        return _refuse("invalid_grant", "The refresh token is invalid, was used, or has expired")
    grant.first_refreshed_at = grant.first_refreshed_at or now
    return 200, _offline(desk, True, parent=grant)


def _from_code(desk: Desk, form: Mapping[str, object]) -> Answer:
    granted = desk.shop.codes.pop(str(form["code"]), None)
    if granted is None:
        return _refuse("invalid_request", "The authorization code was not found or was already used")
    if "per-user" in granted:
        return 200, _online(desk, desk.shop.owner_id)
    return 200, _offline(desk, str(form.get("expiring", "0")) == "1")


def grant_of(desk: Desk, access_token: str) -> Grant | None:
    """The grant of a token that works now, or None."""
    for grant in desk.shop.grants:
        if grant.access_token == access_token:
            return grant if grant.expires_at is None or grant.expires_at > real_now() else None
    return None


def expire(desk: Desk, refresh_too: bool = False) -> None:
    """Makes every access token that can expire expire now."""
    for grant in desk.shop.grants:
        if grant.expires_at is not None:
            grant.expires_at = real_now() - timedelta(seconds=1)
        if refresh_too:
            grant.refresh_expires_at = real_now() - timedelta(seconds=1)
