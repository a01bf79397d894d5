"""What we ask the platform for tokens, and what we make of its answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from devshop.shop import DevPlatform, DevShop
from plugin.config import Config
from plugin.shopify.errors import NeedsReauth, TokenUnavailable
from plugin.shopify.grants import GrantRefused, by_code, by_refresh_token, covers, permission_url, shop_domain
from plugin.shopify.tokens import TokenSource
from tests.shopify.conftest import DOMAIN
from tests.shopify.scripted import Answer, Script

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SCOPES = ["read_orders", "write_customers"]
CALLBACK = "http://app.test/auth/callback"


def agreed(http: httpx.Client, config: Config, state: str = "state-1") -> dict[str, str]:
    """The merchant follows our link and agrees; what comes back to our callback."""
    answer = http.get(permission_url(config, DOMAIN, SCOPES, CALLBACK, state))
    assert answer.status_code == 302
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == CALLBACK
    return {name: values[0] for name, values in parse_qs(back.query).items()}


def test_the_merchant_is_asked_for_exactly_these_scopes(config: Config) -> None:
    url = urlsplit(permission_url(config, DOMAIN, SCOPES, CALLBACK, "a b&c"))
    assert (url.scheme, url.netloc, url.path) == ("https", DOMAIN, "/admin/oauth/authorize")
    assert parse_qs(url.query) == {
        "client_id": ["key"],
        "scope": ["read_orders,write_customers"],
        "redirect_uri": [CALLBACK],
        "state": ["a b&c"],
    }


def test_code_grant_gives_an_expiring_token_for_what_was_asked(
    platform: DevPlatform, config: Config, http: httpx.Client, make_source: Callable[..., TokenSource]
) -> None:
    shop = platform.create_shop(DOMAIN)
    back = agreed(http, config)
    assert back["state"] == "state-1"
    grant = make_source().acquire_by_code(DOMAIN, back["code"])
    assert grant.scopes == "read_orders,write_customers"
    assert grant.refresh is not None
    assert grant.expires_at is not None
    assert timedelta(minutes=59) < grant.expires_at - datetime.now(UTC) <= timedelta(hours=1)
    assert [one.access_token for one in shop.desk.shop.grants] == [grant.access]
    source = make_source()
    source.keep(1, grant)
    assert source.access_token(1, DOMAIN) == grant.access


def test_a_code_is_good_once(
    platform: DevPlatform, config: Config, http: httpx.Client, make_source: Callable[..., TokenSource]
) -> None:
    platform.create_shop(DOMAIN)
    code = agreed(http, config)["code"]
    make_source().acquire_by_code(DOMAIN, code)
    with pytest.raises(NeedsReauth):
        make_source().acquire_by_code(DOMAIN, code)


def ask(config: Config, *answers: Answer) -> tuple[Callable[[], object], Script]:
    script = Script(list(answers))
    client = httpx.Client(transport=httpx.MockTransport(script))
    return lambda: by_code(config, client, DOMAIN, "code", NOW), script


def test_a_custom_app_may_hold_a_token_without_end(config: Config) -> None:
    """Custom apps of one merchant are exempt from expiry: the platform may ignore `expiring`."""
    said, script = ask(config, httpx.Response(200, json={"access_token": "shpat_x", "scope": "read_orders"}))
    grant = said()
    assert script.sent()[0]["expiring"] == 1
    assert (grant.access, grant.refresh, grant.expires_at) == ("shpat_x", None, None)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(400, json={"error": "invalid_request"}), GrantRefused),
        (httpx.Response(400, json={"error": "invalid_client"}), TokenUnavailable),
        (httpx.Response(404, text="<html>"), TokenUnavailable),
        (httpx.Response(429), TokenUnavailable),
        (httpx.Response(500), TokenUnavailable),
        (httpx.Response(200, text="<html>"), TokenUnavailable),
        (httpx.Response(200, json={}), TokenUnavailable),
        (httpx.Response(200, json={"access_token": ""}), TokenUnavailable),
        (httpx.Response(200, json={"access_token": "x" * 100_000}), TokenUnavailable),
        (httpx.ReadTimeout("slow"), TokenUnavailable),
    ],
)
def test_answers_that_are_no_token(config: Config, answer: Answer, error: type[Exception]) -> None:
    said, _ = ask(config, answer)
    with pytest.raises(error):
        said()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"access_token": "x", "expires_in": "soon"}),
        httpx.Response(400, text="<html>"),
        httpx.Response(400, json=[]),
    ],
)
def test_refresh_answers_that_are_no_token_are_tried_later(config: Config, answer: httpx.Response) -> None:
    client = httpx.Client(transport=httpx.MockTransport(Script([answer])))
    with pytest.raises(TokenUnavailable):
        by_refresh_token(config, client, DOMAIN, "shprt_x", NOW)


def test_refresh_that_gives_no_new_refresh_token_keeps_the_old_one(
    shop: DevShop, shop_id: int, make_source: Callable[..., TokenSource]
) -> None:
    answer = httpx.Response(
        200, json={"access_token": "shpat_new", "scope": "read_orders", "expires_in": 3600}
    )
    client = httpx.Client(transport=httpx.MockTransport(Script([answer])))
    old = make_source().shelf.find(shop_id)
    source = make_source(http_client=client, now=lambda: datetime.now(UTC) + timedelta(hours=2))
    assert source.access_token(shop_id, DOMAIN) == "shpat_new"
    new = source.shelf.find(shop_id)
    assert old is not None
    assert new is not None
    assert new.refresh_expires_at == old.refresh_expires_at
    assert new.refresh is not None
    assert source._open(new.refresh) == source._open(old.refresh or b"")


@pytest.mark.parametrize(
    ("granted", "needed", "enough"),
    [
        ("read_orders,write_customers", ["read_customers", "read_orders"], True),
        ("read_orders", "write_orders", False),
        ("write_orders, read_products", "read_orders,write_orders", True),
        ("", "read_orders", False),
        ("read_orders", "", True),
        ("unauthenticated_write_checkouts", "unauthenticated_read_checkouts", True),
        ("read_orders,customer_read_orders", "customer_read_orders", True),
        ("read_orders", "customer_read_orders", False),
    ],
)
def test_scopes(granted: str, needed: str | list[str], enough: bool) -> None:
    assert covers(granted, needed) is enough


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Dev-One", "dev-one.myshopify.com"),
        (" https://dev-one.myshopify.com/admin/themes ", "dev-one.myshopify.com"),
        ("dev-one.myshopify.com", "dev-one.myshopify.com"),
        ("evil.com", None),
        ("dev-one.myshopify.com.evil.com", None),
        ("evil.com/dev-one.myshopify.com", None),
        ("dev-one.myshopify.com@evil.com", None),
        ("evil.com#.myshopify.com", None),
        ("", None),
    ],
)
def test_shop_domain(text: str, domain: str | None) -> None:
    assert shop_domain(text) == domain
