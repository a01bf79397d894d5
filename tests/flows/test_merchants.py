"""Merchants flow: install, set-up, publishing, leaving and coming back."""

from __future__ import annotations

import pytest

from plugin.domain.facts import AppUninstalled, BulkFinished, ScopesUpdated
from plugin.domain.programme import EarningRule
from plugin.domain.values import Rate
from plugin.flows import merchants
from plugin.flows.merchants import InvalidProgramme
from plugin.store import events, programmes
from plugin.store.db import Database
from tests.books import Books, shop_domain
from tests.facts import DAY, T0, programme, seen


def test_a_new_shop_is_set_up_once(shared: Database) -> None:
    domain = shop_domain("new")
    with shared.write() as tx:
        shop = merchants.install(tx, domain, "read_orders", T0)
        again = merchants.install(tx, domain, "read_orders,read_products", T0 + DAY)
    assert (shop.state, shop.installed_at, again.installed_at, again.scopes) == (
        "installed", T0, T0, "read_orders,read_products",
    )  # fmt: skip
    with shared.write(shop.shop_id) as tx:
        for _ in range(2):
            told = merchants.set_up(
                tx, shop, name="New", currency="JPY", timezone="Asia/Tokyo", platform_gid="g", installation_gid="i",
                scopes="", now=T0 + DAY,
            )  # fmt: skip
        versions = programmes.versions(tx, shop.shop_id)
        found = versions.latest
        waiting = tx.all(
            "SELECT effect_key FROM outbox WHERE shop_id = :s ORDER BY effect_key", s=shop.shop_id
        )
    assert (told.currency, told.name) == ("JPY", "New")
    assert found is not None
    assert (found.version, found.currency, found.earning[0].rate) == (1, "JPY", Rate(1, 100))
    assert versions.at(T0) == found  # in force from the install, not from the set-up
    assert versions.at(T0 - DAY) is None
    assert waiting == [("shop:digest",), ("shop:setup",)]


def test_a_programme_with_problems_is_not_published(books: Books) -> None:
    with pytest.raises(InvalidProgramme) as refused:
        books.publish(programme(currency="", tier_months=0))
    assert [field for field, _ in refused.value.problems] == ["currency", "tier_months"]
    with books.db.read() as tx:
        latest = programmes.versions(tx, books.shop_id).latest
    assert latest is not None
    assert latest.version == 2


def test_versions_are_numbered_and_never_share_a_moment(books: Books) -> None:
    first = books.publish(programme(signup_points=1), at=T0)
    second = books.publish(programme(signup_points=2), at=T0)
    assert (first.version, second.version) == (3, 4)
    with books.db.read() as tx:
        versions = programmes.versions(tx, books.shop_id)
    assert versions.latest == second
    assert versions.at(T0) == first
    assert versions.numbered(3) == first
    assert versions.numbered(99) is None


def test_another_currency_earns_nothing_until_it_is_published(books: Books) -> None:
    books.tell(seen(1, currency="EUR"))
    assert books.entries(7) == []
    books.publish(programme(currency="EUR", earning=(EarningRule(Rate(2, 100)),)), at=T0 + DAY)
    books.now = T0 + 2 * DAY
    books.tell(
        seen(2, currency="EUR", at=books.now, processed_at=books.now), seen(1, currency="EUR", at=books.now)
    )
    assert books.entries(7) == [("earn", 200)]


def test_scopes_and_bulk_operations_leave_a_trail(books: Books) -> None:
    books.merchant(ScopesUpdated(("read_orders", "write_discounts")))
    books.merchant(BulkFinished("gid://shopify/BulkOperation/1", "completed"))
    assert books.shop.scopes == "read_orders,write_discounts"
    with books.db.read() as tx:
        kinds = [event.kind for event in events.latest(tx, books.shop_id)]
    assert kinds[:2] == ["bulk_finished", "scopes_updated"]


def test_effects_of_a_shop_that_left_wait_until_it_is_back(books: Books) -> None:
    from plugin.store import queues

    books.give_order(7)
    books.merchant(AppUninstalled(), at=T0)
    assert books.shop.state == "uninstalled"
    with books.db.read() as tx:
        assert books.shop_id not in queues.outbox_shops(tx, T0 + DAY)
    with books.db.write() as tx:
        merchants.install(tx, books.shop.domain, "read_orders", T0 + DAY)
    with books.db.read() as tx:
        assert books.shop_id in queues.outbox_shops(tx, T0 + DAY)
    books.merchant(AppUninstalled(), at=T0)  # the old notice again
    assert books.shop.state == "installed"
