"""Adds the pauses of a shop and the corrections of orders that were counted by a mistaken version."""

import sqlalchemy as sa
from alembic import op

revision = "0006_stops"
down_revision = "0005_members"


def upgrade() -> None:
    """Adds a column to shops, and the table of corrections."""
    op.add_column("shops", sa.Column("pauses", sa.Text(), server_default="[]", nullable=False))
    op.create_table(
        "corrections",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("correction_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("at_order", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("orders", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("points", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "correction_id", name="pk_corrections"),
    )
