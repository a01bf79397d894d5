"""Trouble on demand, in process: throttling, errors, refusals, answers that never come."""

from __future__ import annotations

import httpx
import pytest

from devshop.errors import DevshopError
from devshop.shop import DevPlatform, DevShop
from tests.devshop.conftest import Admin
from tests.devshop.scenario import make_code

SHOP = "{ shop { id } }"


def test_a_throttle_hits_its_operation_once(admin: Admin, platform: DevPlatform) -> None:
    platform.faults.add("throttle", match="discountCodeBasicCreate")
    assert "errors" not in admin.send(SHOP).json()
    with pytest.raises(AssertionError, match="THROTTLED"):
        make_code(admin, "A", {"percentage": 0.1})
    assert make_code(admin, "A", {"percentage": 0.1})["userErrors"] == []
    assert platform.faults.pending == []


def test_the_token_endpoint_answers_429(admin: Admin, platform: DevPlatform) -> None:
    platform.faults.add("throttle", match="access_token")
    answer = admin.post("/admin/oauth/access_token")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2.0")


@pytest.mark.parametrize(("kind", "status"), [("http_500", 500), ("http_502", 502), ("http_503", 503)])
def test_server_errors_act_not(
    admin: Admin, platform: DevPlatform, shop: DevShop, kind: str, status: int
) -> None:
    platform.faults.add(kind, match="graphql", times=2)
    query = 'mutation { tagsAdd(id: "gid://shopify/Customer/1", tags: ["x"]) { userErrors { message } } }'
    assert [admin.send(query).status_code for _ in range(3)] == [status, status, 200]


def test_a_refusal_is_a_user_error_of_the_right_type(
    admin: Admin, platform: DevPlatform, shop: DevShop
) -> None:
    platform.faults.add("refuse", match="discountCodeBasicCreate", code="MAX_APP_DISCOUNTS", message="Full.")
    payload = make_code(admin, "A", {"percentage": 0.1})
    assert payload == {
        "codeDiscountNode": None,
        "userErrors": [{"code": "MAX_APP_DISCOUNTS", "field": None, "message": "Full."}],
    }
    assert shop.desk.shop.discounts == {}
    platform.faults.add("refuse", match="shop")
    assert admin.send("query { currentAppInstallation { id } }").json()["data"]["currentAppInstallation"]
    assert admin.errors(SHOP)[0]["extensions"]["code"] == "ACCESS_DENIED"


def test_a_refused_refresh(admin: Admin, platform: DevPlatform) -> None:
    platform.faults.add("refuse", match="access_token")
    assert admin.grant()["error"] == "invalid_grant"


def test_a_time_out_before_and_after_acting(admin: Admin, platform: DevPlatform, shop: DevShop) -> None:
    platform.faults.add("timeout_before", match="discountCodeBasicCreate")
    with pytest.raises(httpx.ReadTimeout):
        make_code(admin, "A", {"percentage": 0.1})
    assert shop.desk.shop.discounts == {}
    platform.faults.add("timeout_after", match="discountCodeBasicCreate")
    with pytest.raises(httpx.ReadTimeout):
        make_code(admin, "A", {"percentage": 0.1})
    assert [one.code for one in shop.desk.shop.discounts.values()] == ["A"]


def test_a_refresh_whose_answer_was_lost_can_be_repeated(admin: Admin, platform: DevPlatform) -> None:
    token = admin.grant(expiring="1")["refresh_token"]
    platform.faults.add("timeout_after", match="access_token")
    with pytest.raises(httpx.ReadTimeout):
        admin.grant(grant_type="refresh_token", refresh_token=token)
    assert "access_token" in admin.grant(grant_type="refresh_token", refresh_token=token)


def test_slow_is_waiting_or_a_time_out(admin: Admin, platform: DevPlatform) -> None:
    slept: list[float] = []
    platform.faults.sleep = slept.append
    platform.faults.add("slow", seconds=1.5)
    assert admin.send(SHOP).status_code == 200
    assert slept == [1.5]
    platform.faults.add("slow", seconds=2.5)
    with pytest.raises(httpx.ReadTimeout):
        admin.send(SHOP)
    assert slept == [1.5]


def test_faults_can_last_and_be_cleared(admin: Admin, platform: DevPlatform) -> None:
    platform.faults.add("http_500", times=None)
    assert [admin.send(SHOP).status_code for _ in range(4)] == [500] * 4
    platform.faults.clear()
    assert admin.send(SHOP).status_code == 200
    with pytest.raises(DevshopError, match="no fault flood"):
        platform.faults.add("flood")


def test_nothing_but_shops_is_reached(admin: Admin) -> None:
    with pytest.raises(httpx.ConnectError):
        admin.http.get("https://example.com/")
