"""Sentences for people: why an entry stands in the ledger, what an event was, and why a row is parked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from plugin.domain import reward_names
from plugin.domain.programme import Programme
from plugin.domain.referrals import WHYS
from plugin.domain.values import decimal_text
from plugin.pages.errands import EFFECTS
from plugin.store.events import Event
from plugin.store.history import HistoryLine

KINDS = {
    "earn": "Earned",
    "clawback": "Taken back",
    "signup": "Joined",
    "redeem": "Redeemed",
    "redeem_return": "Returned",
    "redeem_reversed": "Return withdrawn",
    "expire": "Expired",
    "void": "Never claimed",
    "transfer_out": "Moved to another account",
    "transfer_in": "Moved from another account",
    "adjust": "Adjusted",
    "forgiven": "Forgiven",
    "survey": "Answered",
    "action": "Earned",
    "referral": "Referral",
    "gift": "Gift",
    "import": "Moved in",
}
ACTIONS = {
    "newsletter": "Newsletter",
    "birthday": "Birthday",
    "anniversary": "Anniversary of joining",
    "social": "Social follow",
    "survey": "Survey answered",
    "review": "Product review",
    "custom": "Action",
}
CODE_STATES = {
    "debited": "Being made",
    "made": "Ready",
    "used": "Used",
    "undone": "Given back",
    "refused": "Refused",
    "waiting": "To be handed over",
    "fulfilled": "Handed over",
    "credited": "Credited",
    "expired": "Expired",
}
_BECAUSE = {
    "cancelled": "the order was cancelled",
    "deleted": "the order was deleted",
    "not_paid": "the order is not paid",
    "test": "the order is a test",
    "moved_to_another_customer": "the order belongs to another customer now",
    "other_currency": "the order is in another currency than the programme",
    "before_programme": "the order is older than the programme",
    "paused": "earning stood still when the order was placed",
    "disputed": "the payment was disputed at the bank",
    "refuted": "Shopify does not know the order",
    "refused": "the shop could not make the code",
    "inactive": "the member was not active",
    "closing_day": "the closing day of the programme had come",
    "undone": "the code was given back unused",
    "code_expired": "the code ended unused",
    "not_fulfilled": "the shop could not hand it over",
    "undone_by_shop": "the shop took the unused code back",
    "refunded": "the order with the code was refunded",
    "code_was_used": "the code was used after all",
    "less_refunded": "less of the order with the code is refunded now",
    "merged": "another account of the same person had them already",
    "below_minimum": "the order is below the minimum amount",
    "excluded_source": "orders from this sales channel earn nothing",
    "excluded_customer": "this customer is excluded by a tag",
    "company": "orders of companies earn nothing",
    "gift_withdrawn": "the order that brought the tier was given back",
    "referral_fell": "the order of the friend did not last",
}
# Kinds of entries that one sentence says all of.
_SAID = {"signup": "Points for joining.", "referral": "A friend’s first order has stood."}
_STATED = {"order": "Points for the order itself", "products": "Points for the products in it"}
_STOPPED = {"earning": "Earning", "redeeming": "Redeeming", "messages": "Messages to members"}
# The codes of plugin/shopify/errors.py, of the store and of the drain, as what to do about them.
REASONS = {
    "endpoint_failed": "The other program did not take the message, several times over. Look at its address under "
    "Settings, Connections, and send it again.",
    "endpoint_forbidden": "The address of the other program may not be called. Correct it under Settings, Connections.",
    "endpoint_gone": "The other program asked never to be called again, so its subscription was switched off.",
    "needs_reauth": "Shopify no longer accepts our key for this shop. Opening this page has renewed it: try again.",
    "access_denied": "Shopify does not let us do this. Check under Settings that every permission is granted.",
    "refused": "Shopify understood and said no. If trying again does not help, write to us with the text below.",
    "unavailable": "Shopify did not answer, several times over. It is safe to try again.",
    "throttled": "Shopify asked us to slow down. Try again later.",
    "token_unavailable": "We had no key for this shop just then. Try again.",
    "grant_refused": "Shopify gave us no key for this shop. Open the app anew from your list of apps and try again.",
    "platform_error": "Something went wrong at Shopify. Try again.",
    "storage_busy": "Our database was busy. Try again.",
    "bad_payload": "We cannot read this message: something in it is not as Shopify describes it. "
    "Try again after an update of the app, or write to us with the text below.",
    "unknown_topic": "This version of the app does not know this kind of message. Try again after an update.",
}
# Of what nobody foresaw, such as the name of an exception.
_UNKNOWN = "Something went wrong on our side. Try again; if it stays, write to us with the text below."


def entry(line: HistoryLine, programme: Programme | None = None) -> str:
    """The numbers behind one entry as a sentence; empty when its kind says it all. Tiers are named by the programme."""
    why = line.why
    if line.kind in ("earn", "clawback") and "basis_minor" in why:
        return _order(line, programme)
    if line.kind in ("action", "survey") and why.get("action") in ACTIONS:
        return f"{ACTIONS[str(why['action'])]}: {why.get('name')}."
    name = _reward(why)
    because = _BECAUSE.get(str(why.get("because")), "")
    if name:
        return f"{name}: {because}." if because else f"{name}."
    if short := _short(line):
        return short
    if why.get("rule") == "tier_entry":
        entered = _tier(why.get("tier"), programme)
        return f"For entering {entered}: {because}." if because else f"For entering {entered}."
    if line.kind == "expire" and why.get("rule") == "inactivity":
        return f"{_months(why.get('months'))} passed without activity."
    if line.kind == "expire" and not because:
        return "Not spent in time."
    if line.kind == "void":
        return f"Waited {why.get('months')} months for the customer to join."
    if line.kind == "forgiven" and why.get("rule") == "lapsed":
        return "They had expired or were never claimed, so they are not taken twice."
    if line.kind == "forgiven":
        return "The programme does not let a balance fall below zero."
    if line.kind in ("transfer_in", "transfer_out") and why.get("from"):
        other = why.get("from") if line.kind == "transfer_in" else why.get("to")
        return f"Two accounts became one: {other}."
    return f"{because[:1].upper()}{because[1:]}." if because else ""


def _short(line: HistoryLine) -> str:
    """What needs no numbers."""
    if line.kind in _SAID:
        return _SAID[line.kind]
    if not line.why.get("import"):
        return ""
    if line.kind == "adjust":
        return "By a list of adjustments."
    app = line.why.get("from")
    return f"Moved in from {app}." if line.points > 0 else f"Set to the balance of {app}."


def _reward(why: Mapping[str, Any]) -> object:
    return reward_names.of_entry(why) or why.get("reward")


def _order(line: HistoryLine, programme: Programme | None) -> str:
    why = line.why
    before, target = _number(why.get("before")), _number(why.get("target"))
    because = _BECAUSE.get(str(why.get("because")))
    if because:
        return f"{because[:1].upper()}{because[1:]}. It had earned {before:,}."
    parts = []
    rate, currency = why.get("rate") or why.get("rate_of_weighed"), str(why.get("currency") or "")
    if isinstance(rate, list) and len(rate) == 2 and currency:
        basis, per = (
            decimal_text(_number(value), currency) for value in (why.get("basis_minor", 0), rate[1])
        )
        parts.append(f"{currency} {basis} at {points(rate[0])} for every {currency} {per}")
    if "weighed_minor" in why and parts:
        weighed = decimal_text(_number(why["weighed_minor"]), currency)
        parts.append(f"counting as {currency} {weighed} by the rules for products and amounts")
    if why.get("rule") in _STATED:
        parts.append(_STATED[str(why["rule"])])
    elif "campaign" in why:
        parts.append(f"Campaign “{why.get('name')}”")
    elif "nth" in why:
        parts.append(str(why.get("name") or f"Bonus for order {why['nth']}"))
    multiplier = why.get("multiplier")
    if isinstance(multiplier, list) and len(multiplier) == 2 and multiplier[0] != multiplier[1]:
        parts.append(f"times {times(*multiplier)} for {_tier(why.get('tier'), programme)}")
    if "uncapped" in why:
        parts.append(f"cut from {_number(why['uncapped']):,} by the most that orders of one period earn")
    text = ", ".join(parts)
    if before:
        text += f"{': ' if text else ''}{target:,} now, {before:,} before"
    return f"{text}." if text else ""


def _months(count: object) -> str:
    return "1 month" if count == 1 else f"{count} months"


def _tier(key: object, programme: Programme | None) -> str:
    known = programme.tier(str(key)) if programme else None
    return known.name if known else f"tier {key}"


def _number(value: object) -> int:
    return int(str(value or 0))


def points(count: object) -> str:
    """A number of points with its noun."""
    return "1 point" if count == 1 else f"{count} points"


def times(numerator: int, denominator: int) -> str:
    """A multiplier as people write it, such as 1.25."""
    value = Decimal(numerator) / Decimal(denominator)
    return f"{value:.4f}".rstrip("0").rstrip(".")


def event(found: Event, programme: Programme | None = None) -> str:
    """What happened, as a sentence. Tiers are named by the programme."""
    detail, subject = found.detail, found.subject.partition(":")[2]
    given = _number(detail.get("points")) if found.kind == "points_adjusted" else 0
    held = detail.get("scopes")
    scopes = held if isinstance(held, list) else []
    sentences = {
        "webhook_added": "A webhook subscription was added.",
        "webhook_changed": "A webhook subscription was changed.",
        "webhook_secret_changed": "The secret of a webhook subscription was changed.",
        "webhook_removed": "A webhook subscription was removed.",
        "api_key_made": f"The API key {detail.get('name')} was made.",
        "api_key_revoked": f"The API key {detail.get('name')} was revoked.",
        "installed": "The app was installed again." if detail.get("again") else "The app was installed.",
        "uninstalled": "The app was uninstalled.",
        "scopes_updated": f"The permissions changed: {', '.join(map(str, scopes))}.",
        "bulk_finished": f"A bulk read at Shopify ended: {detail.get('status')}.",
        "programme_published": f"Version {subject} of the programme was published.",
        "programme_scheduled": f"Version {subject} of the programme was scheduled.",
        "programme_in_force": f"Version {subject} of the programme came into force, as scheduled.",
        "programme_cancelled": f"Version {subject} of the programme was cancelled before it came into force.",
        "points_adjusted": f"{abs(given):,} points were {'given' if given > 0 else 'taken'} by hand.",
        "referral_decided": _referral_decided(detail),
        "referral_reviewed": f"A referral was {detail.get('decision')} by hand.",
        "birthday_set": "The birthday was set by hand.",
        "reward_expiring": "The member’s unused code ends soon.",
        "reward_not_given": "A reward that was to be given was sold out.",
        "reward_fulfilled": "A reward was handed over.",
        "reward_refused": "A reward could not be handed over; its points came back.",
        "points_expiring": f"{points(_number(detail.get('points')))} will expire on {_day(detail.get('ends_at'))}.",
        "points_extended": f"{points(_number(detail.get('points')))} now last until {_day(detail.get('ends_at'))}.",
        "extension_begun": f"Points that would expire before {_day(detail.get('ends_at'))} are to last until then.",
        "extension_done": f"An extension is done: {points(_number(detail.get('points')))} last longer.",
        "tier_changed": _tier_changed(detail, programme),
        "tier_warning": f"The member was told that they fall from {_tier(detail.get('tier'), programme)} "
        f"to {_tier(detail.get('to'), programme)} on {str(detail.get('at'))[:10]}.",
        "tier_granted": f"{_tier(detail.get('tier'), programme)} was granted"
        + (f" until {str(detail['until'])[:10]}." if detail.get("until") else "."),
        "tier_grant_ended": f"The granted tier {_tier(detail.get('tier'), programme)} was ended.",
        "members_merged": f"Customer {detail.get('gone')} was merged into this one.",
        "merge_not_done": f"Shopify did not finish merging this customer into {detail.get('kept')}.",
        "member_forgotten": "The customer’s data was erased, as the law asks.",
        "data_requested": "The customer asked for their data. The answer is below.",
        "paused": f"{_STOPPED.get(found.subject, 'Something')} stopped.",
        "resumed": f"{_STOPPED.get(found.subject, 'Something')} goes on.",
        "correction_begun": "A correction of past orders began."
        if detail.get("version")
        else "Orders of a stop are counted after all.",
        "correction_done": f"A correction of past orders is done: {_number(detail.get('orders')):,} orders, "
        f"{_number(detail.get('points')):+,} points.",
        "import_begun": f"A list of {_number(detail.get('rows')):,} rows was begun.",
        "import_done": f"A list is done: {_number(detail.get('done')):,} rows, "
        f"{_number(detail.get('points_in')):,} points given, {_number(detail.get('points_out')):,} taken.",
        "shop_moved_in": "The shop’s data came from another installation.",
        "backfill_begun": "The reading of past orders began: "
        + ("they earn points." if detail.get("policy") == "earn" else "they count as history only."),
        "backfill_done": f"Past orders were read: {_number(detail.get('orders')):,} orders, "
        f"{_number(detail.get('points')):,} points.",
        "backfill_failed": f"The reading of past orders ended early: {detail.get('reason')}",
        "member_frozen": "The member was frozen: their points cannot be spent for now.",
        "member_unfrozen": "The member may spend points again.",
        "member_opted_out": "The member was taken out of the programme.",
        "member_opted_in": "The customer was taken into the programme.",
        "member_asked_no_more": "The customer is asked no more survey questions.",
        "member_asked_again": "The customer is asked survey questions again.",
        "redact_ignored": "Shopify asked to erase the shop, which had come back by then; nothing was erased.",
    }
    return sentences.get(found.kind, f"{found.kind.replace('_', ' ').capitalize()}.")


def _day(moment: object) -> str:
    """The day of an ISO moment, as the trail writes it."""
    return str(moment)[:10]


def _referral_decided(detail: dict[str, object]) -> str:
    given = _number(detail.get("points"))
    if detail.get("state") == "approved":
        return f"A referral counted{f': {points(given)} were given' if given else ''}."
    why = WHYS.get(str(detail.get("why")), "")
    verb = "was refused" if detail.get("state") == "rejected" else "came to nothing"
    return f"A referral {verb}. {why}".rstrip()


def _tier_changed(detail: dict[str, object], programme: Programme | None) -> str:
    before, after = detail.get("from"), _tier(detail.get("to"), programme)
    if before is None:
        return f"The member entered {after}."
    if detail.get("by") not in (None, "earned"):
        return f"The member moved from {_tier(before, programme)} to {after}, which was granted."
    points = programme is None or programme.ladder.basis == "points"
    return (
        f"The member moved from {_tier(before, programme)} to {after}, "
        f"with {_number(detail.get('progress')):,} {'points earned' if points else 'counted'}."
    )


def actor(text: str) -> str:
    """Who did it, in a word or two."""
    kind = text.partition(":")[0]
    return {
        "system": "Regulars", "command": "The command line", "shopify": "Shopify", "member": "The member",
        "staff": "A staff member", "api": "Another program",
    }.get(kind, text)  # fmt: skip


def staff_of(text: str) -> str:
    """The number of the staff member who did it, as Shopify counts them; empty for anybody else."""
    kind, _, who = text.partition(":")
    return who if kind == "staff" else ""


def member_of(subject: str) -> int | None:
    """The member that an event is about, or None."""
    found = re.fullmatch(r"member:([0-9]{1,18})", subject)
    return int(found[1]) if found else None


def work(queue: str, kind: str) -> str:
    """What a parked row wanted to do."""
    return f"Message from Shopify: {kind}" if queue == "webhook" else EFFECTS.get(kind, kind)


def reason(text: str) -> str:
    """Why a row was parked and what to do about it, as a sentence; never what a program said."""
    return REASONS.get(text.partition(":")[0], _UNKNOWN) if text else "No reason was given."


def technical(text: str) -> str:
    """What the program or the platform said when a row was parked, for whom we are asked; short enough for a table."""
    return text if len(text) <= 200 else f"{text[:199]}…"
