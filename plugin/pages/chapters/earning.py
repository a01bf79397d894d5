"""The form of the chapter on earning: everything about orders besides the rate."""

from __future__ import annotations

from plugin.pages.chapters.form import Chapter, Field, Rows, Section

SCOPES = (
    ("product", "Products, by number"),
    ("variant", "Variants, by number"),
    ("collection", "Collections, by number"),
    ("vendor", "Vendors"),
    ("type", "Product types"),
    ("tag", "Product tags"),
)
_EFFECTS = (
    ("multiply", "Their money counts several times"),
    ("fixed", "Each unit earns fixed points instead"),
    ("exclude", "They earn nothing"),
)

EARNING = Chapter(
    slug="earning",
    title="Earning",
    intro="What orders earn besides the rate. Excluded products leave first, then the rules for products, the bands, "
    "the tier’s multiplier and one rounding; limits come last.",
    parts=(
        Section(
            "Each order",
            (
                Field("per_order", "Points for each order", details="On top of what its money earns"),
                Field("minimum_minor", "Order of at least", "money", details="Smaller orders earn nothing"),
                Field(
                    "max_per_order",
                    "At most, an order",
                    suffix="points",
                    empty=True,
                    details="Empty: no limit",
                ),
                Field(
                    "max_per_period",
                    "At most, a member",
                    suffix="points",
                    empty=True,
                    details="Empty: no limit",
                ),
                Field("period", "In each", "choice", (("day", "Day"), ("month", "Month"), ("year", "Year"))),
            ),
            at="orders",
            intro="Limits do not touch bonuses.",
        ),
        Rows(
            "Rules for products",
            (
                Field("name", "Name", "text"),
                Field("scope", "For", "choice", SCOPES),
                Field("values", "Which ones", "words", details="With commas between them"),
                Field("effect", "What holds", "choice", _EFFECTS),
                Field("multiplier", "Money counts", "ratio", details="2 doubles it", empty=True),
                Field("points", "Points a unit", details="Where units earn fixed points", empty=True),
            ),
            at="orders.lines",
            noun="rule",
            blank={
                "name": "",
                "scope": "tag",
                "values": (),
                "multiplier": {"numerator": 1, "denominator": 1},
                "points": 0,
            },
            intro="Where several fit a product: one that earns nothing goes first, then the most points a unit, then "
            "the highest multiplier. Gift cards never earn.",
        ),
        Rows(
            "Bands",
            (
                Field("name", "Name", "text"),
                Field("from_minor", "Above", "money"),
                Field("multiplier", "Counts", "ratio", details="For the part above, up to the next band"),
            ),
            at="orders.bands",
            noun="band",
            blank={"name": "", "from_minor": 0},
        ),
        Rows(
            "Bonuses",
            (
                Field("name", "Name", "text", details="Members read it in their history"),
                Field("nth", "For order number", details="1 is a member’s first"),
                Field("every", "And for each further one", "switch", details="Such as every third"),
                Field("points", "Points"),
            ),
            at="orders.bonuses",
            noun="bonus",
            blank={"name": "", "nth": 1, "points": 0},
        ),
        Section(
            "What does not earn",
            (
                Field("credit", "The part paid by gift card or store credit earns", "switch"),
                Field("companies", "Orders of companies earn", "switch"),
                Field(
                    "sources",
                    "Sales channels that earn nothing",
                    "words",
                    details="As Shopify names them: pos, shopify_draft_order, subscription_contract* and so on",
                ),
                Field("excluded_tags", "Customers with these tags earn nothing", "words"),
            ),
            at="orders",
        ),
        Section(
            "When points can be spent",
            (
                Field(
                    "opens",
                    "Points open",
                    "choice",
                    (
                        ("delivered", "After delivery and return window"),
                        ("paid", "Some days after payment"),
                        ("at_once", "At once, when Shopify confirmed the order"),
                    ),
                ),
                Field("paid_days", "Days after payment", suffix="days"),
            ),
            at="orders",
        ),
    ),
)
