"""Merchants flow: install, set-up, publishing, leaving and coming back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.domain.facts import AppUninstalled, BulkFinished, ScopesUpdated
from plugin.domain.programme import EarningRule
from plugin.domain.values import Rate
from plugin.flows import merchants
from plugin.flows.merchants import InvalidProgramme
from plugin.store import events, programmes, queues
from plugin.store.db import Database
from tests.books import Books, shop_domain
from tests.facts import DAY, T0, line, programme, seen


def test_a_new_shop_is_set_up_once(shared: Database) -> None:
    domain = shop_domain("new")
    with shared.write() as tx:
        shop = merchants.install(tx, domain, "read_orders", T0)
        again = merchants.install(tx, domain, "read_orders,read_products", T0 + DAY)
    assert (shop.state, shop.scopes, again.scopes) == (
        "installed", "read_orders", "read_orders,read_products",
    )  # fmt: skip
    # Rules and reconciliation count from the install; the platform vouched for it once more.
    assert (shop.installed_at, again.installed_at) == (T0, T0)
    assert (shop.proved_at, again.proved_at) == (T0, T0 + DAY)
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


def test_scopes_of_an_earlier_time_change_nothing(books: Books) -> None:
    books.merchant(ScopesUpdated(("read_orders", "write_discounts")), at=T0 + DAY)
    books.merchant(ScopesUpdated(("read_orders",)), at=T0)
    assert books.shop.scopes == "read_orders,write_discounts"
    with books.db.write() as tx:
        merchants.install(tx, books.shop.domain, "read_products", T0 + 2 * DAY)
    books.merchant(ScopesUpdated(("read_orders",)), at=T0 + DAY)
    assert books.shop.scopes == "read_products"
    books.merchant(ScopesUpdated(("read_orders",)), at=T0 + 3 * DAY)
    assert books.shop.scopes == "read_orders"
    assert books.rows("SELECT COUNT(*) FROM events WHERE shop_id = :s AND kind = 'scopes_updated'") == [(2,)]


def test_a_notice_older_than_the_last_token_is_ignored_and_the_shop_set_up_again(books: Books) -> None:
    with books.db.write() as tx:
        merchants.install(tx, books.shop.domain, "read_orders", T0 + DAY, proved_at=T0)
        queues.effects_done(tx, books.shop_id, [queues.Effect("shop:setup", "shop.setup", {})], T0)
    books.merchant(AppUninstalled(), at=T0 - timedelta(seconds=1))
    assert books.shop.state == "installed"
    assert "shop:setup" in books.effects()
    books.merchant(AppUninstalled(), at=T0 + timedelta(seconds=1))  # after it, though it was stored later
    assert (books.shop.state, books.shop.uninstalled_at) == ("uninstalled", T0 + timedelta(seconds=1))


def test_a_new_token_brings_back_what_was_parked_for_want_of_one(books: Books) -> None:
    reasons = (
        "needs_reauth: open",
        "token_key_missing: put it back",
        "access_denied: approve",
        "refused: no",
    )
    with books.db.write(books.shop_id) as tx:
        for number, reason in enumerate(reasons):
            queues.enqueue(tx, books.shop_id, [queues.Effect(f"e:{number}", "member.mirror", {})], T0)
            [effect] = queues.claim(tx, books.shop_id, "test", T0, 1, key=f"e:{number}")
            queues.effect_failed(tx, books.shop_id, effect, reason, T0, for_good=True)
        merchants.install(tx, books.shop.domain, "read_orders", T0)
        parked = [row[0] for row in queues.outbox_parked(tx, books.shop_id)]
    assert sorted(parked) == ["e:2", "e:3"]


def test_effects_of_a_shop_that_left_wait_until_it_is_back(books: Books) -> None:
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


def test_who_owes_is_shown_anew_when_the_balance_may_be_below_zero(books: Books) -> None:
    for number in (7, 8):
        books.join(number)
    books.tell(seen(1, line(requires_shipping=False)))
    books.read(1)
    books.now = T0 + 20 * DAY
    books.redeem(7)
    books.tell(seen(1, line(requires_shipping=False), at=T0 + DAY, cancelled_at=T0 + DAY))
    assert books.points(7) == (0, 0, 50)
    for policy, wanted in (
        ("negative", ["member:7:mirror"]),
        ("negative", []),
        ("floor", ["member:7:mirror"]),
    ):
        with books.db.write(books.shop_id) as tx:
            tx.run("UPDATE outbox SET state = 1 WHERE shop_id = :s", s=books.shop_id)
        books.now += DAY
        books.publish(programme(clawback=policy))
        assert books.effects("member.mirror") == wanted
    assert books.audit() == []
