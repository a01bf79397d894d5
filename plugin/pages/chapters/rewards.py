"""The form of the chapter on rewards."""

from __future__ import annotations

from plugin.pages.chapters.form import Chapter, Field, Rows, Section

_KINDS = (
    ("amount_off", "Amount off"),
    ("percent_off", "Percentage off"),
    ("free_shipping", "Free shipping"),
    ("product", "Product with a purchase"),
    ("gift_card", "Gift card"),
    ("store_credit", "Store credit"),
    ("manual", "Handed over by you"),
)
_PURCHASES = (("one_time", "One-time purchases"), ("subscription", "Subscriptions"), ("both", "Both"))
_IDS = "Numbers as in Shopify’s addresses, with commas between; empty for everything"

REWARDS = Chapter(
    slug="rewards",
    title="Rewards",
    intro="What points buy. A change counts for what is redeemed from then on; what a code may be combined with "
    "reaches unused codes too.",
    parts=(
        Section(
            "Codes",
            (
                Field("code_prefix", "Codes begin with", "text", details="2 to 12 letters or digits"),
                Field(
                    "code_reminder_days",
                    "Remind before an unused code ends",
                    suffix="days",
                    details="0 for no reminder",
                ),
                Field(
                    "return_on_code_expiry",
                    "Points of a code that ended unused come back",
                    "switch",
                ),
            ),
        ),
        Rows(
            "Rewards",
            (
                Field(
                    "name",
                    "Name",
                    "text",
                    details="A new one needs it; emptied later, it is made of kind and value",
                ),
                Field("kind", "Kind", "choice", _KINDS),
                Field("points", "Costs", suffix="points", details="Of any amount: the least"),
                Field(
                    "value_minor",
                    "Worth",
                    "money",
                    empty=True,
                    details="Of a percentage and of free shipping: the most it covers, or empty",
                ),
                Field(
                    "percent", "Percentage", suffix="%", details="For a percentage and a product; 100 is free"
                ),
                Field("minimum_minor", "Order of at least", "money", empty=True),
                Field("valid_days", "Valid for", suffix="days"),
                Field("products", "Only for products, or given", "words", details=_IDS),
                Field("collections", "Only for collections, or given", "words", details=_IDS),
                Field(
                    "buys_products", "Given with products", "words", details="For a product with a purchase"
                ),
                Field(
                    "buys_collections",
                    "Given with collections",
                    "words",
                    details="For a product with a purchase",
                ),
                Field("buys_minor", "Bought for at least", "money", empty=True, details="Empty: one of them"),
                Field(
                    "step_points",
                    "Any amount: each step costs",
                    suffix="points",
                    details="0: one fixed amount",
                ),
                Field("step_minor", "Each step is worth", "money"),
                Field("max_points", "The most that can be spent", suffix="points"),
                Field(
                    "prices",
                    "Amounts of other currencies",
                    "words",
                    details="For gift card and store credit, such as EUR 9.50, GBP 8; never converted",
                ),
                Field("stock", "Stock in all", empty=True, details="Empty: no end"),
                Field("member_limit", "Times for each member", empty=True, details="Empty: no limit"),
                Field("limit_days", "Counted over", suffix="days", empty=True, details="Empty: for ever"),
                Field("purchases", "Code counts for", "choice", _PURCHASES),
                Field(
                    "combines",
                    "Code combines with",
                    "words",
                    empty=True,
                    details="order, product, shipping or none; empty for what is usual",
                ),
                Field("tiers", "Only for tiers", "words", details="Their keys; empty for all"),
                Field("for_sale", "Members can buy it", "switch", details="No: only given by you"),
            ),
            at="rewards",
            noun="reward",
            blank={"name": "", "kind": "amount_off", "points": 100, "for_sale": True},
        ),
    ),
)
