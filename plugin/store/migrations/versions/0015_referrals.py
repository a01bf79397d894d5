"""Adds referrals: codes of members, the orders they brought, and keyed fingerprints kept for 90 days."""

import sqlalchemy as sa
from alembic import op

revision = "0015_referrals"
down_revision = "0014_moving"


def upgrade() -> None:
    """Adds the tables, and the indexes by which orders, members and the clock find them."""
    op.create_table(
        "fingerprint_keys",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", name="pk_fingerprint_keys"),
    )
    op.create_table(
        "fingerprints",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "kind", "hash", "member_id", name="pk_fingerprints"),
    )
    op.create_index("ix_fingerprints_member", "fingerprints", ["shop_id", "member_id"])
    op.create_index("ix_fingerprints_seen", "fingerprints", ["shop_id", "seen_at"])
    op.create_table(
        "referral_codes",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reward", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("discount_gid", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "code", name="pk_referral_codes"),
    )
    op.create_index(
        "ix_referral_codes_made",
        "referral_codes",
        ["shop_id"],
        sqlite_where=sa.text("state = 'made'"),
        postgresql_where=sa.text("state = 'made'"),
    )
    op.create_index("ix_referral_codes_member", "referral_codes", ["shop_id", "member_id"])
    op.create_table(
        "referrals",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("referral_id", sa.BigInteger(), nullable=False),
        sa.Column("referrer_id", sa.BigInteger(), nullable=False),
        sa.Column("friend_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("score", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("release_at", sa.BigInteger(), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("posts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("points", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("redemption_id", sa.BigInteger(), nullable=True),
        sa.Column("friend_reward", sa.Text(), nullable=False),
        sa.Column("friend_redemption_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("shop_id", "referral_id", name="pk_referrals"),
        sa.UniqueConstraint("shop_id", "order_id", name="uq_referrals_order"),
    )
    op.create_index(
        "ix_referrals_due",
        "referrals",
        ["shop_id", "release_at"],
        sqlite_where=sa.text("state = 'qualified'"),
        postgresql_where=sa.text("state = 'qualified'"),
    )
    op.create_index("ix_referrals_friend", "referrals", ["shop_id", "friend_id"])
    op.create_index("ix_referrals_referrer", "referrals", ["shop_id", "referrer_id", "placed_at"])
    op.create_index("ix_referrals_state", "referrals", ["shop_id", "state", "placed_at"])
