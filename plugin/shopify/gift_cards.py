"""Makes, reads and switches off the gift cards that members redeem points for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.domain.values import decimal_text, minor
from plugin.shopify.admin import AdminClient
from plugin.shopify.code_inputs import customer_gid
from plugin.shopify.codes import Made, RefusedForGood
from plugin.shopify.errors import Refused, Unavailable


@dataclass(frozen=True, slots=True)
class CardOrder:
    """One gift card to make. `code`: 8 to 20 letters and digits, the key that keeps it from being made twice.

    `note` names the redemption; only the merchant and we see it.
    """

    code: str
    value_minor: int
    currency: str
    customer_id: int
    expires_at: datetime | None
    note: str


def make_card(client: AdminClient, order: CardOrder, *, first_attempt: bool) -> Made | RefusedForGood:
    """Makes the card, or finds that an earlier try already did; never a second one. Raises what `make_code` raises."""
    if not first_attempt:
        found = _find(client, order)
        if found is not None:
            return Made(found)
    value = {
        "initialAmount": {
            "amount": decimal_text(order.value_minor, order.currency),
            "currencyCode": order.currency,
        },
        "code": order.code,
        "customerId": customer_gid(order.customer_id),
        "note": order.note,
        "expiresOn": order.expires_at.date().isoformat() if order.expires_at else None,
    }
    try:
        payload = client.run("gift_card_create", {"input": value})
    except Refused as refused:
        codes = refused.codes()
        if "TAKEN" in codes:
            found = _find(client, order)
            if found is not None:
                return Made(found)
            # Ours from a try whose card the search does not show yet, or a stranger's: it may not be made anew.
            raise _later() from refused
        if "INTERNAL_ERROR" in codes:
            raise _later() from refused
        return RefusedForGood("refused_" + (sorted(codes)[0].lower() if codes else "without_code"))
    return Made(payload["giftCardCreate"]["giftCard"]["id"])


def left_on_card(client: AdminClient, gid: str) -> int | None:
    """Minor units left on a card; None when the shop has no such card."""
    card = client.run("gift_card", {"id": gid})["giftCard"]
    return None if card is None else minor(card["balance"]["amount"], card["balance"]["currencyCode"])


def withdraw_card(client: AdminClient, gid: str) -> int:
    """Switches a card off for good and returns what was left on it. Doing it again answers the same.

    In this order: what is spent before the end is off the balance, and nothing can be spent after it.
    """
    try:
        client.run("gift_card_deactivate", {"id": gid})
    except Refused as refused:
        if "GIFT_CARD_NOT_FOUND" not in refused.codes():
            raise
        return 0  # the merchant removed it: nobody knows what it held
    return left_on_card(client, gid) or 0


def _find(client: AdminClient, order: CardOrder) -> str | None:
    found = client.run("gift_cards", {"query": order.code})["giftCards"]["nodes"]
    return next((str(card["id"]) for card in found if card["note"] == order.note), None)


def _later() -> Unavailable:
    return Unavailable("Shopify could not answer. Try again in a moment.", outcome_unknown=True)
