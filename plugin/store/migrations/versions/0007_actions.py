"""Adds what members did beside buying, their birthdays, and how far the clock has come with what goes day by day."""

import sqlalchemy as sa
from alembic import op

revision = "0007_actions"
down_revision = "0006_stops"


def upgrade() -> None:
    """Adds the tables and the indexes that the clock's slices and a member's page read."""
    op.create_table(
        "actions",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("points", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
        sa.Column("redemption_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "rule", "external_id", name="pk_actions"),
    )
    op.create_index("ix_actions_member", "actions", ["shop_id", "member_id", "occurred_at"])
    op.create_table(
        "birthdays",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("day", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "member_id", name="pk_birthdays"),
    )
    op.create_index("ix_birthdays_due", "birthdays", ["shop_id", "due_at"])
    op.create_table(
        "marks",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "name", name="pk_marks"),
    )
