"""Adds when the clock looks at a code, what of a gift card was spent, and how rewards are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0013_rewards"
down_revision = "0012_expiry"


def upgrade() -> None:
    """Codes made before are switched off at their end like those made from now on."""
    op.add_column("redemptions", sa.Column("due_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "redemptions",
        sa.Column("spent_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.execute("UPDATE redemptions SET due_at = expires_at WHERE state IN ('debited', 'made')")
    op.create_index("ix_redemptions_reward", "redemptions", ["shop_id", "reward_key", "redemption_id"])
    op.create_index(
        "ix_redemptions_due",
        "redemptions",
        ["shop_id", "due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_redemptions_waiting",
        "redemptions",
        ["shop_id", "redemption_id"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
