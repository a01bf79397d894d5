"""Members, what else they were called, their tiers, birthdays and freezes."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, SmallInteger, Table, func, text

from plugin.store.schema.columns import big_column, metadata, small_column, text_column

# status: unclaimed (known from an order), active, left, merged, redacted.
# posted, earned, spent are sums over entries, moved in the same transaction.
members = Table(
    "members",
    metadata,
    big_column("shop_id"),
    big_column("member_id"),
    text_column("status", default="unclaimed"),
    big_column("created_at"),
    big_column("joined_at", null=True),
    text_column("email", null=True),
    text_column("first_name", null=True),
    text_column("last_name", null=True),
    text_column("locale", null=True),
    big_column("posted", default=0),
    big_column("earned", default=0),
    big_column("spent", default=0),
    text_column("tier", null=True),
    small_column("holdout"),
    big_column("review_at", null=True),
    big_column("mirror_at", null=True),
    big_column(
        "seen_at", null=True
    ),  # of what moment name, e-mail address and locale are, as the platform dates it
    # `tier` is the one that holds. What the member's own doing has earned, and until when, stands beside it.
    text_column("earned_tier", null=True),
    big_column("earned_at", null=True),
    big_column("earned_until", null=True),
    big_column("warned_at", null=True),
    text_column("tier_by", null=True),  # earned, or what grants it: order, tag, staff, api
    big_column("tier_until", null=True),
    big_column("benefit_at", null=True),  # when the tier's next free-shipping code falls due
    # Whether they take the newsletter, and as of when; NULL: nobody told us. Since when they are asked no questions.
    Column("subscribed", SmallInteger, nullable=True),
    big_column("subscribed_at", null=True),
    big_column("unasked_at", null=True),
    PrimaryKeyConstraint("shop_id", "member_id", name="pk_members"),
)

Index(
    "ix_members_review",
    members.c.shop_id,
    members.c.review_at,
    sqlite_where=text("review_at IS NOT NULL"),
    postgresql_where=text("review_at IS NOT NULL"),
)

# What the merchant's search asks: the beginning of a name or an e-mail address, in lower case.
for _column in (members.c.email, members.c.first_name, members.c.last_name):
    Index(
        f"ix_members_{_column.name}",
        members.c.shop_id,
        func.lower(_column).label("folded"),
        postgresql_ops={"folded": "text_pattern_ops"},
    )
Index("ix_members_joined", members.c.shop_id, members.c.status, members.c.joined_at, members.c.member_id)

aliases = Table(
    "aliases",
    metadata,
    big_column("shop_id"),
    big_column("old_id"),
    big_column("member_id"),
    big_column("merged_at"),
    PrimaryKeyConstraint("shop_id", "old_id", name="pk_aliases"),
)

tier_history = Table(
    "tier_history",
    metadata,
    big_column("shop_id"),
    big_column("member_id"),
    big_column("from_at"),
    text_column("tier"),
    text_column("why"),
    PrimaryKeyConstraint("shop_id", "member_id", "from_at", name="pk_tier_history"),
)

# Tiers that are granted, each by a cause that is named once. The times of bought ones follow from those before them.
tier_grants = Table(
    "tier_grants",
    metadata,
    big_column("shop_id"),
    text_column("grant_key"),
    big_column("member_id"),
    text_column("tier"),
    text_column("kind"),
    big_column("order_id", null=True),
    big_column("bought_at", null=True),
    small_column("months"),
    big_column("from_at"),
    big_column("until_at", null=True),
    big_column("ended_at", null=True),
    text_column("actor"),
    text_column("note", null=True),
    big_column("warned_at", null=True),
    PrimaryKeyConstraint("shop_id", "grant_key", name="pk_tier_grants"),
)

Index("ix_tier_grants_member", tier_grants.c.shop_id, tier_grants.c.member_id)

# What was given for entering a tier, and for which order: once for each member and tier, unless it was withdrawn.
tier_gifts = Table(
    "tier_gifts",
    metadata,
    big_column("shop_id"),
    big_column("member_id"),
    text_column("tier"),
    small_column("count"),
    big_column("order_id", null=True),
    big_column("entry_id", null=True),
    big_column("redemption_id", null=True),
    big_column("given_at"),
    big_column("withdrawn_at", null=True),
    PrimaryKeyConstraint("shop_id", "member_id", "tier", name="pk_tier_gifts"),
)

Index(
    "ix_tier_gifts_order",
    tier_gifts.c.shop_id,
    tier_gifts.c.order_id,
    sqlite_where=text("order_id IS NOT NULL AND withdrawn_at IS NULL"),
    postgresql_where=text("order_id IS NOT NULL AND withdrawn_at IS NULL"),
)

# A new ladder reviews everybody: how far that has come.
tier_sweeps = Table(
    "tier_sweeps",
    metadata,
    big_column("shop_id"),
    big_column("after_member_id"),
    big_column("since_at"),
    PrimaryKeyConstraint("shop_id", name="pk_tier_sweeps"),
)

# Day and month only, beside the members, so that forgetting one is deleting a row. due_at: when it is awarded next.
birthdays = Table(
    "birthdays",
    metadata,
    big_column("shop_id"),
    big_column("member_id"),
    small_column("month"),
    small_column("day"),
    big_column("set_at"),
    big_column("due_at"),
    PrimaryKeyConstraint("shop_id", "member_id", name="pk_birthdays"),
)

Index("ix_birthdays_due", birthdays.c.shop_id, birthdays.c.due_at)

# Members who may not redeem for the moment. They see and earn points as before.
freezes = Table(
    "freezes",
    metadata,
    big_column("shop_id"),
    big_column("member_id"),
    big_column("since"),
    text_column("actor"),
    text_column("reason"),
    PrimaryKeyConstraint("shop_id", "member_id", name="pk_freezes"),
)
