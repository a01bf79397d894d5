"""Money the shop gave out: gift cards and store credit, and how a checkout is paid with them."""

from __future__ import annotations

import re

from devshop.desk import Desk
from devshop.errors import CheckoutRefused
from devshop.order_records import Order
from devshop.records import CreditAccount, CreditMove, GiftCard

GIFT_CARD, STORE_CREDIT = "gift_card", "shopify_store_credit"
CODE = re.compile(r"[a-z0-9]{8,20}", re.IGNORECASE)


def card_of(desk: Desk, code: str) -> GiftCard | None:
    """Codes of gift cards are found without regard to case."""
    wanted = code.casefold()
    return next((one for one in desk.shop.gift_cards.values() if one.code.casefold() == wanted), None)


def usable(desk: Desk, card: GiftCard) -> bool:
    ended = card.expires_on is not None and card.expires_on < desk.now().date().isoformat()
    return card.deactivated_at is None and not ended and card.balance > 0


def pay_by_card(desk: Desk, order: Order, card: GiftCard, due: int) -> int:
    """Takes what is due off a card, as far as it goes. Raises CheckoutRefused for one that holds nothing."""
    if not usable(desk, card) or card.currency != order.currency:
        raise CheckoutRefused("gift_card_unusable", "This gift card cannot be used; take another one.")
    paid = min(card.balance, due)
    card.balance -= paid
    card.updated_at = desk.now()
    return paid


def account_of(desk: Desk, customer: int, currency: str) -> CreditAccount | None:
    return next(
        (
            one
            for one in desk.shop.credit_accounts.values()
            if (one.customer, one.currency) == (customer, currency)
        ),
        None,
    )


def balance(desk: Desk, account: CreditAccount) -> int:
    """What may be spent: what is left of every credit that has not ended."""
    now = desk.now()
    return sum(one.remaining for one in account.moves if one.expires_at is None or one.expires_at > now)


def debit(desk: Desk, account: CreditAccount, due: int) -> int:
    """Spends up to what is due, the soonest ending credit first."""
    now = desk.now()
    open_ = [
        one for one in account.moves if one.remaining and (one.expires_at is None or one.expires_at > now)
    ]
    paid = 0
    for one in sorted(open_, key=lambda move: (move.expires_at is None, move.expires_at)):
        taken = min(one.remaining, due - paid)
        one.remaining -= taken
        paid += taken
    if paid:
        account.moves.append(
            CreditMove(desk.ids.number("StoreCreditMove"), -paid, balance(desk, account), now)
        )
    return paid
