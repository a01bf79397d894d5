"""Spending flow: redeem at once, make the code later, give points back when the platform refuses or a refund comes."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from plugin.domain import earning, rewards
from plugin.domain.ledger import NotEnough, floor_at_zero
from plugin.domain.orders import Order, codes
from plugin.domain.pauses import paused
from plugin.domain.programme import Programme, Reward
from plugin.errors import RegularsError
from plugin.store import freezes, ledger, members, programmes, queues, redemptions
from plugin.store.db import Tx
from plugin.store.ids import new_id
from plugin.store.queues import Effect
from plugin.store.redemptions import Redemption
from plugin.store.shops import Shop


class CannotRedeem(RegularsError):
    """The redemption is not possible; nothing was taken."""

    code = "cannot_redeem"
    status = 409


def redeem(
    tx: Tx, shop: Shop, member_id: int, reward_key: str, request_key: str, now: datetime
) -> Redemption:
    """Debits the points and asks for the code, in one transaction. The same request key finds the same redemption.

    Raises CannotRedeem (codes: not_a_member, frozen, paused, no_such_reward, not_enough_points) and takes nothing.
    """
    before = redemptions.by_request(tx, shop.shop_id, member_id, request_key)
    if before is not None:
        return before
    member = members.by_id(tx, shop.shop_id, member_id)
    if member is None or member.status != "active":
        raise CannotRedeem("Join the programme first; joining is free.", code="not_a_member")
    if freezes.of_member(tx, shop.shop_id, member_id) is not None:
        raise CannotRedeem(
            "Your points cannot be spent at the moment. Please write to the shop.", code="frozen"
        )
    if paused(shop.pauses, "redeeming", now):
        raise CannotRedeem("Redeeming takes a short break. Your points are safe.", code="paused")
    programme = programmes.versions(tx, shop.shop_id).latest
    reward = programme.reward(reward_key) if programme else None
    if programme is None or reward is None:
        raise CannotRedeem(
            "This reward is not offered any more. Reload to see today's rewards.",
            code="no_such_reward",
            status=404,
        )
    redemption = _debited(member_id, request_key, reward, reward.points, programme, now)
    account = ledger.accounts(tx, shop.shop_id, [member_id])[member_id]
    try:
        account.spend(
            "redeem",
            reward.points,
            now,
            source_key=f"redeem:{redemption.redemption_id}",
            why=rewards.told(reward, programme.currency) | {"programme": programme.version},
            actor="member",
        )
    except NotEnough as error:
        raise CannotRedeem(
            f"You have {error.available} points to spend and this reward needs {error.wanted}.",
            code="not_enough_points",
        ) from error
    redemptions.insert(tx, shop.shop_id, redemption)
    ledger.write(tx, shop.shop_id, [account.moves], now)
    queues.enqueue(tx, shop.shop_id, [make_code(redemption.redemption_id), mirror_of(member_id)], now)
    return redemption


def issue(tx: Tx, shop: Shop, member_id: int, reward: Reward, cause: str, now: datetime) -> Redemption | None:
    """Hands out a reward that costs no points and asks for its code; once per `cause` and member.

    None when the shop has no programme or the customer is no member.
    """
    request_key = f"issue:{cause}"
    before = redemptions.by_request(tx, shop.shop_id, member_id, request_key)
    if before is not None:
        return before
    member = members.by_id(tx, shop.shop_id, member_id)
    programme = programmes.versions(tx, shop.shop_id).latest
    if member is None or member.status != "active" or programme is None:
        return None
    given = _debited(member_id, request_key, reward, 0, programme, now)
    redemptions.insert(tx, shop.shop_id, given)
    queues.enqueue(tx, shop.shop_id, [make_code(given.redemption_id), mirror_of(member_id)], now)
    return given


def _debited(
    member_id: int, request_key: str, reward: Reward, points: int, programme: Programme, now: datetime
) -> Redemption:
    return Redemption(
        redemption_id=new_id(),
        member_id=member_id,
        request_key=request_key,
        reward=reward,
        programme_version=programme.version,
        points=points,
        code=_new_code(programme.code_prefix),
        state="debited",
        discount_gid=None,
        created_at=now,
        made_at=None,
        expires_at=now + timedelta(days=reward.valid_days),
        used_order_id=None,
        returned=0,
        return_count=0,
        reason=None,
    )


def _new_code(prefix: str) -> str:
    letters = "".join(secrets.choice(rewards.CODE_ALPHABET) for _ in range(10))
    return f"{prefix.upper()}-{letters[:5]}-{letters[5:]}"


def make_code(redemption_id: int) -> Effect:
    """The wish for a redemption's discount code."""
    return Effect(f"redemption:{redemption_id}:make", "code.make", {"redemption_id": redemption_id})


def withdraw_code(redemption_id: int) -> Effect:
    """The wish to take an unused code out of the shop."""
    return Effect(f"redemption:{redemption_id}:withdraw", "code.withdraw", {"redemption_id": redemption_id})


def mirror_of(member_id: int) -> Effect:
    """The wish to show a member's state to the storefront."""
    return Effect(f"member:{member_id}:mirror", "member.mirror", {"member_id": member_id})


def code_made(tx: Tx, shop: Shop, redemption_id: int, discount_gid: str, now: datetime) -> None:
    """The platform has the code."""
    redemptions.made(tx, shop.shop_id, redemption_id, discount_gid, now)


def code_refused(tx: Tx, shop: Shop, redemption_id: int, reason: str, now: datetime) -> None:
    """The platform refused the code for good: the points come back with the dates of the lots they came from."""
    redemption = redemptions.by_id(tx, shop.shop_id, redemption_id)
    if redemption is None or redemption.state != "debited":
        return
    redemptions.settle(tx, shop.shop_id, redemption_id, "refused", reason)
    _give_back(tx, shop, redemption, redemption.points, "refused", 1, now)


def undo(tx: Tx, shop: Shop, member_id: int, redemption_id: int, now: datetime) -> Redemption:
    """The member wants an unused code's points back: asks to withdraw the code; points come after it is gone.

    Raises CannotRedeem (codes: no_such_redemption, already_used) when it is not theirs or was used.
    """
    redemption = redemptions.by_id(tx, shop.shop_id, redemption_id)
    if redemption is None or redemption.member_id != member_id:
        raise CannotRedeem(
            "We cannot find this code. Reload to see your codes.", code="no_such_redemption", status=404
        )
    if redemption.state == "used":
        raise CannotRedeem("This code was used in an order, so it cannot be undone.", code="already_used")
    if redemption.state == "made":
        queues.enqueue(tx, shop.shop_id, [withdraw_code(redemption_id)], now)
    elif redemption.state == "debited":
        raise CannotRedeem("This code is still being made. Try again in a minute.", code="being_made")
    return redemption


def code_withdrawn(tx: Tx, shop: Shop, redemption_id: int, used: bool, now: datetime) -> None:
    """The code is out of the shop: credit the points, unless an order had used it first."""
    redemption = redemptions.by_id(tx, shop.shop_id, redemption_id)
    if redemption is None or redemption.state != "made" or used:
        return
    redemptions.settle(tx, shop.shop_id, redemption_id, "undone", "by_member")
    _give_back(tx, shop, redemption, redemption.points, "undone", 1, now)


def _give_back(
    tx: Tx, shop: Shop, redemption: Redemption, points: int, because: str, count: int, now: datetime
) -> None:
    if not points:
        return  # it was handed out and cost nothing
    debit = f"redeem:{redemption.redemption_id}"
    standing = ledger.entry_by_source(tx, shop.shop_id, debit)
    assert standing is not None
    lots = ledger.lots_of_debit(tx, shop.shop_id, standing)
    account = ledger.accounts(tx, shop.shop_id, [redemption.member_id])[redemption.member_id]
    version = programmes.versions(tx, shop.shop_id).numbered(redemption.programme_version)
    assert version is not None
    account.credit(
        "redeem_return",
        points,
        source_key=f"{debit}:return:{count}",
        why=rewards.told(redemption.reward, version.currency) | {"because": because},
        occurred_at=now,
        available_at=now,
        expires_at=rewards.return_expiry(lots, now),
        order_id=None,
        reverses_id=standing,
    )
    ledger.write(tx, shop.shop_id, [account.moves], now)
    redemptions.returned(tx, shop.shop_id, redemption.redemption_id, redemption.returned + points, count)
    queues.enqueue(tx, shop.shop_id, [mirror_of(redemption.member_id)], now)


def with_our_codes(tx: Tx, shop: Shop, orders: Sequence[Order]) -> set[int]:
    """Those of these orders that carry a code of ours."""
    carried = frozenset[str]().union(*map(codes, orders))
    ours = redemptions.by_codes(tx, shop.shop_id, carried).keys()
    return {order.order_id for order in orders if ours & codes(order)}


def codes_seen(tx: Tx, shop: Shop, orders: Sequence[tuple[Order, Programme | None]], now: datetime) -> None:
    """Confirmed orders that carry one of our codes: marks it used, and returns points for what was refunded since.

    A code that was undone and still shows up in an order is debited again (design 10.16).
    """
    carried = frozenset[str]().union(*(codes(order) for order, _ in orders))
    ours = redemptions.by_codes(tx, shop.shop_id, carried)
    for order, programme in orders:
        for code in sorted(codes(order)):
            redemption = ours.get(code)
            if redemption is not None and redemption.used_order_id in (None, order.order_id):
                _code_in_order(tx, shop, redemption, order, programme, now)


def _code_in_order(
    tx: Tx, shop: Shop, redemption: Redemption, order: Order, programme: Programme | None, now: datetime
) -> None:
    if redemption.state in ("undone", "refused"):
        _take_again(
            tx, shop, redemption, order, redemption.returned, "code_was_used", "reused", programme, now
        )
        redemption = replace(redemption, returned=0)
        redemptions.returned(tx, shop.shop_id, redemption.redemption_id, 0, redemption.return_count)
    if redemption.state != "used":
        redemptions.used(tx, shop.shop_id, redemption.redemption_id, order.order_id)
    if programme is None or not programme.return_spent_points:
        return
    refunded, ordered = earning.refunded_share(order, programme.basis)
    due = rewards.return_target(redemption.points, refunded, ordered) - redemption.returned
    count = redemption.return_count + 1
    if due > 0:
        _give_back(tx, shop, redemption, due, "refunded", count, now)
    elif due < 0:
        _take_again(tx, shop, redemption, order, -due, "less_refunded", f"return:{count}", programme, now)
        redemptions.returned(tx, shop.shop_id, redemption.redemption_id, redemption.returned + due, count)


def _take_again(
    tx: Tx,
    shop: Shop,
    redemption: Redemption,
    order: Order,
    points: int,
    because: str,
    cause: str,
    programme: Programme | None,
    now: datetime,
) -> None:
    """Takes returned points again, because the code was used after all or less of its order is refunded now."""
    account = ledger.accounts(tx, shop.shop_id, [redemption.member_id])[redemption.member_id]
    entry = account.take_back(
        "redeem_reversed",
        points,
        source_key=f"redeem:{redemption.redemption_id}:{cause}",
        why={"reward": redemption.reward.key, "because": because, "order": str(order.order_id)},
        occurred_at=now,
        now=now,
    )
    floor_at_zero(account, entry, programme)
    ledger.write(tx, shop.shop_id, [account.moves], now)
    queues.enqueue(tx, shop.shop_id, [mirror_of(redemption.member_id)], now)
