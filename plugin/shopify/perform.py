"""The effects a worker performs at the platform, each idempotent, each from typed input to a typed outcome.

They know nothing of the database. Throttled, Unavailable, TokenUnavailable: try again later (and when
`Unavailable.outcome_unknown`, with `first_attempt=False`). NeedsReauth, AccessDenied: park until the merchant
helps. Refused: park, with its text as the reason.
"""

from __future__ import annotations

from plugin.shopify.code_inputs import CodeKind, CodeOrder
from plugin.shopify.codes import Made, RefusedForGood, Withdrawn, combine_code, make_code, withdraw_code
from plugin.shopify.gift_cards import CardOrder, left_on_card, make_card, withdraw_card
from plugin.shopify.merchants import ShopFacts, customer_email, customer_seen, customer_tags, shop_facts
from plugin.shopify.mirrors import (
    TAG_PREFIX,
    MemberState,
    Mirrored,
    SurveyAnswer,
    erase_customer,
    erase_response,
    mirror_digest,
    mirror_members,
    mirror_response,
    set_tier_tag,
)
from plugin.shopify.store_credit import SLOW, CreditOrder, give_credit

__all__ = [
    "SLOW",
    "TAG_PREFIX",
    "CardOrder",
    "CodeKind",
    "CodeOrder",
    "CreditOrder",
    "Made",
    "MemberState",
    "Mirrored",
    "RefusedForGood",
    "ShopFacts",
    "SurveyAnswer",
    "Withdrawn",
    "combine_code",
    "customer_email",
    "customer_seen",
    "customer_tags",
    "erase_customer",
    "erase_response",
    "give_credit",
    "left_on_card",
    "make_card",
    "make_code",
    "mirror_digest",
    "mirror_members",
    "mirror_response",
    "set_tier_tag",
    "shop_facts",
    "withdraw_card",
    "withdraw_code",
]
