"""Makes and withdraws the one-use discount code a member redeems points for."""

from __future__ import annotations

from dataclasses import dataclass

from plugin.shopify.admin import AdminClient
from plugin.shopify.code_inputs import CodeKind, CodeOrder, combinations, customer_gid, discount_input
from plugin.shopify.errors import Refused, Unavailable

_CREATE = {
    "amount_off": "discount_amount_off",
    "percent_off": "discount_amount_off",
    "free_shipping": "discount_free_shipping",
    "product": "discount_product",
}
_CHANGE = {
    "amount_off": "discount_amount_off_change",
    "percent_off": "discount_amount_off_change",
    "free_shipping": "discount_free_shipping_change",
    "product": "discount_product_change",
}
# The code exists already: ours from an earlier try, or somebody else's.
_TAKEN = {"TAKEN", "DUPLICATE"}
# Complaints that pass by themselves.
_PASSING = {"INTERNAL_ERROR"}


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
        payload = client.run(_CREATE[order.kind], {"input": discount_input(order)})
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
        and (order.customer_id is None or customer_gid(order.customer_id) in found.customers)
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


def combine_code(client: AdminClient, gid: str, code: str, kind: CodeKind, combines: frozenset[str]) -> bool:
    """Changes beside which discounts a code may be used; False when the shop has it no more. Twice is as once.

    Raises what `make_code` raises, and Refused.
    """
    wanted = {"combinesWith": combinations(kind, combines)}
    try:
        client.run(_CHANGE[kind], {"id": gid, "input": wanted})
    except Refused as refused:
        if refused.codes() & _PASSING:
            raise _later(outcome_unknown=False) from refused
        if _look_up(client, code) is None:
            return False
        raise
    return True


def _later(*, outcome_unknown: bool) -> Unavailable:
    return Unavailable("Shopify could not answer. Try again in a moment.", outcome_unknown=outcome_unknown)
