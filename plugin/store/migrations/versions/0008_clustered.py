"""Keeps a member's entries side by side: a page of history is then one or two pages of a SQLite file, not ten."""

import sqlalchemy as sa
from alembic import op

revision = "0008_clustered"
down_revision = "0007_actions"

_OF_ENTRIES = {"entry_notes": "entry_id", "lots": "lot_id", "allocations": "debit_id", "deficits": "debit_id"}
_COLUMNS = (
    "shop_id, entry_id, member_id, kind, points, occurred_at, recorded_at, source_key, why, actor, order_id, "
    "order_name, reverses_id"
)
_REFUSE = "RAISE(ABORT, 'entries is append-only: write a new row that corrects the old one')"


def upgrade() -> None:
    """The primary key begins with the member; what refers to an entry still needs shop and entry alone."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild_sqlite()
    else:
        _exchange_keys()


def _rebuild_sqlite() -> None:
    # As sqlite.org/lang_altertable.html describes it; `plugin.store.migrate` has switched foreign keys off.
    op.create_table(
        "entries_clustered",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("order_name", sa.Text(), nullable=True),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("shop_id", "member_id", "entry_id", name="pk_entries"),
        sa.UniqueConstraint("shop_id", "entry_id", name="uq_entries_entry"),
        sa.UniqueConstraint("shop_id", "source_key", name="uq_entries_source_key"),
        sqlite_with_rowid=False,
    )
    op.execute(
        f"INSERT INTO entries_clustered ({_COLUMNS}) SELECT {_COLUMNS} FROM entries"
        " ORDER BY shop_id, member_id, entry_id"
    )
    op.drop_table("entries")
    op.rename_table("entries_clustered", "entries")
    op.execute(f"CREATE TRIGGER tg_entries_update BEFORE UPDATE ON entries BEGIN SELECT {_REFUSE}; END")
    op.execute(
        "CREATE TRIGGER tg_entries_delete BEFORE DELETE ON entries WHEN (SELECT state FROM shops"
        f" WHERE shop_id = OLD.shop_id) IS NOT 'redacted' BEGIN SELECT {_REFUSE}; END"
    )
    if (wrong := op.get_bind().execute(sa.text("PRAGMA foreign_key_check")).first()) is not None:
        raise RuntimeError(f"Rows refer to entries that are not there: {tuple(wrong)}")


def _exchange_keys() -> None:
    op.create_unique_constraint("uq_entries_entry", "entries", ["shop_id", "entry_id"])
    op.execute("ALTER TABLE entries DROP CONSTRAINT pk_entries CASCADE")
    op.create_primary_key("pk_entries", "entries", ["shop_id", "member_id", "entry_id"])
    op.drop_index("ix_entries_member", table_name="entries")
    for table, column in _OF_ENTRIES.items():
        op.create_foreign_key(None, table, "entries", ["shop_id", column], ["shop_id", "entry_id"])
