"""Spending flow: redeem at once, make the code later, give points back when it is refused, undone or ends unused."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from plugin.domain import reward_names, rewards, tiers
from plugin.domain.ledger import NotEnough
from plugin.domain.pauses import paused
from plugin.domain.programme import Programme, Reward
from plugin.flows import offers
from plugin.flows.offers import CannotRedeem
from plugin.store import events, freezes, ledger, members, programmes, queues, redemptions
from plugin.store import offers as offer_store
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.ids import new_id
from plugin.store.queues import Effect
from plugin.store.redemptions import Redemption
from plugin.store.shops import Shop


def redeem(
    tx: Tx,
    shop: Shop,
    member_id: int,
    wanted: str,
    request_key: str,
    now: datetime,
    *,
    points: int | None = None,
    currency: str | None = None,
    basket_minor: int | None = None,
    actor: str = "member",
) -> Redemption:
    """Debits the points and asks for what they buy, in one transaction. The same request key finds the same redemption.

    `wanted`: a reward's key, or a wish (domain/rewards.py). Raises CannotRedeem (codes: not_a_member, frozen, paused,
    no_such_reward, not_enough_points, and those of flows/offers.py) and takes nothing.
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
    reward_key, in_points, in_currency = rewards.wish(wanted)
    offered = programme.reward(reward_key) if programme else None
    if programme is None or offered is None:
        raise CannotRedeem(
            "This reward is not offered any more. Reload to see today's rewards.",
            code="no_such_reward",
            status=404,
        )
    offers.check(tx, shop, member, offered, now)
    currency = currency or in_currency
    reward = rewards.chosen(
        offered,
        points or in_points,
        currency if currency != programme.currency else None,
        basket_minor,
    )
    if isinstance(reward, str):
        raise offers.refuse(reward)
    price = tiers.price(programme, reward, member.tier)
    if price is None:
        raise offers.refuse("wrong_tier")
    redemption = _debited(tx, shop, member_id, request_key, reward, price, programme, now)
    account = ledger.accounts(tx, shop.shop_id, [member_id])[member_id]
    try:
        account.spend(
            "redeem",
            price,
            now,
            source_key=f"redeem:{redemption.redemption_id}",
            why=reward_names.told(reward, programme.currency) | {"programme": programme.version},
            actor=actor,
        )
    except NotEnough as error:
        raise CannotRedeem(
            f"You have {error.available} points to spend and this reward needs {error.wanted}.",
            code="not_enough_points",
        ) from error
    redemptions.insert(tx, shop.shop_id, redemption)
    ledger.write(tx, shop.shop_id, [account.moves], now)
    queues.enqueue(tx, shop.shop_id, [*_wishes(redemption), mirror_of(member_id)], now)
    return redemption


def issue(tx: Tx, shop: Shop, member_id: int, reward: Reward, cause: str, now: datetime) -> Redemption | None:
    """Hands out a reward that costs no points and asks for its code; once per `cause` and member.

    None when the shop has no programme, the customer is no member, or the last one is gone.
    """
    request_key = f"issue:{cause}"
    before = redemptions.by_request(tx, shop.shop_id, member_id, request_key)
    if before is not None:
        return before
    member = members.by_id(tx, shop.shop_id, member_id)
    programme = programmes.versions(tx, shop.shop_id).latest
    if member is None or member.status != "active" or programme is None:
        return None
    counted = offer_store.count(tx, shop.shop_id, None, [reward], now)
    if rewards.sold_out(reward, counted.given_out.get(reward.key, 0)):
        missed: dict[str, object] = {"reward": reward.key, "cause": cause}
        events.record(
            tx, shop.shop_id, [Event(now, "system", "reward_not_given", f"member:{member_id}", missed)]
        )
        return None
    chosen = rewards.chosen(reward, None, None, None)
    assert not isinstance(chosen, str)
    given = _debited(tx, shop, member_id, request_key, chosen, 0, programme, now)
    redemptions.insert(tx, shop.shop_id, given)
    queues.enqueue(tx, shop.shop_id, [*_wishes(given), mirror_of(member_id)], now)
    return given


def _debited(
    tx: Tx,
    shop: Shop,
    member_id: int,
    request_key: str,
    reward: Reward,
    points: int,
    programme: Programme,
    now: datetime,
) -> Redemption:
    ends = now + timedelta(days=reward.valid_days)
    if reward.kind == "store_credit":
        # Shopify gives credit no key and no note; its end is the one thing of ours that it keeps, so no two are alike.
        taken = redemptions.ends_taken(tx, shop.shop_id, member_id)
        ends = ends.replace(microsecond=0)
        while ends in taken:
            ends += timedelta(seconds=1)
    codeless = reward.kind in ("manual", "store_credit")
    reminds = timedelta(days=min(programme.code_reminder_days, reward.valid_days))
    return Redemption(
        redemption_id=new_id(),
        member_id=member_id,
        request_key=request_key,
        reward=reward,
        programme_version=programme.version,
        points=points,
        code=_new_code(programme.code_prefix, reward),
        state="waiting" if reward.kind == "manual" else "debited",
        discount_gid=None,
        created_at=now,
        made_at=None,
        expires_at=None if reward.kind == "manual" else ends,
        used_order_id=None,
        returned=0,
        return_count=0,
        reason=None,
        due_at=None if codeless else ends - reminds,
    )


def _new_code(prefix: str, reward: Reward) -> str:
    if reward.kind == "gift_card":  # 8 to 20 letters and digits, and whoever knows it may spend it
        return prefix.upper()[:8] + "".join(secrets.choice(rewards.CODE_ALPHABET) for _ in range(12))
    letters = "".join(secrets.choice(rewards.CODE_ALPHABET) for _ in range(10))
    return f"{prefix.upper()}-{letters[:5]}-{letters[5:]}"


_MAKERS = {"gift_card": "card.make", "store_credit": "credit.make"}


def _wishes(redemption: Redemption) -> list[Effect]:
    """What the platform has to do for a redemption; nothing for what the merchant hands over."""
    if redemption.reward.kind == "manual":
        return []
    made = make_code(redemption.redemption_id)
    return [replace(made, kind=_MAKERS.get(redemption.reward.kind, made.kind))]


def make_code(redemption_id: int) -> Effect:
    """The wish for a redemption's discount code; what points buy besides is asked for under the same key."""
    return Effect(f"redemption:{redemption_id}:make", "code.make", {"redemption_id": redemption_id})


def withdraw_code(redemption_id: int, *, card: bool = False, expired: bool = False) -> Effect:
    """The wish to take an unused code or gift card out of the shop, at its owner's wish or because it ended."""
    payload: dict[str, object] = {"redemption_id": redemption_id}
    return Effect(
        f"redemption:{redemption_id}:{'expire' if expired else 'withdraw'}",
        "card.withdraw" if card else "code.withdraw",
        payload | ({"cause": "expired"} if expired else {}),
    )


def mirror_of(member_id: int) -> Effect:
    """The wish to show a member's state to the storefront."""
    return Effect(f"member:{member_id}:mirror", "member.mirror", {"member_id": member_id})


def tags_of(member_id: int) -> Effect:
    """The wish to leave a customer with the tag of their tier and no other of ours."""
    return Effect(f"member:{member_id}:tags", "member.tags", {"member_id": member_id})


def code_made(
    tx: Tx, shop: Shop, redemption_id: int, discount_gid: str, now: datetime, *, state: str = "made"
) -> None:
    """The platform has the code; `state` credited: it gave the store credit.

    One that was withdrawn while it was being made leaves the shop again.
    """
    redemptions.made(tx, shop.shop_id, redemption_id, discount_gid, now, state)
    redemption = redemptions.by_id(tx, shop.shop_id, redemption_id)
    if redemption is not None and redemption.state == "made" and redemption.reason == "withdrawn":
        _take_out(tx, shop, redemption, "withdrawn", now)


def code_refused(tx: Tx, shop: Shop, redemption_id: int, reason: str, now: datetime) -> None:
    """The platform refused the code for good: the points come back with the dates of the lots they came from."""
    redemption = redemptions.by_id(tx, shop.shop_id, redemption_id)
    if redemption is None or redemption.state != "debited":
        return
    redemptions.settle(tx, shop.shop_id, redemption_id, "refused", reason)
    give_back(tx, shop, redemption, redemption.points, "refused", 1, now)


def undo(
    tx: Tx, shop: Shop, member_id: int, redemption_id: int, now: datetime, *, by: str = "by_member"
) -> Redemption:
    """An unused code's points are wanted back: asks to withdraw the code; points come after it is gone.

    `by`: by_member, or by_shop when staff do it. Raises CannotRedeem (codes: no_such_redemption, already_used,
    being_made) when it is not theirs, was used or is not there yet.
    """
    redemption = redemptions.by_id(tx, shop.shop_id, redemption_id)
    if redemption is None or redemption.member_id != member_id:
        raise CannotRedeem(
            "We cannot find this code. Reload to see your codes.", code="no_such_redemption", status=404
        )
    if redemption.state == "used":
        raise CannotRedeem("This code was used in an order, so it cannot be undone.", code="already_used")
    if redemption.state in ("credited", "fulfilled"):
        raise CannotRedeem("You have this reward already, so it cannot be undone.", code="already_used")
    if redemption.state == "waiting":
        redemptions.settle(tx, shop.shop_id, redemption_id, "undone", by)
        because = "undone_by_shop" if by == "by_shop" else "undone"
        give_back(tx, shop, redemption, redemption.points, because, 1, now)
    elif redemption.state == "made":
        _take_out(tx, shop, redemption, by, now)
    elif redemption.state == "debited":
        raise CannotRedeem("This code is still being made. Try again in a minute.", code="being_made")
    return redemption


def withdraw(tx: Tx, shop: Shop, member_id: int, cause: str, now: datetime) -> bool:
    """Takes a reward handed out by `issue` for that cause out of the shop again; False when it is used or gone.

    One that is still being made is withdrawn as soon as it is.
    """
    redemption = redemptions.by_request(tx, shop.shop_id, member_id, f"issue:{cause}")
    if redemption is None or redemption.state not in ("debited", "made", "waiting"):
        return False
    if redemption.state == "waiting":
        redemptions.settle(tx, shop.shop_id, redemption.redemption_id, "undone", "withdrawn")
        return True
    _take_out(tx, shop, redemption, "withdrawn", now)
    return True


def _take_out(tx: Tx, shop: Shop, redemption: Redemption, reason: str, now: datetime) -> None:
    redemptions.settle(tx, shop.shop_id, redemption.redemption_id, redemption.state, reason)
    if redemption.state == "made":
        card = redemption.reward.kind == "gift_card"
        queues.enqueue(tx, shop.shop_id, [withdraw_code(redemption.redemption_id, card=card)], now)


def code_withdrawn(
    tx: Tx, shop: Shop, redemption_id: int, used: bool, now: datetime, *, expired: bool = False
) -> None:
    """The code is out of the shop: credit the points, unless an order had used it first.

    `expired`: it ended unused; the points come back only where the programme says so.
    """
    redemption = redemptions.by_id(tx, shop.shop_id, redemption_id)
    if redemption is None or redemption.state != "made" or used:
        return
    if expired:
        redemptions.settle(tx, shop.shop_id, redemption_id, "expired", "code_expired")
        if returns_on_expiry(tx, shop):
            give_back(tx, shop, redemption, redemption.points, "code_expired", 1, now)
    else:
        reason = redemption.reason or "by_member"
        redemptions.settle(tx, shop.shop_id, redemption_id, "undone", reason)
        because = "undone_by_shop" if reason == "by_shop" else "undone"
        give_back(tx, shop, redemption, redemption.points, because, 1, now)
    queues.enqueue(tx, shop.shop_id, [mirror_of(redemption.member_id)], now)


def returns_on_expiry(tx: Tx, shop: Shop) -> bool:
    """Whether the points of a code that ended unused come back."""
    programme = programmes.versions(tx, shop.shop_id).latest
    return programme is not None and programme.return_on_code_expiry


def give_back(
    tx: Tx, shop: Shop, redemption: Redemption, points: int, because: str, count: int, now: datetime
) -> None:
    """Credits points of a redemption again, with the dates of the lots they came from."""
    if not points:
        return  # it was handed out and cost nothing
    debit = f"redeem:{redemption.redemption_id}"
    standing = ledger.entry_by_source(tx, shop.shop_id, debit)
    assert standing is not None
    lots = ledger.lots_of_debit(tx, shop.shop_id, standing)
    opened_at, expires_at, kept_until = rewards.return_dates(lots, now)
    account = ledger.accounts(tx, shop.shop_id, [redemption.member_id])[redemption.member_id]
    version = programmes.versions(tx, shop.shop_id).numbered(redemption.programme_version)
    assert version is not None
    account.credit(
        "redeem_return",
        points,
        source_key=f"{debit}:return:{count}",
        why=reward_names.told(redemption.reward, version.currency) | {"because": because},
        occurred_at=now,
        available_at=opened_at,
        expires_at=expires_at,
        kept_until=kept_until,
        order_id=None,
        reverses_id=standing,
    )
    ledger.write(tx, shop.shop_id, [account.moves], now)
    redemptions.returned(tx, shop.shop_id, redemption.redemption_id, redemption.returned + points, count)
    queues.enqueue(tx, shop.shop_id, [mirror_of(redemption.member_id)], now)
