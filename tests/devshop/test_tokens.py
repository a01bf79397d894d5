"""The token endpoint: three grants, rotation, retries, refusals; and the launch of the app."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from devshop.shop import DevPlatform, DevShop
from devshop.signing import query_signature, read_token
from devshop.tokens import OFFLINE, ONLINE
from tests.devshop.conftest import DOMAIN, Admin

SHOP = "{ shop { id } }"


def refresh(admin: Admin, token: str) -> dict[str, object]:
    return admin.grant(grant_type="refresh_token", refresh_token=token)


def test_the_launch_url_is_signed_and_names_the_shop(shop: DevShop) -> None:
    query = dict(parse_qsl(urlsplit(shop.launch_url()).query))
    assert query["hmac"] == query_signature("secret", query)
    assert query["shop"] == DOMAIN
    claims = read_token(["secret"], query["id_token"])
    assert claims is not None
    assert (claims["iss"], claims["dest"], claims["aud"]) == (
        f"https://{DOMAIN}/admin",
        f"https://{DOMAIN}",
        "key",
    )


def test_an_expiring_offline_token(admin: Admin) -> None:
    grant = admin.grant(expiring="1")
    assert (grant["expires_in"], grant["refresh_token_expires_in"]) == (3600, 7_776_000)
    assert str(grant["access_token"]).startswith("shpat_")
    assert "read_orders" in grant["scope"]
    assert admin.send(SHOP, token=str(grant["access_token"])).status_code == 200


def test_a_non_expiring_token_works_until_it_is_no_longer_accepted(
    admin: Admin, platform: DevPlatform
) -> None:
    grant = admin.grant()
    assert "refresh_token" not in grant
    assert admin.send(SHOP, token=grant["access_token"]).status_code == 200
    platform.refuse_non_expiring = True
    assert admin.send(SHOP, token=grant["access_token"]).status_code == 403
    exchanged = admin.grant(subject_token=grant["access_token"], subject_token_type=OFFLINE, expiring="1")
    assert admin.send(SHOP, token=exchanged["access_token"]).status_code == 200
    assert admin.send(SHOP, token=grant["access_token"]).status_code == 401


def test_an_online_token_names_its_user(admin: Admin, shop: DevShop) -> None:
    grant = admin.grant(subject_token=shop.id_token(user_id=42), requested_token_type=ONLINE)
    assert (grant["associated_user"]["id"], grant["expires_in"]) == (42, 86_399)


def test_expired_tokens_are_refused_and_refreshed(admin: Admin, shop: DevShop) -> None:
    grant = admin.grant(expiring="1")
    shop.expire_tokens()
    assert admin.send(SHOP, token=grant["access_token"]).status_code == 401
    renewed = refresh(admin, grant["refresh_token"])
    assert admin.send(SHOP, token=str(renewed["access_token"])).status_code == 200
    assert renewed["refresh_token"] != grant["refresh_token"]


def test_a_refresh_can_be_tried_again_until_its_replacement_is_used(admin: Admin) -> None:
    first = str(admin.grant(expiring="1")["refresh_token"])
    lost = str(refresh(admin, first)["refresh_token"])
    second = str(refresh(admin, first)["refresh_token"])
    assert refresh(admin, lost)["error"] == "invalid_grant"
    third = refresh(admin, second)
    assert "access_token" in third
    assert refresh(admin, first)["error"] == "invalid_grant"


def test_a_new_acquisition_retires_older_refresh_tokens_at_once(admin: Admin) -> None:
    old = admin.grant(expiring="1")
    admin.grant(expiring="1")
    assert refresh(admin, str(old["refresh_token"]))["error"] == "invalid_grant"
    assert admin.send(SHOP, token=str(old["access_token"])).status_code == 200


def test_a_refresh_token_ends_after_its_ninety_days(admin: Admin, shop: DevShop) -> None:
    grant = admin.grant(expiring="1")
    shop.expire_tokens(refresh_too=True)
    assert refresh(admin, str(grant["refresh_token"]))["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "another"}, "invalid_client"),
        ({"subject_token": "rubbish"}, "invalid_subject_token"),
        ({"requested_token_type": "?"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_wrong_request_is_refused(admin: Admin, change: dict[str, str], error: str) -> None:
    assert admin.grant(**change)["error"] == error


@pytest.mark.parametrize(
    "overrides",
    [
        {"exp": 1},
        {"aud": "another"},
        {"dest": "https://other.myshopify.com"},
        {"secret": "guess"},
        {"algorithm": "none"},
        {"exp": None},
    ],
)
def test_a_forged_id_token_buys_nothing(admin: Admin, shop: DevShop, overrides: dict[str, Any]) -> None:
    assert admin.grant(subject_token=shop.id_token(**overrides))["error"] == "invalid_subject_token"


def test_after_an_uninstall_nothing_works(admin: Admin, shop: DevShop) -> None:
    grant = admin.grant(expiring="1")
    shop.uninstall()
    assert admin.send(SHOP, token=grant["access_token"]).status_code == 401
    assert admin.grant()["error"] == "invalid_client"
    shop.install()
    assert "access_token" in admin.grant()


def test_the_authorization_code_works_once(admin: Admin) -> None:
    answer = admin.http.get(
        f"https://{DOMAIN}/admin/oauth/authorize",
        params={
            "client_id": "key",
            "scope": "read_orders,write_discounts",
            "redirect_uri": "http://app.test/auth/callback",
            "state": "s1",
        },
    )
    back = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    assert answer.status_code == 302
    assert (back["state"], back["hmac"]) == ("s1", query_signature("secret", back))
    form = {"client_id": "key", "client_secret": "secret", "code": back["code"], "expiring": "1"}
    grant = admin.post("/admin/oauth/access_token", **form).json()
    assert (grant["scope"], "refresh_token" in grant) == ("read_orders,write_discounts", True)
    assert admin.post("/admin/oauth/access_token", **form).json()["error"] == "invalid_request"


def test_a_foreign_redirect_is_refused(admin: Admin) -> None:
    answer = admin.http.get(
        f"https://{DOMAIN}/admin/oauth/authorize",
        params={"client_id": "key", "redirect_uri": "https://evil.example/"},
    )
    assert answer.status_code == 400


def test_the_second_secret_is_accepted_while_both_are_valid(admin: Admin, platform: DevPlatform) -> None:
    platform.rotate_secret("newer")
    assert "access_token" in admin.grant()
    assert "access_token" in admin.grant(client_secret="newer")
    platform.revoke_old_secret()
    assert admin.grant()["error"] == "invalid_client"


def test_scopes_come_and_go(admin: Admin, shop: DevShop, platform: DevPlatform) -> None:
    shop.approve_scopes("read_all_orders")
    revoke = "mutation($s: [String!]!) { appRevokeAccessScopes(scopes: $s) { revoked { handle } userErrors { code } } }"
    answer = admin.ask(revoke, s=["read_all_orders"])["appRevokeAccessScopes"]
    assert answer == {"revoked": [{"handle": "read_all_orders"}], "userErrors": []}
    answer = admin.ask(revoke, s=["read_orders"])["appRevokeAccessScopes"]
    assert answer["userErrors"] == [{"code": "CANNOT_REVOKE_REQUIRED_SCOPES"}]
    assert [one.topic for one in platform.queue] == ["app/scopes_update"] * 2
