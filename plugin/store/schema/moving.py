"""Moving in: lists of members, what former apps knew, past orders."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, text

from plugin.store.schema.columns import big_column, metadata, text_column

# Lists of members from other apps, and bulk adjustments. state: looked_at, running, done
imports = Table(
    "imports",
    metadata,
    big_column("shop_id"),
    big_column("import_id"),
    text_column("purpose"),  # members, adjustment
    text_column("name"),
    text_column("digest"),
    text_column("app"),
    text_column("policy"),  # add, set
    text_column("reason", null=True),
    text_column("state", default="looked_at"),
    text_column("actor"),
    big_column("created_at"),
    big_column("finished_at", null=True),
    big_column("at_line", default=0),
    big_column("rows", default=0),
    text_column("foreseen", default="{}"),
    text_column("figures", default="{}"),
    PrimaryKeyConstraint("shop_id", "import_id", name="pk_imports"),
)

Index(
    "ix_imports_running",
    imports.c.shop_id,
    imports.c.import_id,
    sqlite_where=text("state = 'running'"),
    postgresql_where=text("state = 'running'"),
)

# What a list says of each person, until it is done; what could not be used stays a while for the error file.
import_rows = Table(
    "import_rows",
    metadata,
    big_column("shop_id"),
    big_column("import_id"),
    big_column("line"),
    text_column("row", null=True),
    text_column("cells", null=True),
    text_column("problem", null=True),
    PrimaryKeyConstraint("shop_id", "import_id", "line", name="pk_import_rows"),
)

# People of a list whom the shop does not know yet, under a hash of their e-mail address.
waiting_imports = Table(
    "waiting_imports",
    metadata,
    big_column("shop_id"),
    text_column("email_hash"),
    big_column("import_id"),
    text_column("row"),
    big_column("created_at"),
    PrimaryKeyConstraint("shop_id", "email_hash", "import_id", name="pk_waiting_imports"),
)

# What a former app knew of a member and no entry says: referral (link or code)
brought_along = Table(
    "brought_along",
    metadata,
    big_column("shop_id"),
    big_column("member_id"),
    text_column("name"),
    text_column("value"),
    text_column("app"),
    big_column("recorded_at"),
    PrimaryKeyConstraint("shop_id", "member_id", "name", name="pk_brought_along"),
)

# Past orders read in one go at the platform. state: asked, reading, done, failed. policy: history, earn
backfills = Table(
    "backfills",
    metadata,
    big_column("shop_id"),
    big_column("backfill_id"),
    text_column("state", default="asked"),
    text_column("policy"),
    big_column("since", null=True),
    big_column("until"),
    text_column("actor"),
    big_column("created_at"),
    big_column("finished_at", null=True),
    text_column("operation_gid", null=True),
    text_column("url", null=True),
    big_column("asked_at", null=True),
    big_column("total", default=0),
    big_column("at_byte", default=0),
    big_column("orders", default=0),
    big_column("points", default=0),
    big_column("skipped", default=0),
    text_column("reason", null=True),
    PrimaryKeyConstraint("shop_id", "backfill_id", name="pk_backfills"),
)

Index(
    "ix_backfills_open",
    backfills.c.shop_id,
    backfills.c.backfill_id,
    sqlite_where=text("state IN ('asked', 'reading')"),
    postgresql_where=text("state IN ('asked', 'reading')"),
)
