"""The panel says what the ledger says: checked against the flow that serves the admin and the metafield."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.ledger import Account, Lot
from plugin.domain.programme import Clawback, Programme, Reward, Tier
from plugin.domain.values import Ratio
from plugin.flows import standing
from plugin.pages import panel
from plugin.store import ledger
from plugin.store.db import to_ms
from plugin.store.storefront import OpenLot, Shopper
from tests.pages.scene import ALICE, ANNA, START, Scene, programme

moments = st.none() | st.integers(-5, 5).map(lambda days: START + timedelta(days=days))
lots = st.lists(st.tuples(st.integers(1, 500), moments, moments), max_size=12)


@given(lots)
def test_points_in_milliseconds_are_the_domains_points(
    drawn: list[tuple[int, datetime | None, datetime | None]],
) -> None:
    whole = [Lot(n, 1, points, points, opens, ends) for n, (points, opens, ends) in enumerate(drawn)]
    account = Account(1, whole, [], lambda: 0)
    at, delta = standing.next_change(whole, START)
    thin: list[OpenLot] = [(points, to_ms(opens), to_ms(ends)) for points, opens, ends in drawn]
    found = panel.points(Shopper(1, None, 1, lots=thin), to_ms(START) or 0)
    assert (found["available"], found["pending"]) == (account.available(START), account.pending(START))
    if at is None:
        assert found["next"] is None
    else:
        assert datetime.fromisoformat(found["next"]["at"]) == at
        assert found["next"]["points"] == delta


def test_the_panel_and_the_admins_standing_agree(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    scene.asked(ALICE, ANNA, 81)
    shop, now = scene.shop(ALICE), scene.times.now()
    with scene.db.write(shop.shop_id) as tx:
        account = ledger.accounts(tx, shop.shop_id, [ANNA])[ANNA]
        for days in (3, 9):
            account.credit(
                "adjust", 70 + days, source_key=f"gift:{days}", why={}, occurred_at=now,
                available_at=now + timedelta(days=days), expires_at=None,
            )  # fmt: skip
        ledger.write(tx, shop.shop_id, [account.moves], now)
    with scene.db.read() as tx:
        state = standing.of_member(tx, shop, ANNA, scene.times.now())
    shown = scene.get("me", ANNA).json
    assert state is not None
    assert shown is not None
    points = shown["points"]
    assert (points["available"], points["pending"], points["owed"]) == (
        state.available,
        state.pending,
        state.owed,
    )
    assert shown["tier"]["progress"] == state.tier_progress
    assert shown["survey"]["order"] == str(state.due_survey)
    assert datetime.fromisoformat(points["next"]["at"]) == state.next_at
    assert points["next"]["points"] == state.next_delta == 73
    assert (points["available"], points["pending"]) == (550, 152)


@pytest.mark.parametrize(("policy", "balance", "missing"), [("deficit", 0, 100), ("negative", -30, 130)])
def test_what_is_owed_shows_below_zero_only_where_the_programme_says_so(
    policy: Clawback, balance: int, missing: int
) -> None:
    rules = programme(clawback=policy)
    seen = shown(Shopper(1, rules, ANNA, "active", owed=30), rules)
    assert seen["points"] == {"balance": balance, "available": 0, "pending": 0, "owed": 30, "next": None}
    [card] = [reward for reward in seen["rewards"] if reward["points"] == 100]
    assert (card["affordable"], card["missing"]) == (False, missing)


def shown(found: Shopper, made: Programme) -> dict[str, Any]:
    return panel.of_customer(found, made, START, "nonce")


def test_tier_progress_names_the_next_step_and_stops_at_the_top() -> None:
    made = programme(tiers=(Tier("one", "One", 0), Tier("two", "Two", 500, Ratio(5, 4))))
    below = shown(Shopper(1, made, 1, "active", tier="one", progress=120), made)["tier"]
    assert below == {
        "key": "one", "name": "One", "multiplier": [1, 1], "progress": 120, "months": 12,
        "basis": "points", "window": "rolling", "by": None, "until": None, "notice": None,
        "next": {"key": "two", "name": "Two", "from": 500, "missing": 380},
    }  # fmt: skip
    top = shown(Shopper(1, made, 1, "active", tier="two", progress=900), made)["tier"]
    assert (top["multiplier"], top["next"]) == ([5, 4], None)
    assert shown(Shopper(1, made, 1, "active", tier="gone"), made)["tier"]["key"] is None
    flat = programme(tiers=())
    assert shown(Shopper(1, flat, 1, "active"), flat)["tier"] is None


def test_a_reward_says_what_is_missing() -> None:
    made = programme(rewards=(Reward("a", "amount_off", "A", 100, value_minor=500),))
    for available, expected in (
        (99, (False, 1, "not_enough_points")),
        (100, (True, 0, None)),
        (None, (False, 100, "join_first")),
    ):
        reward = panel.rewards(made, available)[0]
        assert (reward["affordable"], reward["missing"], reward["why_not"]) == expected


def test_codes_that_ran_out_are_not_shown(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    light.redeem(ANNA)
    assert len(light.get("me", ANNA).json["codes"]) == 1  # type: ignore[index]
    light.times.now_at += timedelta(days=90)
    assert light.get("me", ANNA).json["codes"] == []  # type: ignore[index]


def test_history_has_pages_that_meet_without_a_gap(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.write(shop_id) as tx:
        account = ledger.accounts(tx, shop_id, [ANNA])[ANNA]
        for n in range(54):
            account.credit("adjust", n + 1, source_key=f"gift:{n}", why={"n": n}, occurred_at=START,
                           available_at=START, expires_at=None)  # fmt: skip
        ledger.write(tx, shop_id, [account.moves], START)
    for size, expected in ((None, [20, 20, 15]), ("50", [50, 5]), ("999", [50, 5]), ("5", [5] * 11)):
        pages: list[list[dict[str, Any]]] = []
        own = {"page_size": size} if size else {}
        following: str | None = ""
        while following is not None and len(pages) < 20:
            answer = scene.get("history", ANNA, **own, **({"cursor": following} if following else {}))
            body = cast("dict[str, Any]", answer.json)
            pages.append(body["lines"])
            following = body["next"]
        assert [len(page) for page in pages if page] == expected
        seen = [line["points"] for page in pages for line in page]
        assert seen == [*range(54, 0, -1), 50]


def test_a_line_carries_the_numbers_that_explain_it(light: Scene) -> None:
    light.member(ALICE, ANNA, 150)
    light.redeem(ANNA)
    lines = light.get("history", ANNA).json["lines"]  # type: ignore[index]
    redeemed, gift, joined = lines
    assert (redeemed["kind"], redeemed["points"], redeemed["order"]) == ("redeem", -100, None)
    assert redeemed["why"] == {
        "reward": "five_off", "name": None, "kind": "amount_off", "value_minor": 500, "currency": "CHF", "programme": 1,
    }  # fmt: skip
    assert (gift["points"], joined["kind"]) == (150, "signup")
    assert redeemed["at"] == "2026-11-22T09:00:00Z"


def test_a_cursor_that_is_none_of_ours_is_refused(light: Scene) -> None:
    for cursor in ("abc", "0", "-1", "9" * 19, "1_0"):
        answer = light.get("history", ANNA, cursor=cursor)
        assert answer.status_code == 400, cursor
    assert light.get("history", ANNA, page_size="0").status_code == 400
