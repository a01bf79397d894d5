"""Adds what a member has earned beside what holds, granted tiers, entry gifts, the sweep, and scheduled versions."""

import sqlalchemy as sa
from alembic import op

revision = "0011_tiers"
down_revision = "0010_earning"

_OPEN_GIFT = "order_id IS NOT NULL AND withdrawn_at IS NULL"


def _big(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger(), server_default=sa.text("0"), nullable=False)


def upgrade() -> None:
    """Makes the tables; every tier that stands was earned, since its last entry in the history."""
    for column in (
        _text("earned_tier", null=True), _big("earned_at", null=True), _big("earned_until", null=True),
        _big("warned_at", null=True), _text("tier_by", null=True), _big("tier_until", null=True),
        _big("benefit_at", null=True),
    ):  # fmt: skip
        op.add_column("members", column)
    op.execute(
        "UPDATE members SET earned_tier = tier, tier_by = 'earned', earned_at = (SELECT MAX(h.from_at) "
        "FROM tier_history h WHERE h.shop_id = members.shop_id AND h.member_id = members.member_id) "
        "WHERE tier IS NOT NULL"
    )
    op.create_table(
        "tier_grants",
        _big("shop_id"), _text("grant_key"), _big("member_id"), _text("tier"), _text("kind"),
        _big("order_id", null=True), _big("bought_at", null=True), _small("months"), _big("from_at"),
        _big("until_at", null=True), _big("ended_at", null=True), _text("actor"), _text("note", null=True),
        sa.PrimaryKeyConstraint("shop_id", "grant_key", name="pk_tier_grants"),
    )  # fmt: skip
    op.create_index("ix_tier_grants_member", "tier_grants", ["shop_id", "member_id"])
    op.create_table(
        "tier_gifts",
        _big("shop_id"), _big("member_id"), _text("tier"), _small("count"), _big("order_id", null=True),
        _big("entry_id", null=True), _big("redemption_id", null=True), _big("given_at"),
        _big("withdrawn_at", null=True),
        sa.PrimaryKeyConstraint("shop_id", "member_id", "tier", name="pk_tier_gifts"),
    )  # fmt: skip
    op.create_index(
        "ix_tier_gifts_order", "tier_gifts", ["shop_id", "order_id"],
        sqlite_where=sa.text(_OPEN_GIFT), postgresql_where=sa.text(_OPEN_GIFT),
    )  # fmt: skip
    op.create_table(
        "tier_sweeps",
        _big("shop_id"), _big("after_member_id"), _big("since_at"),
        sa.PrimaryKeyConstraint("shop_id", name="pk_tier_sweeps"),
    )  # fmt: skip
    op.create_table(
        "schedules",
        _big("shop_id"), _big("version"), _big("effective_at"), _small("state"),
        sa.PrimaryKeyConstraint("shop_id", "version", name="pk_schedules"),
    )  # fmt: skip
    op.drop_index("ix_orders_member", table_name="orders")
    op.create_index(
        "ix_orders_member", "orders",
        ["shop_id", "member_id", "processed_at", "counted", "points", "basis_minor"],
    )  # fmt: skip
