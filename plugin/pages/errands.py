"""Errands: what the effects that the worker performs at the platform are called, for whom one is stuck."""

from __future__ import annotations

EFFECTS = {
    "order.read": "Read an order again",
    "code.make": "Make a discount code",
    "code.withdraw": "Withdraw a discount code",
    "code.combine": "Change beside what a code may be used",
    "card.make": "Make a gift card",
    "card.read": "Read what is left on a gift card",
    "card.withdraw": "Switch a gift card off",
    "credit.make": "Give store credit",
    "referral.make": "Make a member’s code for friends",
    "referral.end": "End a member’s code for friends",
    "member.mirror": "Show points in the storefront",
    "member.tags": "Set the tier’s tag",
    "member.read": "Read a customer",
    "member.erase": "Erase a customer’s data",
    "response.mirror": "Write an answer into your admin",
    "shop.setup": "Set the shop up",
    "shop.digest": "Show the programme in the storefront",
    "webhook.deliver": "Tell another program",
    "shop.redact": "Check whether the shop still has the app",
}
