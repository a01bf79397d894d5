"""Adds when a lot ends by itself and how long it is kept, runs over all lots of a shop, and reminders noted once."""

import sqlalchemy as sa
from alembic import op

revision = "0012_expiry"
down_revision = "0011_tiers"


def upgrade() -> None:
    """Until now a lot ended by its own date alone."""
    op.add_column("lots", sa.Column("own_expires_at", sa.BigInteger(), nullable=True))
    op.add_column("lots", sa.Column("kept_until", sa.BigInteger(), nullable=True))
    op.execute("UPDATE lots SET own_expires_at = expires_at WHERE expires_at IS NOT NULL")
    op.drop_index("ix_lots_expiring", table_name="lots")
    op.create_index(
        "ix_lots_expiring",
        "lots",
        ["shop_id", "expires_at", "lot_id"],
        sqlite_where=sa.text("remaining > 0 AND expires_at IS NOT NULL"),
        postgresql_where=sa.text("remaining > 0 AND expires_at IS NOT NULL"),
    )
    op.create_table(
        "expiry_runs",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("alive_after", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("at_lot", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lots", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("points", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "run_id", name="pk_expiry_runs"),
    )
    op.create_index(
        "ix_expiry_runs_open",
        "expiry_runs",
        ["shop_id", "run_id"],
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "expiry_marks",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("reminder", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("at_lot", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "reminder", name="pk_expiry_marks"),
    )
    op.create_table(
        "expiry_notices",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("reminder", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "member_id", "reminder", "day", name="pk_expiry_notices"),
    )
