"""Makes and withdraws the one-use discount code a member redeems points for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from plugin.domain.values import decimal_text
from plugin.shopify.admin import AdminClient
from plugin.shopify.errors import Refused, Unavailable

_CREATE = {"amount_off": "discount_amount_off", "free_shipping": "discount_free_shipping"}
# The code exists already: ours from an earlier try, or somebody else's.
_TAKEN = {"TAKEN", "DUPLICATE"}
# Complaints that pass by themselves.
_PASSING = {"INTERNAL_ERROR"}


@dataclass(frozen=True, slots=True)
class CodeOrder:
    """One code to make. `tag` should name the redemption, because it tells our code from anybody else's.

    `value_minor`: the amount taken off; for free shipping the dearest shipping it pays, None for any.
    """

    code: str
    kind: Literal["amount_off", "free_shipping"]
    value_minor: int | None
    currency: str
    minimum_minor: int | None
    customer_id: int
    title: str
    starts_at: datetime
    ends_at: datetime | None
    tag: str


@dataclass(frozen=True, slots=True)
class Made:
    """The code exists and is the ordered one."""

    gid: str


@dataclass(frozen=True, slots=True)
class RefusedForGood:
    """The platform will never make this code: `code_taken` or `refused_<the platform's code>`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The code no longer works. `used`: an order carries it, so the points must not be given back.

    The platform counts uses a moment late: an order that still comes with the code reverses the credit.
    """

    used: bool


@dataclass(frozen=True, slots=True)
class _Found:
    gid: str
    title: str
    tags: frozenset[str]
    customers: frozenset[str]
    uses: int


def make_code(client: AdminClient, order: CodeOrder, *, first_attempt: bool) -> Made | RefusedForGood:
    """Makes the code, or finds that an earlier try already did; never a second one.

    Pass `first_attempt=False` whenever an earlier try may have acted. Raises Throttled, Unavailable,
    NeedsReauth, TokenUnavailable or AccessDenied for another try.
    """
    if not first_attempt:
        found = _look_up(client, order.code)
        if found is not None:
            return _judged(found, order)
    try:
        payload = client.run(_CREATE[order.kind], {"input": _input(order)})
    except Refused as refused:
        return _after_refusal(client, order, refused)
    return Made(next(iter(payload.values()))["codeDiscountNode"]["id"])


def withdraw_code(client: AdminClient, gid: str | None, code: str, *, tag: str | None = None) -> Withdrawn:
    """Switches the code off and says whether it was used before. Doing it again answers the same.

    Without a `gid` (the outcome of the making is unknown) the code is looked up, and touched only if it
    carries `tag`. A code that does not exist counts as withdrawn and unused. Raises what `make_code` raises,
    and Refused.
    """
    if gid is None:
        found = _look_up(client, code)
        if found is None or tag is None or tag not in found.tags:
            return Withdrawn(used=False)
        gid = found.gid
    try:
        client.run("discount_deactivate", {"id": gid})
    except Refused as refused:
        if refused.codes() & _PASSING:
            raise _later(outcome_unknown=False) from refused
        found = _look_up(client, code)
        if found is not None and found.gid == gid:
            raise
        return Withdrawn(used=False)
    # Only now: a use before the switch-off is counted, a use after it cannot happen.
    found = _look_up(client, code)
    return Withdrawn(used=found is not None and found.gid == gid and found.uses > 0)


def _after_refusal(client: AdminClient, order: CodeOrder, refused: Refused) -> Made | RefusedForGood:
    codes = refused.codes()
    if codes & _TAKEN:
        found = _look_up(client, order.code)
        if found is None:
            raise _later(outcome_unknown=True) from refused
        return _judged(found, order)
    if codes & _PASSING:
        raise _later(outcome_unknown=True) from refused
    # Anything else is in vain, a call the platform does not accept included: the points go back.
    return RefusedForGood("refused_" + (sorted(codes)[0].lower() if codes else "without_code"))


def _judged(found: _Found, order: CodeOrder) -> Made | RefusedForGood:
    ours = (
        found.title == order.title
        and order.tag in found.tags
        and _customer(order.customer_id) in found.customers
    )
    return Made(found.gid) if ours else RefusedForGood("code_taken")


def _look_up(client: AdminClient, code: str) -> _Found | None:
    node = client.run("discount_by_code", {"code": code})["codeDiscountNodeByCode"]
    if node is None:
        return None
    discount = node["codeDiscount"]
    customers = (discount.get("context") or {}).get("customers") or []
    return _Found(
        gid=node["id"],
        title=discount.get("title", ""),
        tags=frozenset(discount.get("tags") or ()),
        customers=frozenset(customer["id"] for customer in customers),
        uses=int(discount.get("asyncUsageCount") or 0),
    )


def _input(order: CodeOrder) -> dict[str, Any]:
    said: dict[str, Any] = {
        "title": order.title,
        "code": order.code,
        "startsAt": _stamp(order.starts_at),
        "endsAt": None if order.ends_at is None else _stamp(order.ends_at),
        "context": {"customers": {"add": [_customer(order.customer_id)]}},
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "tags": [order.tag],
    }
    if order.minimum_minor:
        least = decimal_text(order.minimum_minor, order.currency)
        said["minimumRequirement"] = {"subtotal": {"greaterThanOrEqualToSubtotal": least}}
    if order.kind == "amount_off":
        amount = decimal_text(order.value_minor or 0, order.currency)
        said["customerGets"] = {
            "value": {"discountAmount": {"amount": amount, "appliesOnEachItem": False}},
            "items": {"all": True},
        }
        # Beside a sale price or free shipping, but never two amounts off one order.
        said["combinesWith"] = {"orderDiscounts": False, "productDiscounts": True, "shippingDiscounts": True}
    else:
        said["destination"] = {"all": True}
        if order.value_minor is not None:
            said["maximumShippingPrice"] = decimal_text(order.value_minor, order.currency)
        # Two shipping discounts never combine, so the input does not offer it.
        said["combinesWith"] = {"orderDiscounts": True, "productDiscounts": True}
    return said


def _customer(customer_id: int) -> str:
    return f"gid://shopify/Customer/{customer_id}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _later(*, outcome_unknown: bool) -> Unavailable:
    return Unavailable("Shopify could not answer. Try again in a moment.", outcome_unknown=outcome_unknown)
