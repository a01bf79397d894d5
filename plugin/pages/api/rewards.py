"""API, rewards: what points buy, and redeeming them for a member."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from plugin.domain import reward_names
from plugin.flows import cards, spending
from plugin.pages.answers import Refusal
from plugin.pages.api.members import known
from plugin.pages.api.route import (
    Body,
    Call,
    Fault,
    Id,
    Later,
    Page,
    Paged,
    Route,
    Text,
    cursor,
    number,
    paged,
    position,
)
from plugin.store import api_lists, programmes, queues, redemptions
from plugin.store.queues import Effect
from plugin.store.redemptions import Redemption as Stored

State = Literal[
    "being_made", "made", "used", "undone", "refused", "expired", "waiting", "fulfilled", "credited"
]
# What the store calls it -> what the API calls it.
_STATES: dict[str, State] = {"debited": "being_made", **{one: one for one in get_args(State)[1:]}}


class OfferedReward(Struct, frozen=True):
    """Something points buy. Money is in minor units of `currency`."""

    key: str
    kind: str
    title: str
    points: int
    value_minor: int | None
    minimum_minor: int | None
    currency: str
    valid_days: int
    for_sale: bool
    stock: int | None


class Rewards(Struct, frozen=True):
    """Every reward on offer."""

    data: list[OfferedReward]


class Redemption(Struct, frozen=True):
    """Points spent on a reward. `state`: waiting and fulfilled are what the shop hands over, credited is store credit.
    The code works once it is made."""

    id: Id
    member_id: Id
    reward: str
    points: int
    state: State
    code: str | None
    created_at: datetime
    expires_at: datetime | None
    used_order_id: Id | None
    points_returned: int


class RedemptionsQuery(Paged, frozen=True):
    """Which redemptions: of one member or of all, in one state (waiting: to be handed over) or in any."""

    member_id: Id | None = None
    state: State | None = None


class HandOver(Body, frozen=True):
    """What became of a reward that waits for the shop: it was handed over, or cannot be and its points come back."""

    done: bool


class Wish(Body, frozen=True):
    """Who redeems which reward. `points`: for one of any amount; `currency`: one it states an amount for."""

    member_id: Id
    reward: Text
    points: int | None = None
    currency: Text | None = None
    basket_minor: int | None = None


def list_rewards(call: Call, _: None) -> Rewards:
    programme = programmes.versions(call.tx, call.shop_id).latest
    if programme is None:
        return Rewards([])
    currency = programme.currency
    return Rewards(
        [
            OfferedReward(one.key, one.kind, reward_names.name_of(one, currency), one.points, one.value_minor,
                          one.minimum_minor, currency, one.valid_days, one.for_sale, one.stock)
            for one in programme.rewards
        ]
    )  # fmt: skip


def list_redemptions(call: Call, query: RedemptionsQuery) -> Page[Redemption]:
    before = position(query.cursor)
    member_id = known(call, _number(query.member_id), "member_id") if query.member_id is not None else None
    found = api_lists.redemptions_page(
        call.tx, call.shop_id, before[0] if before else None, query.limit + 1, member_id=member_id,
        state=next((stored for stored, shown in _STATES.items() if shown == query.state), None),
    )  # fmt: skip
    return paged(found, query.limit, _shown, lambda one: cursor(one.redemption_id))


def get_redemption(call: Call, _: None) -> Redemption:
    return _shown(_known(call))


def redeem_reward(call: Call, wish: Wish) -> Later:
    member_id = known(call, _number(wish.member_id), "member_id")
    made = spending.redeem(
        call.tx, call.shop, member_id, wish.reward, call.cause, call.now,
        points=wish.points, currency=wish.currency, basket_minor=wish.basket_minor, actor=call.actor,
    )  # fmt: skip
    return _performed(call, made.redemption_id, spending.make_code(made.redemption_id))


def undo_redemption(call: Call, _: None) -> Later:
    one = _known(call)
    spending.undo(call.tx, call.shop, one.member_id, one.redemption_id, call.now)
    return _performed(call, one.redemption_id, spending.withdraw_code(one.redemption_id))


def hand_reward_over(call: Call, wish: HandOver) -> Redemption:
    redemption_id = _known(call).redemption_id
    cards.hand_over(call.tx, call.shop, redemption_id, done=wish.done, actor=call.actor, now=call.now)
    found = _known(call)
    if found.state != ("fulfilled" if wish.done else "refused"):
        raise Refusal(
            "What became of this reward was said before, and stays so.", code="already_decided", status=409
        )
    return _shown(found)


def _performed(call: Call, redemption_id: int, wish: Effect) -> Later:
    """The redemption, once the platform was asked at once; whatever fails there, the worker finishes."""
    web, shop_id = call.web, call.shop_id
    held = queues.claim_now(call.tx, shop_id, wish.effect_key, call.now)
    stored = redemptions.by_id(call.tx, shop_id, redemption_id)
    assert stored is not None

    def finish() -> Redemption:
        if held is not None:
            web.perform_now(shop_id, held)
        with web.db.read() as tx:
            found = redemptions.by_id(tx, shop_id, redemption_id)
        assert found is not None
        return _shown(found)

    return Later(_shown(stored), finish)


def _known(call: Call) -> Stored:
    found = redemptions.by_id(call.tx, call.shop_id, call.path["redemption_id"])
    if found is None:
        raise Refusal("There is no redemption with this number. Take it from the list of redemptions.",
                      code="no_such_redemption", status=404)  # fmt: skip
    return found


def _number(text: str) -> int:
    found = number(text)
    if found is None:
        raise Fault(
            "Give the customer's id at Shopify, a whole number as text.", code="invalid_id", field="member_id"
        )
    return found


def _shown(one: Stored) -> Redemption:
    return Redemption(
        str(one.redemption_id),
        str(one.member_id),
        one.reward.key,
        one.points,
        _STATES[one.state],
        one.code if one.state in ("made", "used") else None,
        one.created_at,
        one.expires_at,
        str(one.used_order_id) if one.used_order_id is not None else None,
        one.returned,
    )


ROUTES = (
    Route("GET", "/rewards", "read_rewards", list_rewards, "The rewards on offer", answer=Rewards),
    Route("GET", "/redemptions", "read_rewards", list_redemptions, "Redemptions, the newest first",
          given=RedemptionsQuery, answer=Page[Redemption]),
    Route("GET", "/redemptions/{redemption_id}", "read_rewards", get_redemption, "One redemption", answer=Redemption),
    Route("POST", "/redemptions", "write_redemptions", redeem_reward,
          "Redeems points for a member; answers with the code when the shop makes it in time",
          given=Wish, answer=Redemption, status=201),
    Route("POST", "/redemptions/{redemption_id}/undo", "write_redemptions", undo_redemption,
          "Takes an unused code out of the shop; the points come back once it is gone", answer=Redemption),
    Route("POST", "/redemptions/{redemption_id}/handover", "write_redemptions", hand_reward_over,
          "Says that a reward which waits for the shop was handed over, or cannot be", given=HandOver,
          answer=Redemption),
)  # fmt: skip
