"""Describes every table once, for both engines; migrations create it, raw statements use it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

metadata = MetaData()


def _big(name: str, *, null: bool = False, default: int | None = None) -> Column[int]:
    server_default = None if default is None else text(str(default))
    return Column(name, BigInteger, nullable=null, server_default=server_default)


def _small(name: str, default: int = 0) -> Column[int]:
    return Column(name, SmallInteger, nullable=False, server_default=text(str(default)))


def _text(name: str, *, null: bool = False, default: str | None = None) -> Column[str]:
    server_default = None if default is None else text(f"'{default}'")
    return Column(name, Text, nullable=null, server_default=server_default)


# Reference tables: the installation's own, and the list of shops. Everything else starts with shop_id.
meta = Table("meta", metadata, Column("key", String(64), primary_key=True), _text("value"))
leases = Table(
    "leases", metadata, Column("name", String(128), primary_key=True), _text("holder"), _big("until_at")
)

# state: waiting (webhooks came before the install), installed, uninstalled, redacted
shops = Table(
    "shops",
    metadata,
    Column("shop_id", BigInteger, primary_key=True, autoincrement=False),
    _text("domain"),
    _text("state", default="waiting"),
    _text("name", null=True),
    _text("currency", null=True),
    _text("timezone", null=True),
    _text("platform_gid", null=True),
    _text("installation_gid", null=True),
    _text("scopes", default=""),
    _big("first_seen_at"),
    _big("installed_at", null=True),
    _big("uninstalled_at", null=True),
    _big(
        "proved_at", null=True
    ),  # issued at: the last id token or code that Shopify exchanged for an access token
    _big("scopes_at", null=True),  # as of when `scopes` is known
    _big("orders_watermark_at", null=True),
    _big("reconciled_at", null=True),
    _text("settings", default="{}"),
    _text("theme", null=True),  # what App Bridge last said of the published theme, as JSON
    _big("bodies_emptied_to", default=0),  # webhooks done before this moment have no body any more
    _text("pauses", default="[]"),  # stretches in which earning, redeeming or messages stood still, as JSON
    UniqueConstraint("domain", name="uq_shops_domain"),
)

tokens = Table(
    "tokens",
    metadata,
    _big("shop_id"),
    _text("kind"),  # offline_expiring, offline
    Column("access_token", LargeBinary, nullable=False),
    Column("refresh_token", LargeBinary, nullable=True),
    _big("expires_at", null=True),
    _big("refresh_expires_at", null=True),
    _text("scopes"),
    _big("refreshed_at"),
    PrimaryKeyConstraint("shop_id", name="pk_tokens"),
)

# state of both queues: 0 waiting, 1 done, 2 parked, 3 skipped (unknown topic, or decided that nothing is to do).
# inbox.due_at: when a waiting row is due, and once it is done or skipped, when that was. One column, always of one
# size, and the body last: SQLite then marks a row done in place, on one page, instead of writing the whole body again.
inbox = Table(
    "inbox",
    metadata,
    _big("shop_id"),
    _text("webhook_id"),
    _text("topic"),
    _text("event_id", null=True),
    _text("api_version", null=True),
    _big("triggered_at", null=True),
    _big("received_at"),
    _small("state"),
    _small("attempts"),
    _big("due_at"),
    _text("reason", null=True),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("shop_id", "webhook_id", name="pk_inbox"),
)
Index(
    "ix_inbox_waiting",
    inbox.c.shop_id,
    inbox.c.due_at,
    sqlite_where=text("state = 0"),
    postgresql_where=text("state = 0"),
)
Index(
    "ix_inbox_parked",
    inbox.c.shop_id,
    inbox.c.received_at,
    sqlite_where=text("state = 2"),
    postgresql_where=text("state = 2"),
)
Index(
    "ix_inbox_done",
    inbox.c.shop_id,
    inbox.c.due_at,
    sqlite_where=text("state IN (1, 3)"),
    postgresql_where=text("state IN (1, 3)"),
)

# revision counts how often the effect was asked for again while it waited or ran (mirrors are one row each)
outbox = Table(
    "outbox",
    metadata,
    _big("shop_id"),
    _text("effect_key"),
    _text("kind"),
    _text("payload", default="{}"),
    _small("state"),
    _small("attempts"),
    _big("revision", default=1),
    _big("due_at"),
    _big("lease_until_at", null=True),
    _text("lease_holder", null=True),
    _big("created_at"),
    _big("done_at", null=True),
    _text("reason", null=True),
    PrimaryKeyConstraint("shop_id", "effect_key", name="pk_outbox"),
)
Index(
    "ix_outbox_waiting",
    outbox.c.shop_id,
    outbox.c.due_at,
    sqlite_where=text("state = 0"),
    postgresql_where=text("state = 0"),
)
Index(
    "ix_outbox_done",
    outbox.c.shop_id,
    outbox.c.done_at,
    sqlite_where=text("state = 1"),
    postgresql_where=text("state = 1"),
)

# status: unclaimed (known from an order), active, left, merged, redacted.
# posted, earned, spent are sums over entries, moved in the same transaction.
members = Table(
    "members",
    metadata,
    _big("shop_id"),
    _big("member_id"),
    _text("status", default="unclaimed"),
    _big("created_at"),
    _big("joined_at", null=True),
    _text("email", null=True),
    _text("first_name", null=True),
    _text("last_name", null=True),
    _text("locale", null=True),
    _big("posted", default=0),
    _big("earned", default=0),
    _big("spent", default=0),
    _text("tier", null=True),
    _small("holdout"),
    _big("review_at", null=True),
    _big("mirror_at", null=True),
    _big(
        "seen_at", null=True
    ),  # of what moment name, e-mail address and locale are, as the platform dates it
    # `tier` is the one that holds. What the member's own doing has earned, and until when, stands beside it.
    _text("earned_tier", null=True),
    _big("earned_at", null=True),
    _big("earned_until", null=True),
    _big("warned_at", null=True),
    _text("tier_by", null=True),  # earned, or what grants it: order, tag, staff, api
    _big("tier_until", null=True),
    _big("benefit_at", null=True),  # when the tier's next free-shipping code falls due
    # Whether they take the newsletter, and as of when; NULL: nobody told us. Since when they are asked no questions.
    Column("subscribed", SmallInteger, nullable=True),
    _big("subscribed_at", null=True),
    _big("unasked_at", null=True),
    PrimaryKeyConstraint("shop_id", "member_id", name="pk_members"),
)
Index(
    "ix_members_review",
    members.c.shop_id,
    members.c.review_at,
    sqlite_where=text("review_at IS NOT NULL"),
    postgresql_where=text("review_at IS NOT NULL"),
)
# What the merchant's search asks: the beginning of a name or an e-mail address, in lower case.
for _column in (members.c.email, members.c.first_name, members.c.last_name):
    Index(
        f"ix_members_{_column.name}",
        members.c.shop_id,
        func.lower(_column).label("folded"),
        postgresql_ops={"folded": "text_pattern_ops"},
    )
Index("ix_members_joined", members.c.shop_id, members.c.status, members.c.joined_at, members.c.member_id)

aliases = Table(
    "aliases",
    metadata,
    _big("shop_id"),
    _big("old_id"),
    _big("member_id"),
    _big("merged_at"),
    PrimaryKeyConstraint("shop_id", "old_id", name="pk_aliases"),
)

tier_history = Table(
    "tier_history",
    metadata,
    _big("shop_id"),
    _big("member_id"),
    _big("from_at"),
    _text("tier"),
    _text("why"),
    PrimaryKeyConstraint("shop_id", "member_id", "from_at", name="pk_tier_history"),
)

# Tiers that are granted, each by a cause that is named once. The times of bought ones follow from those before them.
tier_grants = Table(
    "tier_grants",
    metadata,
    _big("shop_id"),
    _text("grant_key"),
    _big("member_id"),
    _text("tier"),
    _text("kind"),
    _big("order_id", null=True),
    _big("bought_at", null=True),
    _small("months"),
    _big("from_at"),
    _big("until_at", null=True),
    _big("ended_at", null=True),
    _text("actor"),
    _text("note", null=True),
    _big("warned_at", null=True),
    PrimaryKeyConstraint("shop_id", "grant_key", name="pk_tier_grants"),
)
Index("ix_tier_grants_member", tier_grants.c.shop_id, tier_grants.c.member_id)

# What was given for entering a tier, and for which order: once for each member and tier, unless it was withdrawn.
tier_gifts = Table(
    "tier_gifts",
    metadata,
    _big("shop_id"),
    _big("member_id"),
    _text("tier"),
    _small("count"),
    _big("order_id", null=True),
    _big("entry_id", null=True),
    _big("redemption_id", null=True),
    _big("given_at"),
    _big("withdrawn_at", null=True),
    PrimaryKeyConstraint("shop_id", "member_id", "tier", name="pk_tier_gifts"),
)
Index(
    "ix_tier_gifts_order",
    tier_gifts.c.shop_id,
    tier_gifts.c.order_id,
    sqlite_where=text("order_id IS NOT NULL AND withdrawn_at IS NULL"),
    postgresql_where=text("order_id IS NOT NULL AND withdrawn_at IS NULL"),
)

# A new ladder reviews everybody: how far that has come.
tier_sweeps = Table(
    "tier_sweeps",
    metadata,
    _big("shop_id"),
    _big("after_member_id"),
    _big("since_at"),
    PrimaryKeyConstraint("shop_id", name="pk_tier_sweeps"),
)

# Versions that were published to take effect later. state: 0 waiting, 1 in effect, 2 cancelled
schedules = Table(
    "schedules",
    metadata,
    _big("shop_id"),
    _big("version"),
    _big("effective_at"),
    _small("state"),
    PrimaryKeyConstraint("shop_id", "version", name="pk_schedules"),
)

programmes = Table(
    "programmes",
    metadata,
    _big("shop_id"),
    _big("version"),
    _big("published_at"),
    _text("actor"),
    _text("document"),
    PrimaryKeyConstraint("shop_id", "version", name="pk_programmes"),
)

# projection: everything the platform told us of the order. standing: what the ledger holds of it, by rule.
orders = Table(
    "orders",
    metadata,
    _big("shop_id"),
    _big("order_id"),
    _big("member_id", null=True),
    _text("name", null=True),
    _big("processed_at", null=True),
    _big("updated_at", null=True),
    _big("programme_version", null=True),
    _text("tier", null=True),
    _text("currency", null=True),
    _big("basis_minor", default=0),
    _big("points", default=0),
    _small("counted"),
    _big("available_at", null=True),
    _big("delivered_at", null=True),
    _text("confirmed", default="no"),  # no, yes, refuted
    _text("projection"),
    _text("standing", default="{}"),
    _small("earns"),  # whether it is one of those that bonuses for the n-th order count
    PrimaryKeyConstraint("shop_id", "order_id", name="pk_orders"),
)
# `counted` at the end, so that counting a member's orders never reads their projections.
# With points and money, so that a member's tier progress is read from the index alone.
Index(
    "ix_orders_member",
    orders.c.shop_id,
    orders.c.member_id,
    orders.c.processed_at,
    orders.c.counted,
    orders.c.points,
    orders.c.basis_minor,
)
# Orders that count, by date: the sample of a preview, and the list of members' orders.
Index(
    "ix_orders_counted",
    orders.c.shop_id,
    orders.c.processed_at,
    orders.c.order_id,
    orders.c.member_id,
    sqlite_where=text("counted = 1"),
    postgresql_where=text("counted = 1"),
)

entries = Table(
    "entries",
    metadata,
    _big("shop_id"),
    _big("entry_id"),
    _big("member_id"),
    _text("kind"),
    _big("points"),
    _big("occurred_at"),
    _big("recorded_at"),
    _text("source_key"),
    _text("why"),
    _text("actor"),
    _big("order_id", null=True),
    _text(
        "order_name", null=True
    ),  # of entries that an order caused: a page of history then touches no order
    _big("reverses_id", null=True),
    # A member's entries lie side by side on SQLite, so that a page of history touches one or two pages of the file.
    PrimaryKeyConstraint("shop_id", "member_id", "entry_id", name="pk_entries"),
    UniqueConstraint("shop_id", "entry_id", name="uq_entries_entry"),
    UniqueConstraint("shop_id", "source_key", name="uq_entries_source_key"),
    sqlite_with_rowid=False,
)

# Free text a person typed about an entry stands beside the ledger, so that it can be redacted.
entry_notes = Table(
    "entry_notes",
    metadata,
    _big("shop_id"),
    _big("entry_id"),
    _text("note"),
    PrimaryKeyConstraint("shop_id", "entry_id", name="pk_entry_notes"),
    ForeignKeyConstraint(["shop_id", "entry_id"], ["entries.shop_id", "entries.entry_id"]),
)

# One lot per credit entry, with the same id. available_at empty: not yet known when.
lots = Table(
    "lots",
    metadata,
    _big("shop_id"),
    _big("lot_id"),
    _big("member_id"),
    _big("order_id", null=True),
    _big("points"),
    _big("remaining"),
    _big("available_at", null=True),
    _big("expires_at", null=True),
    _big("created_at"),
    _big("mirrored_at", null=True),
    # expires_at is what counts: the sooner of the lot's own date and what a rule on whole balances says of it, but
    # not before kept_until.
    _big("own_expires_at", null=True),
    _big("kept_until", null=True),
    PrimaryKeyConstraint("shop_id", "lot_id", name="pk_lots"),
    ForeignKeyConstraint(["shop_id", "lot_id"], ["entries.shop_id", "entries.entry_id"]),
)
Index(
    "ix_lots_open",
    lots.c.shop_id,
    lots.c.member_id,
    # The panel reads a member's open lots from the index alone.
    lots.c.remaining,
    lots.c.available_at,
    lots.c.expires_at,
    sqlite_where=text("remaining > 0"),
    postgresql_where=text("remaining > 0"),
)
Index(
    "ix_lots_order",
    lots.c.shop_id,
    lots.c.order_id,
    sqlite_where=text("order_id IS NOT NULL"),
    postgresql_where=text("order_id IS NOT NULL"),
)
Index(
    "ix_lots_expiring",
    lots.c.shop_id,
    lots.c.expires_at,
    lots.c.lot_id,
    sqlite_where=text("remaining > 0 AND expires_at IS NOT NULL"),
    postgresql_where=text("remaining > 0 AND expires_at IS NOT NULL"),
)
Index(
    "ix_lots_opening",
    lots.c.shop_id,
    lots.c.available_at,
    sqlite_where=text("remaining > 0 AND mirrored_at IS NULL"),
    postgresql_where=text("remaining > 0 AND mirrored_at IS NULL"),
)

# Work over all open lots of a shop, by the clock along the primary key. kind: redate (the rule changed), extend
expiry_runs = Table(
    "expiry_runs",
    metadata,
    _big("shop_id"),
    _big("run_id"),
    _text("kind"),
    _big("ends_at", null=True),
    _text("tier", null=True),
    _big("alive_after"),
    _text("actor"),
    _big("created_at"),
    _big("finished_at", null=True),
    _big("at_lot", default=0),
    _big("lots", default=0),
    _big("points", default=0),
    PrimaryKeyConstraint("shop_id", "run_id", name="pk_expiry_runs"),
)
Index(
    "ix_expiry_runs_open",
    expiry_runs.c.shop_id,
    expiry_runs.c.run_id,
    sqlite_where=text("finished_at IS NULL"),
    postgresql_where=text("finished_at IS NULL"),
)

# How far along (expires_at, lot_id) each reminder has come. reminder: first, last
expiry_marks = Table(
    "expiry_marks",
    metadata,
    _big("shop_id"),
    _text("reminder"),
    _big("at"),
    _big("at_lot"),
    PrimaryKeyConstraint("shop_id", "reminder", name="pk_expiry_marks"),
)

# Reminders that fell due: one per member, reminder and day on which points end.
expiry_notices = Table(
    "expiry_notices",
    metadata,
    _big("shop_id"),
    _big("member_id"),
    _text("reminder"),
    _text("day"),
    _big("ends_at"),
    _big("points"),
    _big("noted_at"),
    PrimaryKeyConstraint("shop_id", "member_id", "reminder", "day", name="pk_expiry_notices"),
)

# Which debit took what from which lot. (debit, lot) may meet twice, so n counts.
allocations = Table(
    "allocations",
    metadata,
    _big("shop_id"),
    _big("debit_id"),
    _big("lot_id"),
    _big("points"),
    PrimaryKeyConstraint("shop_id", "debit_id", "lot_id", name="pk_allocations"),
    ForeignKeyConstraint(["shop_id", "debit_id"], ["entries.shop_id", "entries.entry_id"]),
    ForeignKeyConstraint(["shop_id", "lot_id"], ["lots.shop_id", "lots.lot_id"]),
)
Index("ix_allocations_lot", allocations.c.shop_id, allocations.c.lot_id)

# The part of a debit that no lot could cover; the next credits absorb it.
deficits = Table(
    "deficits",
    metadata,
    _big("shop_id"),
    _big("debit_id"),
    _big("member_id"),
    _big("points"),
    _big("remaining"),
    PrimaryKeyConstraint("shop_id", "debit_id", name="pk_deficits"),
    ForeignKeyConstraint(["shop_id", "debit_id"], ["entries.shop_id", "entries.entry_id"]),
)
Index(
    "ix_deficits_open",
    deficits.c.shop_id,
    deficits.c.member_id,
    sqlite_where=text("remaining > 0"),
    postgresql_where=text("remaining > 0"),
)

# state: debited, made, refused, undone, used, expired, credited, waiting, fulfilled
redemptions = Table(
    "redemptions",
    metadata,
    _big("shop_id"),
    _big("redemption_id"),
    _big("member_id"),
    _text("request_key"),
    _text("reward_key"),
    _text("reward"),
    _big("programme_version"),
    _big("points"),
    _text("code"),
    _text("state", default="debited"),
    _text("discount_gid", null=True),
    _big("created_at"),
    _big("made_at", null=True),
    _big("expires_at", null=True),
    _big("used_order_id", null=True),
    _big("returned", default=0),
    _big("return_count", default=0),
    _text("reason", null=True),
    _big("due_at", null=True),
    _big("spent_minor", default=0),
    PrimaryKeyConstraint("shop_id", "redemption_id", name="pk_redemptions"),
    UniqueConstraint("shop_id", "member_id", "request_key", name="uq_redemptions_request"),
    UniqueConstraint("shop_id", "code", name="uq_redemptions_code"),
)
Index("ix_redemptions_reward", redemptions.c.shop_id, redemptions.c.reward_key, redemptions.c.redemption_id)
Index(
    "ix_redemptions_due",
    redemptions.c.shop_id,
    redemptions.c.due_at,
    sqlite_where=text("due_at IS NOT NULL"),
    postgresql_where=text("due_at IS NOT NULL"),
)
Index(
    "ix_redemptions_waiting",
    redemptions.c.shop_id,
    redemptions.c.redemption_id,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)

# One invitation per order. state: waiting, asked, answered, withdrawn, missed
invitations = Table(
    "invitations",
    metadata,
    _big("shop_id"),
    _big("order_id"),
    _big("member_id"),
    _text("state", default="waiting"),
    _text("basis"),
    _big("delivered_at"),
    _big("due_at"),
    _big("asked_at", null=True),
    _big("created_at"),
    _text("reason", null=True),
    # How the parcel came: domestic, international, pickup, local, pos; '' is not known. channel: '' until it is asked.
    _text("way", default=""),
    _text("country", null=True),
    _text("carrier", null=True),
    _big("fulfilled_at", null=True),
    _text("channel", default=""),
    # When it first fell due: `due_at` moves when it is put off, and `reason` then says why.
    _big("planned_at", null=True),
    PrimaryKeyConstraint("shop_id", "order_id", name="pk_invitations"),
)
Index(
    "ix_invitations_asked",
    invitations.c.shop_id,
    invitations.c.asked_at,
    sqlite_where=text("asked_at IS NOT NULL"),
    postgresql_where=text("asked_at IS NOT NULL"),
)
Index("ix_invitations_newest", invitations.c.shop_id, invitations.c.due_at, invitations.c.order_id)
Index("ix_invitations_member", invitations.c.shop_id, invitations.c.member_id, invitations.c.due_at)
Index(
    "ix_invitations_due",
    invitations.c.shop_id,
    invitations.c.due_at,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)

# How many of a shop's parcels took so many days, by carrier ('' where nobody said) and country.
transit_times = Table(
    "transit_times",
    metadata,
    _big("shop_id"),
    _text("country"),
    _text("carrier"),
    _small("days"),
    _big("parcels"),
    PrimaryKeyConstraint("shop_id", "country", "carrier", "days", name="pk_transit_times"),
)

responses = Table(
    "responses",
    metadata,
    _big("shop_id"),
    _big("order_id"),
    _big("member_id"),
    _small("score"),
    _text("words", null=True),
    _text("locale", null=True),
    _text("channel"),
    _big("answered_at"),
    _big("changed_at"),
    _text("reasons", default="[]"),
    # May the shop write back? NULL: not asked, or left open.
    Column("contact_ok", SmallInteger, nullable=True),
    PrimaryKeyConstraint("shop_id", "order_id", name="pk_responses"),
    ForeignKeyConstraint(["shop_id", "order_id"], ["invitations.shop_id", "invitations.order_id"]),
)
Index("ix_responses_answered", responses.c.shop_id, responses.c.answered_at)

# What members did beside buying, each answered once. outcome: earned, refused, taken_back (by a merge)
actions = Table(
    "actions",
    metadata,
    _big("shop_id"),
    _text("rule"),
    _text("external_id"),
    _text("kind"),
    _big("member_id"),
    _big("occurred_at"),
    _big("recorded_at"),
    _text("outcome"),
    _text("reason", null=True),
    _big("points", default=0),
    _big("entry_id", null=True),
    _big("redemption_id", null=True),
    _text("actor"),
    PrimaryKeyConstraint("shop_id", "rule", "external_id", name="pk_actions"),
)
Index("ix_actions_member", actions.c.shop_id, actions.c.member_id, actions.c.occurred_at)

# Day and month only, beside the members, so that forgetting one is deleting a row. due_at: when it is awarded next.
birthdays = Table(
    "birthdays",
    metadata,
    _big("shop_id"),
    _big("member_id"),
    _small("month"),
    _small("day"),
    _big("set_at"),
    _big("due_at"),
    PrimaryKeyConstraint("shop_id", "member_id", name="pk_birthdays"),
)
Index("ix_birthdays_due", birthdays.c.shop_id, birthdays.c.due_at)

# How far the clock has come with work that goes day by day, as the number of the day (its ordinal).
marks = Table(
    "marks",
    metadata,
    _big("shop_id"),
    _text("name"),
    _big("day"),
    PrimaryKeyConstraint("shop_id", "name", name="pk_marks"),
)

# The merchant's trail: who did what, and what we skipped or refused and why. No personal data.
events = Table(
    "events",
    metadata,
    _big("shop_id"),
    _big("event_id"),
    _big("at"),
    _text("actor"),
    _text("kind"),
    _text("subject"),
    _text("detail", default="{}"),
    PrimaryKeyConstraint("shop_id", "event_id", name="pk_events"),
)
Index("ix_events_at", events.c.shop_id, events.c.at)

# Orders counted again under another version, carried out by the clock along the primary key of orders.
corrections = Table(
    "corrections",
    metadata,
    _big("shop_id"),
    _big("correction_id"),
    _big("since"),
    _big("until"),
    _big("version", null=True),
    _text("actor"),
    _big("created_at"),
    _big("finished_at", null=True),
    _big("at_order", default=0),
    _big("orders", default=0),
    _big("points", default=0),
    PrimaryKeyConstraint("shop_id", "correction_id", name="pk_corrections"),
)

# Lists of members from other apps, and bulk adjustments. state: looked_at, running, done
imports = Table(
    "imports",
    metadata,
    _big("shop_id"),
    _big("import_id"),
    _text("purpose"),  # members, adjustment
    _text("name"),
    _text("digest"),
    _text("app"),
    _text("policy"),  # add, set
    _text("reason", null=True),
    _text("state", default="looked_at"),
    _text("actor"),
    _big("created_at"),
    _big("finished_at", null=True),
    _big("at_line", default=0),
    _big("rows", default=0),
    _text("foreseen", default="{}"),
    _text("figures", default="{}"),
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
    _big("shop_id"),
    _big("import_id"),
    _big("line"),
    _text("row", null=True),
    _text("cells", null=True),
    _text("problem", null=True),
    PrimaryKeyConstraint("shop_id", "import_id", "line", name="pk_import_rows"),
)

# People of a list whom the shop does not know yet, under a hash of their e-mail address.
waiting_imports = Table(
    "waiting_imports",
    metadata,
    _big("shop_id"),
    _text("email_hash"),
    _big("import_id"),
    _text("row"),
    _big("created_at"),
    PrimaryKeyConstraint("shop_id", "email_hash", "import_id", name="pk_waiting_imports"),
)

# What a former app knew of a member and no entry says: referral (link or code)
brought_along = Table(
    "brought_along",
    metadata,
    _big("shop_id"),
    _big("member_id"),
    _text("name"),
    _text("value"),
    _text("app"),
    _big("recorded_at"),
    PrimaryKeyConstraint("shop_id", "member_id", "name", name="pk_brought_along"),
)

# Members who may not redeem for the moment. They see and earn points as before.
freezes = Table(
    "freezes",
    metadata,
    _big("shop_id"),
    _big("member_id"),
    _big("since"),
    _text("actor"),
    _text("reason"),
    PrimaryKeyConstraint("shop_id", "member_id", name="pk_freezes"),
)

# Past orders read in one go at the platform. state: asked, reading, done, failed. policy: history, earn
backfills = Table(
    "backfills",
    metadata,
    _big("shop_id"),
    _big("backfill_id"),
    _text("state", default="asked"),
    _text("policy"),
    _big("since", null=True),
    _big("until"),
    _text("actor"),
    _big("created_at"),
    _big("finished_at", null=True),
    _text("operation_gid", null=True),
    _text("url", null=True),
    _big("asked_at", null=True),
    _big("total", default=0),
    _big("at_byte", default=0),
    _big("orders", default=0),
    _big("points", default=0),
    _big("skipped", default=0),
    _text("reason", null=True),
    PrimaryKeyConstraint("shop_id", "backfill_id", name="pk_backfills"),
)
Index(
    "ix_backfills_open",
    backfills.c.shop_id,
    backfills.c.backfill_id,
    sqlite_where=text("state IN ('asked', 'reading')"),
    postgresql_where=text("state IN ('asked', 'reading')"),
)

privacy_requests = Table(
    "privacy_requests",
    metadata,
    _big("shop_id"),
    _text("request_key"),
    _text("kind"),
    _big("member_id", null=True),
    _big("received_at"),
    _big("done_at", null=True),
    _text("result", null=True),
    # While webhook bodies are searched for what is to be forgotten: which numbers, and up to which webhook id.
    _text("numbers", null=True),
    _text("searched_to", null=True),
    PrimaryKeyConstraint("shop_id", "request_key", name="pk_privacy_requests"),
)
Index(
    "ix_privacy_searching",
    privacy_requests.c.shop_id,
    sqlite_where=text("numbers IS NOT NULL"),
    postgresql_where=text("numbers IS NOT NULL"),
)

# Keys of the API. The token is kept as its SHA-256 only; `signing` is the sealed secret that signs inbound hooks.
api_keys = Table(
    "api_keys",
    metadata,
    _big("shop_id"),
    _big("key_id"),
    _text("name"),
    _text("token_hash"),
    Column("signing", LargeBinary, nullable=False),
    _text("scopes"),
    _big("created_at"),
    _text("created_by"),
    _big("used_at", null=True),
    _big("revoked_at", null=True),
    PrimaryKeyConstraint("shop_id", "key_id", name="pk_api_keys"),
)

# What a request with an idempotency key was answered, sealed, written in the transaction that acted.
api_answers = Table(
    "api_answers",
    metadata,
    _big("shop_id"),
    _big("key_id"),
    _text("idempotency_key"),
    _text("request_hash"),
    _small("status"),
    _text("answer"),
    _big("created_at"),
    PrimaryKeyConstraint("shop_id", "key_id", "idempotency_key", name="pk_api_answers"),
)
Index("ix_api_answers_created", api_answers.c.shop_id, api_answers.c.created_at)

# Addresses that are told what happened. failing_until_at: after a failure nothing is tried there before that moment.
webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    _big("shop_id"),
    _big("endpoint_id"),
    _text("url"),
    _text("topics"),
    _small("active", default=1),
    Column("secret", LargeBinary, nullable=False),
    Column("old_secret", LargeBinary, nullable=True),
    _big("old_until_at", null=True),
    _big("failing_until_at", null=True),
    _big("created_at"),
    _text("created_by"),
    PrimaryKeyConstraint("shop_id", "endpoint_id", name="pk_webhook_endpoints"),
)
# Up to where each source of news was read for an endpoint.
webhook_positions = Table(
    "webhook_positions",
    metadata,
    _big("shop_id"),
    _big("endpoint_id"),
    _text("source"),
    _big("position"),
    PrimaryKeyConstraint("shop_id", "endpoint_id", "source", name="pk_webhook_positions"),
)
Index(
    "ix_outbox_deliveries",
    outbox.c.shop_id,
    outbox.c.created_at,
    outbox.c.effect_key,
    sqlite_where=text("kind = 'webhook.deliver'"),
    postgresql_where=text("kind = 'webhook.deliver'"),
)
Index(
    "ix_redemptions_made",
    redemptions.c.shop_id,
    redemptions.c.made_at,
    sqlite_where=text("made_at IS NOT NULL"),
    postgresql_where=text("made_at IS NOT NULL"),
)

# Every code that ever named a member; `state`: wanted, made (it works in the shop), refused, withdrawn, known (named by
# another app before). `reward`: what it takes off, as it was when the code was made.
referral_codes = Table(
    "referral_codes",
    metadata,
    _big("shop_id"),
    _text("code"),
    _big("member_id"),
    _text("state"),
    _text("reward", null=True),
    _text("currency", null=True),
    _text("discount_gid", null=True),
    _big("created_at"),
    PrimaryKeyConstraint("shop_id", "code", name="pk_referral_codes"),
)
Index("ix_referral_codes_member", referral_codes.c.shop_id, referral_codes.c.member_id)
Index(
    "ix_referral_codes_made",
    referral_codes.c.shop_id,
    sqlite_where=text("state = 'made'"),
    postgresql_where=text("state = 'made'"),
)

# One order that somebody was sent to. posts: entries so far, points: what of them stands. friend_reward: code (taken
# off in the order), owed (came by the link alone), given, withdrawn.
referrals = Table(
    "referrals",
    metadata,
    _big("shop_id"),
    _big("referral_id"),
    _big("referrer_id"),
    _big("friend_id"),
    _big("order_id"),
    _text("code"),
    _text("via"),
    _big("version"),
    _big("placed_at"),
    _big("created_at"),
    _text("state"),
    _text("why", null=True),
    _big("score", default=0),
    _text("reasons"),
    _text("decision", null=True),
    _text("decided_by", null=True),
    _big("decided_at", null=True),
    _text("note", null=True),
    _big("release_at", null=True),
    _big("released_at", null=True),
    _big("posts", default=0),
    _big("points", default=0),
    _big("redemption_id", null=True),
    _text("friend_reward"),
    _big("friend_redemption_id", null=True),
    PrimaryKeyConstraint("shop_id", "referral_id", name="pk_referrals"),
    UniqueConstraint("shop_id", "order_id", name="uq_referrals_order"),
)
Index("ix_referrals_referrer", referrals.c.shop_id, referrals.c.referrer_id, referrals.c.placed_at)
Index("ix_referrals_friend", referrals.c.shop_id, referrals.c.friend_id)
Index("ix_referrals_state", referrals.c.shop_id, referrals.c.state, referrals.c.placed_at)
Index(
    "ix_referrals_due",
    referrals.c.shop_id,
    referrals.c.release_at,
    sqlite_where=text("state = 'qualified'"),
    postgresql_where=text("state = 'qualified'"),
)

# Keyed hashes of where a member's orders were placed from and went to, for 90 days; the key is of one shop.
fingerprints = Table(
    "fingerprints",
    metadata,
    _big("shop_id"),
    _text("kind"),
    _text("hash"),
    _big("member_id"),
    _big("seen_at"),
    PrimaryKeyConstraint("shop_id", "kind", "hash", "member_id", name="pk_fingerprints"),
)
Index("ix_fingerprints_member", fingerprints.c.shop_id, fingerprints.c.member_id)
Index("ix_fingerprints_seen", fingerprints.c.shop_id, fingerprints.c.seen_at)
fingerprint_keys = Table(
    "fingerprint_keys",
    metadata,
    _big("shop_id"),
    Column("key", LargeBinary, nullable=False),
    PrimaryKeyConstraint("shop_id", name="pk_fingerprint_keys"),
)
