"""The form of the chapter on campaigns."""

from __future__ import annotations

from plugin.pages.chapters.earning import SCOPES
from plugin.pages.chapters.form import Chapter, Field, Rows, Section

CAMPAIGNS = Chapter(
    slug="campaigns",
    title="Campaigns",
    intro="Orders placed while a campaign runs earn more. Orders placed before you publish are not touched, even where "
    "a campaign’s start lies in the past.",
    beside=("/campaigns", "What campaigns gave"),
    parts=(
        Section(
            "Several at once",
            (
                Field(
                    "campaign_stacking",
                    "When an order falls into several",
                    "choice",
                    (
                        ("best", "The one that is best for the shopper counts"),
                        ("add", "Their extras add up: ×2 and ×3 make ×4"),
                        ("multiply", "They multiply in the order of the list: ×2 and ×3 make ×6"),
                    ),
                ),
            ),
        ),
        Rows(
            "Campaigns",
            (
                Field("name", "Name", "text", details="Members read it in their history"),
                Field("starts", "Starts", "text", details="Such as 2027-03-27 00:00"),
                Field("ends", "Ends", "text", details="The first moment that no longer counts"),
                Field("zone", "Time zone", "zone", details="Empty: your shop’s, as it is today"),
                Field(
                    "effect",
                    "What holds",
                    "choice",
                    (
                        ("multiply", "Points of money count several times"),
                        ("points", "Points for each order"),
                        ("rate", "Points for each amount of money"),
                    ),
                ),
                Field("multiplier", "Points count", "ratio", details="2 doubles them", empty=True),
                Field("points", "Points", details="For each order or amount, as stated: no tier multiplies them",
                      empty=True),
                Field("per_minor", "For every", "money", details="Where an amount earns", empty=True),
                Field("tiers", "Only tiers", "words", details="Their keys, such as gold; empty: all"),
                Field("tags", "Only customers with one of these tags", "words", details="Empty: all"),
                Field("countries", "Only shipped to", "words", details="Such as CH, DE; empty: anywhere"),
                Field("sources", "Only sales channels", "words", details="Such as web, pos; empty: all"),
                Field("scope", "For", "choice", (("all", "All products"), *SCOPES)),
                Field("values", "Which ones", "words", details="With commas between them"),
            ),
            at="campaigns",
            noun="campaign",
            blank={
                "name": "", "starts": "", "ends": "", "zone": "", "multiplier": {"numerator": 2, "denominator": 1},
                "points": 0, "per_minor": 100,
            },
            intro="Ended campaigns may stay. A campaign that you take out gives nothing to orders placed from then on; "
            "orders before keep what it gave.",
        ),
    ),
)  # fmt: skip
