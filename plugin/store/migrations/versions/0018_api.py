"""Adds to granted tiers when their member was told that they end."""

import sqlalchemy as sa
from alembic import op

revision = "0018_api"
down_revision = "0017_asking"


def upgrade() -> None:
    """Adds the column; nobody was told so far."""
    op.add_column("tier_grants", sa.Column("warned_at", sa.BigInteger(), nullable=True))
