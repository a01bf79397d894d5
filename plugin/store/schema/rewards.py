"""What points became: redemptions, and referrals with their codes and signs."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table, UniqueConstraint, text

from plugin.store.schema.columns import big_column, metadata, text_column

# state: debited, made, refused, undone, used, expired, credited, waiting, fulfilled
redemptions = Table(
    "redemptions",
    metadata,
    big_column("shop_id"),
    big_column("redemption_id"),
    big_column("member_id"),
    text_column("request_key"),
    text_column("reward_key"),
    text_column("reward"),
    big_column("programme_version"),
    big_column("points"),
    text_column("code"),
    text_column("state", default="debited"),
    text_column("discount_gid", null=True),
    big_column("created_at"),
    big_column("made_at", null=True),
    big_column("expires_at", null=True),
    big_column("used_order_id", null=True),
    big_column("returned", default=0),
    big_column("return_count", default=0),
    text_column("reason", null=True),
    big_column("due_at", null=True),
    big_column("spent_minor", default=0),
    PrimaryKeyConstraint("shop_id", "redemption_id", name="pk_redemptions"),
    UniqueConstraint("shop_id", "member_id", "request_key", name="uq_redemptions_request"),
    UniqueConstraint("shop_id", "code", name="uq_redemptions_code"),
)

Index("ix_redemptions_reward", redemptions.c.shop_id, redemptions.c.reward_key, redemptions.c.redemption_id)

Index(
    "ix_redemptions_due",
    redemptions.c.shop_id,
    redemptions.c.due_at,
    sqlite_where=text("due_at IS NOT NULL"),
    postgresql_where=text("due_at IS NOT NULL"),
)

Index(
    "ix_redemptions_waiting",
    redemptions.c.shop_id,
    redemptions.c.redemption_id,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)

Index(
    "ix_redemptions_made",
    redemptions.c.shop_id,
    redemptions.c.made_at,
    sqlite_where=text("made_at IS NOT NULL"),
    postgresql_where=text("made_at IS NOT NULL"),
)

# Every code that ever named a member; `state`: wanted, made (it works in the shop), refused, withdrawn, known (named by
# another app before). `reward`: what it takes off, as it was when the code was made.
referral_codes = Table(
    "referral_codes",
    metadata,
    big_column("shop_id"),
    text_column("code"),
    big_column("member_id"),
    text_column("state"),
    text_column("reward", null=True),
    text_column("currency", null=True),
    text_column("discount_gid", null=True),
    big_column("created_at"),
    PrimaryKeyConstraint("shop_id", "code", name="pk_referral_codes"),
)

Index("ix_referral_codes_member", referral_codes.c.shop_id, referral_codes.c.member_id)

Index(
    "ix_referral_codes_made",
    referral_codes.c.shop_id,
    sqlite_where=text("state = 'made'"),
    postgresql_where=text("state = 'made'"),
)

# One order that somebody was sent to. posts: entries so far, points: what of them stands. friend_reward: code (taken
# off in the order), owed (came by the link alone), given, withdrawn.
referrals = Table(
    "referrals",
    metadata,
    big_column("shop_id"),
    big_column("referral_id"),
    big_column("referrer_id"),
    big_column("friend_id"),
    big_column("order_id"),
    text_column("code"),
    text_column("via"),
    big_column("version"),
    big_column("placed_at"),
    big_column("created_at"),
    text_column("state"),
    text_column("why", null=True),
    big_column("score", default=0),
    text_column("reasons"),
    text_column("decision", null=True),
    text_column("decided_by", null=True),
    big_column("decided_at", null=True),
    text_column("note", null=True),
    big_column("release_at", null=True),
    big_column("released_at", null=True),
    big_column("posts", default=0),
    big_column("points", default=0),
    big_column("redemption_id", null=True),
    text_column("friend_reward"),
    big_column("friend_redemption_id", null=True),
    PrimaryKeyConstraint("shop_id", "referral_id", name="pk_referrals"),
    UniqueConstraint("shop_id", "order_id", name="uq_referrals_order"),
)

Index("ix_referrals_referrer", referrals.c.shop_id, referrals.c.referrer_id, referrals.c.placed_at)

Index("ix_referrals_friend", referrals.c.shop_id, referrals.c.friend_id)

Index("ix_referrals_state", referrals.c.shop_id, referrals.c.state, referrals.c.placed_at)

Index(
    "ix_referrals_due",
    referrals.c.shop_id,
    referrals.c.release_at,
    sqlite_where=text("state = 'qualified'"),
    postgresql_where=text("state = 'qualified'"),
)

# Keyed hashes of where a member's orders were placed from and went to, for 90 days; the key is of one shop.
fingerprints = Table(
    "fingerprints",
    metadata,
    big_column("shop_id"),
    text_column("kind"),
    text_column("hash"),
    big_column("member_id"),
    big_column("seen_at"),
    PrimaryKeyConstraint("shop_id", "kind", "hash", "member_id", name="pk_fingerprints"),
)

Index("ix_fingerprints_member", fingerprints.c.shop_id, fingerprints.c.member_id)

Index("ix_fingerprints_seen", fingerprints.c.shop_id, fingerprints.c.seen_at)

fingerprint_keys = Table(
    "fingerprint_keys",
    metadata,
    big_column("shop_id"),
    Column("key", LargeBinary, nullable=False),
    PrimaryKeyConstraint("shop_id", name="pk_fingerprint_keys"),
)
