"""Adds whether an order is one of those that a member's bonuses count."""

import sqlalchemy as sa
from alembic import op

revision = "0010_earning"
down_revision = "0009_api"


def upgrade() -> None:
    """Adds the column; of the orders there are, those earn that count and are worth money."""
    op.add_column(
        "orders", sa.Column("earns", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.execute("UPDATE orders SET earns = 1 WHERE counted = 1 AND basis_minor > 0")
