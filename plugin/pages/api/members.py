"""API, members: who they are, how they stand, why they have their points, and giving or taking some."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from plugin.flows import adjustments, standing, tiers
from plugin.pages import explain
from plugin.pages.answers import Refusal
from plugin.pages.api.route import Body, Call, Fault, Id, Page, Paged, Route, Text, cursor, paged, position
from plugin.store import api_lists, directory, history, ladder, ledger, members, programmes
from plugin.store.history import HistoryLine

Status = Literal["unclaimed", "active", "left", "redacted"]
Email = Annotated[str, Meta(pattern="^[^\\u0000]+$", max_length=320)]


class Points(Struct, frozen=True):
    """A member's points now: to be spent, not to be spent yet, and owed."""

    available: int
    pending: int
    owed: int


class Personal(Struct, frozen=True):
    """Whose account it is."""

    email: str | None
    first_name: str | None
    last_name: str | None
    locale: str | None


class Member(Struct, frozen=True):
    """One member; the id is the customer's at Shopify. `personal` is null without the scope read_personal_data."""

    id: Id
    status: str
    joined_at: datetime | None
    tier: str | None
    points: Points
    earned: int
    spent: int
    personal: Personal | None


class OrderName(Struct, frozen=True):
    """The order behind an entry or a lot."""

    id: Id
    name: str | None


class Entry(Struct, frozen=True):
    """One movement, never changed. `explanation` is the sentence of the admin; `why` holds its numbers."""

    id: Id
    kind: str
    points: int
    occurred_at: datetime
    explanation: str
    why: dict[str, Any]
    order: OrderName | None


class Lot(Struct, frozen=True):
    """Points of one credit that are not used up. `available_at` null: it is not yet known from when."""

    id: Id
    kind: str
    points: int
    remaining: int
    available_at: datetime | None
    expires_at: datetime | None
    order: OrderName | None


class Lots(Struct, frozen=True):
    """Open lots in the order in which they are spent, at most 200."""

    data: list[Lot]


class MembersQuery(Paged, frozen=True):
    """Which members. `email` is the whole address and asks for the scope read_personal_data."""

    email: Email | None = None
    status: Status | None = None


class Adjustment(Body, frozen=True):
    """Points to give (positive) or to take (negative), and why; the reason is shown to staff."""

    points: Annotated[int, Meta(ge=-adjustments.MAX_POINTS, le=adjustments.MAX_POINTS)]
    reason: Text


class Adjusted(Struct, frozen=True):
    """The entry that was made, and how the member stands after it."""

    entry_id: Id
    member_id: Id
    points: int
    balance: Points


class TierGrant(Body, frozen=True):
    """A tier to grant by its key, until a moment or (null) until it is ended; the note is shown to staff."""

    tier: Text
    until: Annotated[datetime, Meta(tz=True)] | None = None
    note: Text | None = None


class TierGranted(Struct, frozen=True):
    """The tier that holds now, by what, and until when; an earned one may be higher than what was granted."""

    member_id: Id
    tier: str | None
    by: str | None
    until: datetime | None


def grant_tier(call: Call, wish: TierGrant) -> TierGranted:
    member_id = known(call, call.path["member_id"])
    tiers.grant(
        call.tx,
        call.shop,
        member_id,
        wish.tier,
        wish.until,
        wish.note or "",
        call.cause,
        call.actor,
        call.now,
    )
    placed = ladder.of_member(call.tx, call.shop_id, member_id)
    assert placed is not None
    return TierGranted(str(member_id), placed.tier, placed.tier_by, placed.tier_until)


def list_members(call: Call, query: MembersQuery) -> Page[Member]:
    if query.email is not None and not call.may("read_personal_data"):
        raise Refusal("Looking for an e-mail address needs a key with the scope read_personal_data.",
                      code="insufficient_scope", status=403)  # fmt: skip
    before = position(query.cursor)
    found = api_lists.members_page(
        call.tx,
        call.shop_id,
        before[0] if before else None,
        query.limit + 1,
        email=query.email,
        status=query.status,
    )
    accounts = ledger.accounts(call.tx, call.shop_id, [one.member_id for one in found[: query.limit]])

    def shown(one: members.Member) -> Member:
        account = accounts[one.member_id]
        return _member(call, one, account.available(call.now), account.pending(call.now), account.owed())

    return paged(found, query.limit, shown, lambda one: cursor(one.member_id))


def get_member(call: Call, _: None) -> Member:
    state = standing.of_member(call.tx, call.shop, known(call, call.path["member_id"]), call.now)
    assert state is not None
    return _member(call, state.member, state.available, state.pending, state.owed)


def list_entries(call: Call, query: Paged) -> Page[Entry]:
    before = position(query.cursor)
    lines = history.page(
        call.tx, call.shop_id, known(call, call.path["member_id"]), before=before[0] if before else None,
        limit=query.limit + 1,
    )  # fmt: skip
    programme = programmes.versions(call.tx, call.shop_id).latest

    def shown(line: HistoryLine) -> Entry:
        return Entry(
            str(line.entry_id),
            line.kind,
            line.points,
            line.occurred_at,
            explain.entry(line, programme) or explain.KINDS[line.kind],
            line.why,
            OrderName(str(line.order_id), line.order_name) if line.order_id is not None else None,
        )

    return paged(lines, query.limit, shown, lambda line: cursor(line.entry_id))


def list_lots(call: Call, _: None) -> Lots:
    found = directory.open_lots(call.tx, call.shop_id, known(call, call.path["member_id"]), 200)
    return Lots(
        [
            Lot(
                str(lot.lot_id),
                lot.kind,
                lot.points,
                lot.remaining,
                lot.available_at,
                lot.expires_at,
                OrderName(str(lot.order_id), lot.order_name) if lot.order_id is not None else None,
            )
            for lot in found
        ]
    )


def adjust_points(call: Call, wish: Adjustment) -> Adjusted:
    member_id = known(call, call.path["member_id"])
    adjustments.adjust(
        call.tx, call.shop, member_id, wish.points, wish.reason, call.cause, call.actor, call.now
    )
    entry_id = ledger.entry_by_source(call.tx, call.shop_id, f"adjust:{call.cause}")
    state = standing.of_member(call.tx, call.shop, member_id, call.now)
    assert entry_id is not None
    assert state is not None
    return Adjusted(
        str(entry_id), str(member_id), wish.points, Points(state.available, state.pending, state.owed)
    )


def known(call: Call, customer_id: int, field: str = "") -> int:
    """The member behind a customer number, also one that was merged away. Raises Fault."""
    member_id = members.resolved(call.tx, call.shop_id, customer_id)
    if members.by_id(call.tx, call.shop_id, member_id) is None:
        raise Fault("There is no member with this number. Use the customer's id at Shopify.", code="no_such_member",
                    status=422 if field else 404, field=field)  # fmt: skip
    return member_id


def _member(call: Call, one: members.Member, available: int, pending: int, owed: int) -> Member:
    personal = None
    if call.may("read_personal_data"):
        personal = Personal(one.email, one.first_name, one.last_name, one.locale)
    points = Points(available, pending, owed)
    return Member(
        str(one.member_id), one.status, one.joined_at, one.tier, points, one.earned, one.spent, personal
    )


ROUTES = (
    Route("GET", "/members", "read_members", list_members, "Members, the newest customer first",
          given=MembersQuery, answer=Page[Member]),
    Route("GET", "/members/{member_id}", "read_members", get_member, "One member and how they stand", answer=Member),
    Route("GET", "/members/{member_id}/entries", "read_members", list_entries,
          "A member's entries, the newest first, each explained", given=Paged, answer=Page[Entry]),
    Route("GET", "/members/{member_id}/lots", "read_members", list_lots,
          "A member's points that are not used up, and when they expire", answer=Lots),
    Route("POST", "/members/{member_id}/adjustments", "write_points", adjust_points,
          "Gives or takes points, with a reason", given=Adjustment, answer=Adjusted, status=201),
    Route("POST", "/members/{member_id}/tier", "write_points", grant_tier,
          "Grants a tier until a moment; it never lowers one that was earned", given=TierGrant, answer=TierGranted,
          status=201),
)  # fmt: skip
