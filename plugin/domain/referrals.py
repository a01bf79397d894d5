"""Referrals: a member's code, who looks like whom, how suspicious a referral is, and what becomes of it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Literal

from plugin.domain.facts import Traces
from plugin.domain.programme import Checks, Referral
from plugin.domain.rewards import CODE_ALPHABET

# waiting: not paid or not confirmed; qualified: counts once its time has come; review: a person decides;
# approved: given; rejected: refused by a person, the score or the cap; cancelled: the order did not stand.
State = Literal["waiting", "qualified", "review", "approved", "rejected", "cancelled"]
# The cart's attribute that carries a code into the order; the merchant reads it there as it stands.
ATTRIBUTE = "Referral code"
# What a person may be told of each sign.
REASONS = {
    "same_customer": "The friend is the member.",
    "same_email": "The same e-mail address, but for dots and what follows a plus.",
    "same_phone": "The same phone number.",
    "same_address": "The same shipping address.",
    "device": "Ordered from a device of the member or of another friend.",
    "network": "Ordered from a network that many around this member use.",
    "prior_purchase": "The friend had bought before.",
    "cancelled": "Many orders of this member's friends were cancelled or sent back.",
}
# Those that rest on fingerprints, which fade.
PRINT_REASONS = frozenset({"same_phone", "same_address", "device", "network"})
WHYS = {
    "not_paid": "The order is not paid yet.",
    "not_read": "The order is not confirmed by Shopify yet.",
    "cancelled": "The order was cancelled.",
    "deleted": "The order was deleted.",
    "refuted": "Shopify does not know the order.",
    "test": "The order is a test.",
    "refunded": "The order was sent back, or is worth less than referrals ask for.",
    "too_small": "The order is worth less than referrals ask for.",
    "again": "Another order of the same friend counts.",
    "score": "Too many signs of abuse.",
    "cap": "The member has reached the limit of this period.",
    "staff": "Decided by staff.",
    "member_gone": "The member has left the programme.",
    "other_currency": "The order is in another currency than the programme.",
}
# An order that ended for one of these was bought and given back: a sign when it happens often.
GIVEN_BACK = frozenset({"cancelled", "refunded"})
_LINK = re.compile(r"https?://[^/?#]+(?:[^?#]*/([^/?#]*))?\??([^#]*)")  # last step, query
_PARAMETER = re.compile(r"(^|_)ref(erral)?(_|$)")  # as in the theme's referral.js
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{3,38}[A-Z0-9]")
_DOTLESS = frozenset({"gmail.com", "googlemail.com"})


def code_of(shop: str, member_id: int, prefix: str, attempt: int = 0) -> str:
    """A member's code, always the same for the same attempt. It tells nothing of who the member is."""
    digest = hashlib.sha256(f"referral:{shop}:{member_id}:{attempt}".encode()).digest()
    number = int.from_bytes(digest[:8], "big")
    letters = ""
    for _ in range(8):
        number, at = divmod(number, len(CODE_ALPHABET))
        letters += CODE_ALPHABET[at]
    return f"{prefix.upper()}-{letters}"


def code_in(text: object) -> str | None:
    """A code as somebody's browser hands it on, or None for what cannot be one."""
    said = text.strip().upper() if isinstance(text, str) else ""
    return said if _CODE.fullmatch(said) else None


def code_of_link(text: str) -> str | None:
    """The code in what a former app called somebody's code or link, or None.

    In a link it is the value of a parameter that is named like one (`ll_ref_id`, `referral_code`), else the last step.
    """
    link = _LINK.match(text.strip())
    if link is None:
        return code_in(text)
    pairs = [pair.partition("=") for pair in link[2].split("&")]
    said = [value for name, _, value in pairs if _PARAMETER.search(name)]
    return next((code for one in (*said, link[1]) if (code := code_in(one))), None)


def carried(attributes: Iterable[tuple[object, object]]) -> str | None:
    """The code among an order's attributes (name, value), or None."""
    return next((code_in(value) for name, value in attributes if name == ATTRIBUTE), None)


def plain_email(email: str | None) -> str | None:
    """The mailbox behind an address: without case, without what follows a plus, at Google's without dots."""
    name, at, host = (email or "").strip().casefold().rpartition("@")
    name = name.partition("+")[0]
    if host in _DOTLESS:
        name, host = name.replace(".", ""), "gmail.com"
    return f"{name}@{host}" if name and at and host else None


def prints_of(traces: Traces) -> list[tuple[str, str]]:
    """What of an order's traces can be compared, as (kind, plain text), one a kind at most; to be hashed at once."""
    network = _network(traces.ip)
    found = {
        "phone": _phone(traces.phone),
        "address": _address(traces),
        "network": network,
        "device": f"{network} {traces.device.strip()}" if network and traces.device else None,
    }
    return [(kind, text) for kind, text in found.items() if text]


def _phone(phone: str | None) -> str | None:
    """The last nine digits: with or without the country's, it is the same phone."""
    digits = "".join(sign for sign in phone or "" if sign.isdecimal() and sign.isascii())
    return digits[-9:] if len(digits) >= 7 else None


def _address(traces: Traces) -> str | None:
    if not traces.street or not traces.zip:
        return None
    return "|".join(_bare(part) for part in (traces.street, traces.zip, traces.country or ""))


def _bare(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in plain if sign.isalnum())


def _network(ip: str | None) -> str | None:
    """The address; of IPv6 the first half, which is what a household or an office has."""
    try:
        address = ip_address((ip or "").strip())
    except ValueError:
        return None
    return str(address) if address.version == 4 else str(ip_network(f"{address}/64", strict=False))


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of a friend beside the referrer. `seen_at_…`: how many others of theirs were seen there."""

    same_customer: bool = False
    same_email: bool = False
    same_phone: bool = False
    same_address: bool = False
    seen_at_device: int = 0
    seen_at_network: int = 0
    prior_purchase: bool = False
    given_back: int = 0


def reasons(signs: Signs, checks: Checks) -> tuple[str, ...]:
    """The signs of abuse that count under these checks, in a fixed order."""
    found = {
        "same_customer": signs.same_customer,
        "same_email": signs.same_email,
        "same_phone": signs.same_phone,
        "same_address": signs.same_address,
        "device": signs.seen_at_device >= checks.device_limit,
        "network": signs.seen_at_network >= checks.network_limit,
        "prior_purchase": signs.prior_purchase,
        "cancelled": signs.given_back >= checks.cancelled_limit,
    }
    return tuple(name for name, holds in found.items() if holds and score([name], checks) > 0)


def score(found: Iterable[str], checks: Checks) -> int:
    """The sum of what these signs add."""
    worth: Mapping[str, int] = {name: getattr(checks, name) for name in REASONS}
    return sum(worth[name] for name in found)


@dataclass(frozen=True, slots=True)
class Case:
    """One referral as it stands: its order, what staff said, and whether the reward was given already.

    `why_not`: why the order counts nothing, as earning says it; `over_at`: when the order has arrived and the window,
    or the days set, is over, None while it is on its way; `again`: another order of the same friend comes first.
    """

    why_not: str | None
    confirmed: bool
    refuted: bool
    basis_minor: int
    over_at: datetime | None
    again: bool = False
    member_gone: bool = False
    score: int = 0
    decision: Literal["approved", "rejected"] | None = None
    released: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a referral, and when the reward is due."""

    state: State
    why: str | None = None
    release_at: datetime | None = None


def judge(case: Case, rule: Referral, now: datetime) -> Verdict:
    """What a referral is now, before any cap. Pure: the same case, the same verdict, however it came about.

    Staff's word stands above the score, an order that does not stand above staff's yes.
    """
    if case.decision == "rejected":
        return Verdict("rejected", "staff")
    if case.refuted:
        return Verdict("cancelled", "refuted")
    if case.why_not in ("not_paid", "not_seen"):
        # Given already, an order that is not paid any more does not stand.
        return Verdict("cancelled" if case.released else "waiting", "not_paid")
    if case.why_not is not None:
        return Verdict("cancelled", case.why_not)
    if case.basis_minor < max(1, rule.minimum_minor):
        return Verdict("cancelled", "refunded" if case.basis_minor <= 0 or case.released else "too_small")
    if case.released:
        return Verdict("approved", release_at=case.over_at)
    if case.again:
        return Verdict("cancelled", "again")
    if case.member_gone:
        return Verdict("cancelled", "member_gone")
    if not case.confirmed:
        return Verdict("waiting", "not_read")
    if case.decision is None and case.score >= rule.reject_score:
        return Verdict("rejected", "score")
    if case.decision is None and case.score >= rule.review_score:
        return Verdict("review", "score")
    due = case.over_at is not None and case.over_at <= now
    return Verdict("approved" if due else "qualified", release_at=case.over_at)


@dataclass(frozen=True, slots=True)
class Place:
    """One referral in the queue for a referrer's slots of a period."""

    referral_id: int
    placed_at: datetime
    order_id: int
    released: bool


def over_cap(places: Iterable[Place], cap: int | None) -> frozenset[int]:
    """Those of one period that come too late: what was given keeps its slot, then the earliest order comes first."""
    if cap is None:
        return frozenset()
    ranked = sorted(places, key=lambda one: (not one.released, one.placed_at, one.order_id))
    return frozenset(one.referral_id for one in ranked[cap:] if not one.released)
