"""Gives the store credit that members redeem points for, once, though Shopify knows no key for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.domain.values import decimal_text, minor
from plugin.shopify.admin import AdminClient
from plugin.shopify.code_inputs import customer_gid, stamp
from plugin.shopify.codes import Made, RefusedForGood
from plugin.shopify.errors import Refused, Unavailable

# The platform's clock may stand a little before ours.
_CLOCKS = timedelta(minutes=15)
# A call whose answer never came may still be at work for as long as this; until then nothing is sent again.
SLOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class CreditOrder:
    """One credit to give. `expires_at`, in whole seconds, is its key: no two credits of one customer share it."""

    customer_id: int
    value_minor: int
    currency: str
    ordered_at: datetime
    expires_at: datetime


def give_credit(
    client: AdminClient, order: CreditOrder, *, sent_ago: timedelta | None
) -> Made | RefusedForGood:
    """Gives the credit, or finds that an earlier try already did. Raises what `make_code` raises.

    `sent_ago`: how long ago it was sent and not answered, None: never. The transaction is recognised by customer,
    amount and end; Shopify keeps nothing else that we could choose.
    """
    if sent_ago is not None:
        found = _find(client, order)
        if found is not None:
            return Made(found)
        if sent_ago < SLOW:
            raise Unavailable("Shopify has not said yet whether it gave the credit.", outcome_unknown=True)
    credit = {
        "creditAmount": {
            "amount": decimal_text(order.value_minor, order.currency),
            "currencyCode": order.currency,
        },
        "expiresAt": stamp(order.expires_at),
        "notify": False,
    }
    try:
        payload = client.run("store_credit_give", {"id": customer_gid(order.customer_id), "input": credit})
    except Refused as refused:
        codes = refused.codes()
        return RefusedForGood("refused_" + (sorted(codes)[0].lower() if codes else "without_code"))
    return Made(payload["storeCreditAccountCredit"]["storeCreditAccountTransaction"]["id"])


def _find(client: AdminClient, order: CreditOrder) -> str | None:
    """The credit among the account's movements since it was ordered, newest first."""
    after = None
    while True:
        asked = {
            "id": customer_gid(order.customer_id),
            "currency": f"currency_code:{order.currency}",
            "after": after,
        }
        customer = client.run("store_credit", asked)["customer"]
        accounts = customer["storeCreditAccounts"]["nodes"] if customer else []
        if not accounts:
            return None
        page = accounts[0]["transactions"]
        for one in page["nodes"]:
            if datetime.fromisoformat(one["createdAt"]) < order.ordered_at - _CLOCKS:
                return None
            if one["__typename"] == "StoreCreditAccountCreditTransaction" and _is(one, order):
                return str(one["id"])
        if not page["pageInfo"]["hasNextPage"]:
            return None
        after = page["pageInfo"]["endCursor"]


def _is(one: dict[str, object], order: CreditOrder) -> bool:
    amount, ends = one["amount"], one["expiresAt"]
    assert isinstance(amount, dict)
    same = minor(amount["amount"], amount["currencyCode"]) == order.value_minor
    return same and ends is not None and datetime.fromisoformat(str(ends)) == order.expires_at
