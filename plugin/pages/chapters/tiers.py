"""The form of the chapter on tiers."""

from __future__ import annotations

from plugin.pages.chapters.form import Chapter, Field, Rows, Section

_SAME = "Empty: as to reach it"

TIERS = Chapter(
    slug="tiers",
    title="Tiers",
    intro="A member reaches a tier by what you count. It multiplies what later orders earn and brings what you choose.",
    parts=(
        Section(
            "How tiers are reached",
            (
                Field(
                    "ladder.basis",
                    "What counts",
                    "choice",
                    (
                        ("points", "Points earned from orders"),
                        ("money", "Money spent, as it earns points"),
                        ("orders", "Number of orders"),
                        ("referrals", "Friends referred"),
                    ),
                    "Refunds take it back, dated to their order. Money counts in whole units of your currency",
                ),
                Field(
                    "ladder.window",
                    "Counted over",
                    "choice",
                    (
                        ("rolling", "The last months"),
                        ("year", "The calendar year, in your time zone"),
                        ("lifetime", "All time"),
                    ),
                ),
                Field("tier_months", "Months counted", suffix="months", details="For the last months only"),
                Field(
                    "ladder.keep_next_year",
                    "A tier of a calendar year",
                    "switch",
                    details="Yes keeps it to the end of the next year, no to the end of its own",
                ),
            ),
        ),
        Section(
            "How tiers are lost",
            (
                Field(
                    "ladder.grace_months",
                    "Grace",
                    suffix="months",
                    details="So long a tier stays after its period when too little counts. A refund has no grace",
                ),
                Field(
                    "ladder.fall",
                    "Members fall",
                    "choice",
                    (("reached", "To the tier they reach"), ("one", "One tier at a time")),
                ),
                Field(
                    "ladder.notice_days",
                    "Notice before a fall",
                    suffix="days",
                    details="Nobody falls sooner after the notice. 0 for none",
                ),
            ),
        ),
        Rows(
            "The ladder",
            (
                Field("name", "Name", "text"),
                Field("threshold", "From"),
                Field("retain", "To keep it", empty=True, details=_SAME),
                Field("reenter", "To come back", empty=True, details="For whom had it before. " + _SAME),
                Field("multiplier", "Earns", "ratio", details="2 doubles what an order earns"),
                Field(
                    "reward_discount_percent",
                    "Rewards cost less",
                    suffix="%",
                    details="Rounded up to whole points",
                ),
                Field("gift_points", "Gift on entry", suffix="points", details="Once per member, 0 for none"),
                Field("gift_reward", "Reward on entry", "choice", empty=True, of="rewards"),
                Field(
                    "shipping_months",
                    "Free-shipping code every",
                    suffix="months",
                    details="The first at once. 0 for none",
                ),
            ),
            at="tiers",
            noun="tier",
            blank={
                "name": "",
                "multiplier": {"numerator": 1, "denominator": 1},
                "reward_discount_percent": 0,
                "gift_points": 0,
                "shipping_months": 0,
            },
        ),
        Rows(
            "Bought memberships",
            (
                Field("name", "Name", "text"),
                Field(
                    "products", "Products or variants", "words", details="Their numbers, with commas between"
                ),
                Field("tier", "Grants", "choice", of="tiers"),
                Field(
                    "months",
                    "For",
                    suffix="months",
                    details="Another order, a subscription’s too, prolongs it",
                ),
            ),
            at="memberships",
            noun="membership",
            blank={"name": "", "tier": "", "months": 12, "products": []},
            intro="Whoever buys one of these is granted the tier. A refund of it or a cancelled order ends it.",
        ),
        Rows(
            "Tiers by tag",
            (Field("tag", "Customer tag", "text"), Field("tier", "Grants", "choice", of="tiers")),
            at="tag_tiers",
            noun="tag",
            blank={"tag": "", "tier": ""},
            named_by="tag",
            intro="Looked at whenever a customer changes. A granted tier never lowers one that was earned.",
        ),
    ),
)
