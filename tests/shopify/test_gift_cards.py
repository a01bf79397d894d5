"""Gift cards and store credit against the development shop: made once whatever goes wrong, and read honestly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from devshop.shop import Customer, DevPlatform, DevShop
from plugin.shopify.admin import AdminClient
from plugin.shopify.errors import AccessDenied, Refused, Throttled, Unavailable
from plugin.shopify.perform import (
    SLOW,
    CardOrder,
    CreditOrder,
    Made,
    RefusedForGood,
    give_credit,
    left_on_card,
    make_card,
    withdraw_card,
)
from tests.shopify.conftest import Clock

TEA = {"title": "Tea", "price": 2500}
UNKNOWN = ["timeout_after", "timeout_before", "http_500", "http_503"]


@pytest.fixture
def robin(shop: DevShop) -> Customer:
    return shop.create_customer(first_name="Robin", last_name="Roe", email="robin@example.com")


@pytest.fixture
def card(robin: Customer, clock: Clock) -> CardOrder:
    return CardOrder("reg7f3kq2zdab", 1_000, "CHF", robin.id, clock() + timedelta(days=365), "regulars-7001")


@pytest.fixture
def credit(robin: Customer, clock: Clock) -> CreditOrder:
    return CreditOrder(robin.id, 1_000, "CHF", clock(), clock() + timedelta(days=365))


def cards(shop: DevShop) -> list[tuple[str, int, str | None]]:
    return [(one.code, one.balance, one.note) for one in shop.desk.shop.gift_cards.values()]


def credits(shop: DevShop) -> list[int]:
    return [move.amount for one in shop.desk.shop.credit_accounts.values() for move in one.moves]


def test_a_card_pays_until_it_is_empty(
    shop: DevShop, client: AdminClient, robin: Customer, card: CardOrder
) -> None:
    outcome = make_card(client, card, first_attempt=True)
    assert isinstance(outcome, Made)
    assert cards(shop) == [(card.code, 1_000, card.note)]
    [made] = shop.desk.shop.gift_cards.values()
    assert (made.customer, made.expires_on) == (robin.id, "2027-11-01")
    order = shop.place_order(robin, [{"title": "Pen", "price": 400}], [card.code.upper()], shipping=0)
    assert order.gateways == ["gift_card"]
    assert left_on_card(client, outcome.gid) == 600
    order = shop.place_order(robin, [TEA], [card.code], shipping=0)
    assert (order.gateways, left_on_card(client, outcome.gid)) == (["gift_card", "bogus"], 0)


@pytest.mark.parametrize("fault", UNKNOWN)
def test_whatever_became_of_the_first_try_there_is_one_card(
    platform: DevPlatform, shop: DevShop, client: AdminClient, card: CardOrder, fault: str
) -> None:
    platform.faults.add(fault, "giftCardCreate")
    with pytest.raises(Unavailable) as caught:
        make_card(client, card, first_attempt=True)
    assert caught.value.outcome_unknown
    assert isinstance(make_card(client, card, first_attempt=False), Made)
    assert isinstance(make_card(client, card, first_attempt=True), Made), "and a first try finds it as taken"
    assert cards(shop) == [(card.code, 1_000, card.note)]


def test_a_code_that_somebody_else_has_is_not_called_ours(
    shop: DevShop, client: AdminClient, card: CardOrder
) -> None:
    make_card(client, replace(card, note="of the merchant"), first_attempt=True)
    with pytest.raises(Unavailable):
        make_card(client, card, first_attempt=True)
    assert len(cards(shop)) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value_minor": 0}, "refused_greater_than"),
        ({"code": "short"}, "refused_too_short"),
        ({"customer_id": 4242}, "refused_customer_not_found"),
    ],
)
def test_what_a_card_is_refused_for_is_for_good(
    shop: DevShop, client: AdminClient, card: CardOrder, change: dict[str, object], reason: str
) -> None:
    odd = replace(card, **change)  # type: ignore[arg-type]
    assert make_card(client, odd, first_attempt=True) == RefusedForGood(reason)
    assert cards(shop) == []


def test_a_card_fault_that_passes_is_tried_again(
    platform: DevPlatform, client: AdminClient, card: CardOrder
) -> None:
    platform.faults.add("refuse", "giftCardCreate", code="INTERNAL_ERROR")
    with pytest.raises(Unavailable):
        make_card(client, card, first_attempt=True)
    platform.faults.add("throttle", "giftCardCreate", times=3)
    with pytest.raises(Throttled):
        make_card(client, card, first_attempt=True)
    platform.faults.add("refuse", "giftCardCreate", code="ACCESS_DENIED")
    with pytest.raises(AccessDenied):
        make_card(client, card, first_attempt=True)


def test_switching_a_card_off_tells_what_was_left_and_does_so_again(
    shop: DevShop, client: AdminClient, robin: Customer, card: CardOrder
) -> None:
    made = make_card(client, card, first_attempt=True)
    assert isinstance(made, Made)
    shop.place_order(robin, [{"title": "Pen", "price": 400}], [card.code], shipping=0)
    assert [withdraw_card(client, made.gid) for _ in range(2)] == [600, 600]
    [held] = shop.desk.shop.gift_cards.values()
    assert held.deactivated_at is not None
    shop.desk.shop.gift_cards.clear()
    assert withdraw_card(client, made.gid) == 0, "what the merchant removed holds nothing for us"
    assert left_on_card(client, made.gid) is None


def test_a_card_is_not_called_gone_for_another_reason(
    platform: DevPlatform, client: AdminClient, card: CardOrder
) -> None:
    made = make_card(client, card, first_attempt=True)
    assert isinstance(made, Made)
    platform.faults.add("refuse", "giftCardDeactivate", code="INVALID")
    with pytest.raises((Refused, Unavailable)):
        withdraw_card(client, made.gid)


def test_credit_pays_and_ends(
    shop: DevShop, client: AdminClient, robin: Customer, credit: CreditOrder, clock: Clock
) -> None:
    assert isinstance(give_credit(client, credit, sent_ago=None), Made)
    order = shop.place_order(robin, [TEA], store_credit=True, shipping=0)
    assert order.gateways == ["shopify_store_credit", "bogus"]
    assert credits(shop) == [1_000, -1_000]
    later = replace(credit, expires_at=credit.expires_at + timedelta(seconds=1))
    give_credit(client, later, sent_ago=None)
    clock.forward(days=366)
    assert shop.place_order(robin, [TEA], store_credit=True, shipping=0).gateways == ["bogus"]


@pytest.mark.parametrize("fault", UNKNOWN)
def test_whatever_became_of_the_first_try_credit_is_given_once(
    platform: DevPlatform, shop: DevShop, client: AdminClient, credit: CreditOrder, fault: str
) -> None:
    platform.faults.add(fault, "storeCreditAccountCredit")
    with pytest.raises(Unavailable) as caught:
        give_credit(client, credit, sent_ago=None)
    assert caught.value.outcome_unknown
    if not credits(shop):
        with pytest.raises(Unavailable) as caught:
            give_credit(client, credit, sent_ago=SLOW / 2)
        assert caught.value.outcome_unknown
        assert credits(shop) == [], "it may still be at work: nothing is sent again"
    for _ in range(2):
        assert isinstance(give_credit(client, credit, sent_ago=SLOW), Made)
    assert credits(shop) == [1_000]


def test_ours_is_found_among_many_others_and_not_taken_for_one_that_looks_alike(
    shop: DevShop, client: AdminClient, robin: Customer, credit: CreditOrder, clock: Clock
) -> None:
    give_credit(client, replace(credit, ordered_at=clock(), value_minor=999), sent_ago=None)
    euros = replace(credit, currency="EUR")
    shop.desk.shop.rates["EUR"] = "0.9"
    give_credit(client, euros, sent_ago=None)
    assert isinstance(give_credit(client, credit, sent_ago=SLOW), Made)
    assert credits(shop) == [999, 1_000, 1_000], "another amount and another currency are another credit"
    for n in range(60):
        give_credit(client, replace(credit, value_minor=n + 1, expires_at=clock() + timedelta(days=1, seconds=n)),
                    sent_ago=None)  # fmt: skip
    give_credit(client, credit, sent_ago=SLOW)
    assert credits(shop).count(1_000) == 2
    old = replace(credit, ordered_at=clock.forward(days=2), expires_at=credit.expires_at + timedelta(days=1))
    give_credit(client, old, sent_ago=SLOW)
    assert credits(shop).count(1_000) == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value_minor": 0}, "refused_negative_or_zero_amount"),
        ({"currency": "SEK"}, "refused_unsupported_currency"),
        ({"customer_id": 4242}, "refused_owner_not_found"),
    ],
)
def test_what_credit_is_refused_for_is_for_good(
    shop: DevShop, client: AdminClient, credit: CreditOrder, change: dict[str, object], reason: str
) -> None:
    odd = replace(credit, **change)  # type: ignore[arg-type]
    assert give_credit(client, odd, sent_ago=SLOW) == RefusedForGood(reason)
    assert credits(shop) == []
