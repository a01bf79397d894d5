"""Sentences for people: why an entry stands in the ledger, and why a row is parked."""

from __future__ import annotations

from plugin.domain.values import decimal_text
from plugin.store.ledger import HistoryLine

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
}
_BECAUSE = {
    "cancelled": "the order was cancelled",
    "deleted": "the order was deleted",
    "not_paid": "the order is not paid",
    "test": "the order is a test",
    "moved_to_another_customer": "the order belongs to another customer now",
    "other_currency": "the order is in another currency than the programme",
    "before_programme": "the order is older than the programme",
    "refuted": "Shopify does not know the order",
    "refused": "the shop could not make the code",
    "undone": "the code was given back unused",
    "refunded": "the order with the code was refunded",
    "code_was_used": "the code was used after all",
}


def entry(line: HistoryLine) -> str:
    """The numbers behind one entry as a sentence; empty when its kind says it all."""
    why = line.why
    if line.kind in ("earn", "clawback"):
        return _order(line)
    name = why.get("name") or why.get("reward")
    because = _BECAUSE.get(str(why.get("because")), "")
    if name:
        return f"{name}: {because}." if because else f"{name}."
    if line.kind == "void":
        return f"Waited {why.get('months')} months for the customer to join."
    if line.kind == "forgiven":
        return "The programme does not let a balance fall below zero."
    return f"{because[:1].upper()}{because[1:]}." if because else ""


def _order(line: HistoryLine) -> str:
    why = line.why
    parts = []
    rate, currency = why.get("rate"), str(why.get("currency") or "")
    if isinstance(rate, list) and len(rate) == 2 and currency:
        basis, per = (
            decimal_text(int(str(value)), currency) for value in (why.get("basis_minor", 0), rate[1])
        )
        parts.append(f"{currency} {basis} at {rate[0]} for every {currency} {per}")
    multiplier = why.get("multiplier")
    if isinstance(multiplier, list) and len(multiplier) == 2 and multiplier[0] != multiplier[1]:
        parts.append(f"times {multiplier[0]}/{multiplier[1]} for tier {why.get('tier')}")
    before, target = why.get("before"), why.get("target")
    text = ", ".join(parts)
    if before:
        text += f"{'; ' if text else ''}{target} points should stand, {before} stood before"
    because = _BECAUSE.get(str(why.get("because")))
    if because:
        text += f"{'; ' if text else ''}{because}"
    return f"{text}." if text else ""


def reason(text: str) -> str:
    """Why a row was parked, short enough for a table."""
    return text if len(text) <= 200 else f"{text[:197]}…"
