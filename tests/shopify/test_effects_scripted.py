"""Effects against answers the development shop does not give: complaints without an index, passing troubles."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from plugin.shopify.errors import Refused, Unavailable
from plugin.shopify.perform import (
    CodeOrder,
    MemberState,
    RefusedForGood,
    Withdrawn,
    erase_response,
    make_code,
    mirror_digest,
    mirror_members,
    withdraw_code,
)
from tests.shopify.scripted import data, errors, scripted

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ORDER = CodeOrder(
    code="REG-1", kind="amount_off", value_minor=500, currency="CHF", minimum_minor=None, customer_id=7,
    title="5 off", starts_at=NOW, ends_at=NOW + timedelta(days=90), tag="regulars-r1",
)  # fmt: skip
NOT_FOUND = data(codeDiscountNodeByCode=None)


def members(*numbers: int) -> list[MemberState]:
    return [MemberState(number, True, 10, 0, None, 0, None, None, 1, 10) for number in numbers]


def complaint(code: str | None, element: int | None, *path: str) -> dict[str, Any]:
    return {"code": code, "field": list(path), "message": "no", "elementIndex": element}


def metafields(*complaints: dict[str, Any]) -> httpx.Response:
    return data(metafieldsSet={"metafields": None if complaints else [], "userErrors": list(complaints)})


def owners(body: dict[str, Any]) -> list[int]:
    return [int(one["ownerId"].rsplit("/", 1)[1]) for one in body["variables"]["metafields"]]


def refused_code(*codes: str) -> httpx.Response:
    said = [{"code": code, "field": ["basicCodeDiscount", "code"], "message": "no"} for code in codes]
    return data(discountCodeBasicCreate={"codeDiscountNode": None, "userErrors": said})


def test_members_complained_about_are_left_out_and_the_rest_written() -> None:
    client, script = scripted(
        metafields(
            complaint("INVALID", 0), complaint("APP_NOT_AUTHORIZED", None, "metafields", "2", "ownerId")
        ),
        metafields(),
    )
    result = mirror_members(client, members(1, 2, 3, 4))
    assert result.written == (2, 4)
    assert result.skipped == ((1, "INVALID"), (3, "APP_NOT_AUTHORIZED"))
    assert [owners(body) for body in script.sent()] == [[1, 2, 3, 4], [2, 4]]


def test_when_nobody_knows_which_one_is_wrong_they_are_written_one_by_one() -> None:
    client, script = scripted(
        metafields(complaint(None, None)), metafields(), metafields(complaint(None, None)), metafields()
    )
    result = mirror_members(client, members(1, 2, 3))
    assert (result.written, result.skipped) == ((1, 3), ((2, "refused"),))
    assert [owners(body) for body in script.sent()] == [[1, 2, 3], [1], [2], [3]]


def test_passing_trouble_skips_nobody() -> None:
    client, _ = scripted(metafields(complaint("INTERNAL_ERROR", 0)))
    with pytest.raises(Unavailable):
        mirror_members(client, members(1))


def test_a_call_the_platform_does_not_accept_skips_nobody() -> None:
    client, _ = scripted(errors("undefinedField"))
    with pytest.raises(Refused):
        mirror_members(client, members(1))


def test_at_most_25_a_call() -> None:
    client, script = scripted(metafields(), metafields(), metafields())
    assert mirror_members(client, members(*range(1, 61))).written == tuple(range(1, 61))
    assert [len(owners(body)) for body in script.sent()] == [25, 25, 10]


def test_nobody_to_mirror_asks_nothing() -> None:
    client, script = scripted()
    assert mirror_members(client, []).written == ()
    assert script.calls == []


def test_digest_that_is_not_taken_is_an_error() -> None:
    client, _ = scripted(metafields(complaint("INVALID_VALUE", 0)))
    with pytest.raises(Refused):
        mirror_digest(client, "gid://shopify/AppInstallation/1", {"rate": 1})


def test_the_whole_state_of_a_member_is_one_json_value() -> None:
    client, script = scripted(metafields())
    state = MemberState(7, True, 120, 30, NOW + timedelta(microseconds=5), 30, "gold", "81", 4, -5)
    mirror_members(client, [state])
    [sent] = script.sent()[0]["variables"]["metafields"]
    assert (sent["namespace"], sent["key"], sent["type"]) == ("$app", "loyalty", "json")
    assert json.loads(sent["value"]) == {
        "joined": True, "available": 120, "balance": -5, "pending": 30, "next_at": "2026-11-22T09:00:00Z",
        "next_delta": 30, "tier": "gold", "due_survey": "81", "programme_version": 4,
        "tier_progress": 0, "tier_next": None, "tier_needs": None, "tier_until": None, "tier_notice": None,
    }  # fmt: skip


def test_taken_but_not_to_be_found_is_tried_later() -> None:
    client, _ = scripted(refused_code("TAKEN"), NOT_FOUND)
    with pytest.raises(Unavailable) as caught:
        make_code(client, ORDER, first_attempt=True)
    assert caught.value.outcome_unknown


def test_internal_error_of_the_platform_is_tried_later() -> None:
    client, _ = scripted(refused_code("INTERNAL_ERROR"))
    with pytest.raises(Unavailable):
        make_code(client, ORDER, first_attempt=True)


def test_a_reason_is_a_stable_word() -> None:
    client, _ = scripted(refused_code("VALUE_OUTSIDE_RANGE", "BLANK"))
    assert make_code(client, ORDER, first_attempt=True) == RefusedForGood("refused_blank")


def test_code_that_could_not_be_switched_off_is_not_called_withdrawn() -> None:
    stubborn = {
        "codeDiscountNode": None,
        "userErrors": [{"code": "INVALID", "field": ["id"], "message": "no"}],
    }
    found = {"id": "gid://shopify/DiscountCodeNode/1", "codeDiscount": {"__typename": "DiscountCodeBasic"}}
    client, _ = scripted(data(discountCodeDeactivate=stubborn), data(codeDiscountNodeByCode=found))
    with pytest.raises(Refused):
        withdraw_code(client, "gid://shopify/DiscountCodeNode/1", "REG-1")


def test_code_deleted_by_the_merchant_counts_as_withdrawn() -> None:
    gone = {"codeDiscountNode": None, "userErrors": [{"code": "INVALID", "field": ["id"], "message": "no"}]}
    client, _ = scripted(data(discountCodeDeactivate=gone), NOT_FOUND)
    assert withdraw_code(client, "gid://shopify/DiscountCodeNode/1", "REG-1") == Withdrawn(used=False)


def test_response_deleted_between_look_and_delete_is_erased() -> None:
    gone = {"deletedId": None, "userErrors": [{"code": "RECORD_NOT_FOUND", "field": ["id"], "message": "no"}]}
    client, script = scripted(
        data(metaobjectByHandle={"id": "gid://shopify/Metaobject/1"}), data(metaobjectDelete=gone)
    )
    erase_response(client, "order-81")
    assert len(script.calls) == 2
