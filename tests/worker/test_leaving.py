"""A shop that leaves, comes back or is to be wiped, while the notices of it come late or never."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from plugin.flows import merchants
from plugin.store.db import Database
from plugin.store.queues import Effect
from tests.worker.world import APP_URL, World

MS = timedelta(milliseconds=1)


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    """A shop of this test alone."""
    made = World(database.url)
    yield made
    made.close()


def of_token(world: World, change: str) -> None:
    """Time goes by for the stored token, in real time, which the test cannot move."""
    with world.db.write() as tx:
        tx.run(f"UPDATE tokens SET {change} WHERE shop_id = :s", s=world.shop_id)


def back(world: World) -> None:
    """The merchant installs again and opens the app, five minutes after whatever happened before."""
    world.forward(minutes=5)
    of_token(world, f"refreshed_at = refreshed_at - {timedelta(minutes=5) // MS}")
    assert world.web.get(world.dev.install().removeprefix(APP_URL)).status_code == 200


def left_unnoticed(world: World) -> None:
    """The shop uninstalls; the notice of it is lost for good."""
    world.dev.uninstall()
    world.platform.flush(drop=1.0)


def token(world: World) -> str:
    return world.app.tokens.access_token(world.shop_id, world.shop.domain)


def alive(world: World) -> bool:
    """Whether the platform takes the token that we hold."""
    return token(world) in {grant.access_token for grant in world.dev.desk.shop.grants}


def test_a_late_notice_does_not_undo_a_reinstall_nor_does_the_redaction_that_follows(world: World) -> None:
    customer = world.rich()
    first, before = world.shop, token(world)
    world.forward(hours=1)
    world.dev.uninstall()  # its notice waits at the platform
    back(world)
    assert token(world) != before  # by its dates it was good for an hour
    assert alive(world)
    world.forward(hours=20)
    world.deliver()
    shop = world.shop
    assert (shop.state, shop.installed_at) == ("installed", first.installed_at)
    assert alive(world)
    # The new installation has a number of its own, and the storefront digest hangs on it.
    assert shop.installation_gid != first.installation_gid
    assert shop.installation_gid is not None
    assert "digest" in world.metafields(shop.installation_gid)
    world.forward(hours=27, minutes=55)
    world.dev.redact()
    world.deliver()
    assert world.shop.state == "installed"
    assert world.points(customer)[0] == 550
    assert world.audit() == []


def test_a_token_that_was_refused_is_exchanged_anew_when_a_page_is_opened(world: World) -> None:
    world.dev.uninstall()
    world.dev.install()  # and no launch reaches us
    world.forward(hours=1)
    world.enqueue(merchants.digest())
    world.worker.settle()
    state, reason = world.effect("shop:digest")
    assert (state, (reason or "").partition(":")[0]) == (2, "needs_reauth")
    page = world.web.get("/", headers={"Authorization": f"Bearer {world.dev.id_token()}"})
    assert page.status_code == 200
    assert alive(world)
    world.worker.settle()
    world.forward(
        minutes=1
    )  # the digest may have been tried before the set-up learnt of the new installation
    world.worker.settle()
    assert world.effect("shop:digest")[0] == 1  # parked for want of a token, and now there is one
    assert world.unfinished() == []


@pytest.mark.parametrize("idle_hours", [0, 2], ids=["token fresh", "token ended"])
def test_a_shop_that_left_unnoticed_is_wiped_once_the_platform_knows_us_no_more(
    world: World, idle_hours: int
) -> None:
    world.rich()
    world.forward(hours=1)
    left_unnoticed(world)
    if idle_hours:
        of_token(world, "expires_at = 1")
    world.forward(hours=48)
    world.dev.redact()
    world.deliver()
    assert world.shop.state == "redacted"
    assert world.rows("SELECT 1 FROM entries WHERE shop_id = :s") == []


def test_a_shop_that_still_has_the_app_is_not_wiped_however_late_the_request_is(world: World) -> None:
    customer = world.rich()
    world.forward(days=9)
    world.dev.redact()
    world.deliver()
    assert world.shop.state == "installed"
    assert world.rows("SELECT 1 FROM events WHERE shop_id = :s AND kind = 'redact_ignored'") == [(1,)]
    assert world.points(customer)[0] == 550


def test_a_merchant_who_opens_the_app_while_we_ask_keeps_everything(world: World) -> None:
    world.rich()
    left_unnoticed(world)
    world.forward(hours=48)
    world.dev.redact()
    world.platform.flush()
    world.worker.drain(world.at)
    asked = world.shop
    world.forward(hours=1)
    back(world)
    with world.db.write(asked.shop_id) as tx:
        effect = Effect("shop:redact", "shop.redact", {})
        merchants.redaction_checked(tx, asked, effect, gone=True, now=world.at)
    assert world.shop.state == "installed"
    assert world.rows("SELECT 1 FROM entries WHERE shop_id = :s") != []


def test_an_uninstall_that_comes_after_its_redaction_wipes(world: World) -> None:
    world.rich()
    world.dev.uninstall()
    late = list(world.platform.queue)
    world.platform.flush(drop=1.0)
    world.forward(hours=48)
    world.dev.redact()
    world.platform.flush()
    world.worker.drain(world.at)
    assert world.effect("shop:redact")[0] == 0
    assert all(attempt.status == 200 for attempt in world.platform.send_again(late))
    world.worker.settle()
    assert world.shop.state == "redacted"


def test_a_shop_installed_after_it_was_wiped_starts_anew(world: World) -> None:
    world.rich()
    world.worker.settle()
    assert world.shop.orders_watermark_at is not None
    world.dev.uninstall()
    world.deliver()
    world.dev.redact()
    world.deliver()
    wiped = world.shop
    assert (wiped.currency, wiped.timezone, wiped.installation_gid, wiped.scopes) == (None, None, None, "")
    assert (wiped.installed_at, wiped.orders_watermark_at, wiped.reconciled_at) == (None, None, None)
    world.forward(days=30)
    back(world)
    shop = world.shop
    assert (shop.state, shop.installed_at, shop.currency) == ("installed", world.at, "CHF")
    world.deliver()
    assert world.shop.reconciled_at == world.at
    assert world.audit() == []
