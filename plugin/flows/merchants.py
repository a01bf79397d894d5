"""Merchants flow: a shop installs, changes its scopes, publishes a programme, leaves, is wiped."""

from __future__ import annotations

from datetime import datetime

from plugin.domain import programme as programmes_domain
from plugin.domain.facts import AppUninstalled, BulkFinished, MerchantFact, ScopesUpdated, ShopRedacted
from plugin.domain.programme import Programme
from plugin.domain.values import exponent
from plugin.errors import RegularsError
from plugin.store import events, privacy, programmes, queues, shops, tokens
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.queues import Effect
from plugin.store.shops import Shop


class InvalidProgramme(RegularsError):
    """The programme cannot be published; `problems` lists each field with a sentence."""

    code = "invalid_programme"
    status = 422

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("The programme was not published: " + " ".join(text for _, text in problems))
        self.problems = problems


def apply(
    tx: Tx,
    shop: Shop,
    fact: MerchantFact,
    webhook_id: str | None,
    triggered_at: datetime | None,
    now: datetime,
) -> None:
    """Takes one fact about a shop. `triggered_at` is when the platform sent it, if it said so."""
    if isinstance(fact, AppUninstalled):
        _uninstalled(tx, shop, triggered_at, now)
    elif isinstance(fact, ScopesUpdated):
        shops.scopes_changed(tx, shop.shop_id, ",".join(fact.current))
        events.record(
            tx,
            shop.shop_id,
            [Event(now, "shopify", "scopes_updated", "shop", {"scopes": list(fact.current)})],
        )
    elif isinstance(fact, BulkFinished):
        events.record(
            tx,
            shop.shop_id,
            [Event(now, "shopify", "bulk_finished", fact.operation_gid, {"status": fact.status})],
        )
    else:
        assert isinstance(fact, ShopRedacted)
        _redacted(tx, shop, webhook_id, now)


def install(tx: Tx, domain: str, scopes: str, now: datetime) -> Shop:
    """The shop opened the app with a valid id token: marks it installed and asks for its set-up."""
    shop_id = shops.ensure(tx, domain, now)
    before = shops.by_id(tx, shop_id)
    assert before is not None
    shops.installed(tx, shop_id, scopes, now)
    shop = shops.by_id(tx, shop_id)
    assert shop is not None
    if before.state != "installed":
        events.record(
            tx, shop_id, [Event(now, "shopify", "installed", "shop", {"again": before.state != "waiting"})]
        )
        queues.enqueue(tx, shop_id, [Effect("shop:setup", "shop.setup", {})], now)
    return shop


def set_up(
    tx: Tx,
    shop: Shop,
    *,
    name: str,
    currency: str,
    timezone: str,
    platform_gid: str,
    installation_gid: str,
    scopes: str,
    now: datetime,
    development: bool = False,
) -> Shop:
    """What the platform says of the shop; publishes the first programme, in force from the install."""
    shops.described(
        tx,
        shop.shop_id,
        name=name,
        currency=currency,
        timezone=timezone,
        platform_gid=platform_gid,
        installation_gid=installation_gid,
        development=development,
    )
    if scopes:
        shops.scopes_changed(tx, shop.shop_id, scopes)
    if programmes.versions(tx, shop.shop_id).latest is None:
        first = programmes_domain.first_programme(currency, 10 ** exponent(currency))
        # The platform's times have no fraction: an order of the very second of the install is not before it.
        publish(tx, shop, first, "system", (shop.installed_at or now).replace(microsecond=0))
    queues.enqueue(tx, shop.shop_id, [digest()], now)
    fresh = shops.by_id(tx, shop.shop_id)
    assert fresh is not None
    return fresh


def publish(tx: Tx, shop: Shop, programme: Programme, actor: str, now: datetime) -> Programme:
    """Publishes a new version of the programme, in force from `now`. Raises InvalidProgramme."""
    found = programmes_domain.problems(programme)
    if found:
        raise InvalidProgramme(found)
    published = programmes.publish(tx, shop.shop_id, programme, actor, now)
    events.record(
        tx, shop.shop_id, [Event(now, actor, "programme_published", f"programme:{published.version}", {})]
    )
    queues.enqueue(tx, shop.shop_id, [digest()], now)
    return published


def digest() -> Effect:
    """The wish to show the programme's digest to the storefront."""
    return Effect("shop:digest", "shop.digest", {})


def _uninstalled(tx: Tx, shop: Shop, triggered_at: datetime | None, now: datetime) -> None:
    # A late notice of an earlier uninstall must not undo a reinstall (design 10.18).
    at = triggered_at or now
    if shop.state != "installed" or (shop.installed_at is not None and at < shop.installed_at):
        return
    shops.uninstalled(tx, shop.shop_id, at)
    tokens.forget(tx, shop.shop_id)
    events.record(tx, shop.shop_id, [Event(now, "shopify", "uninstalled", "shop", {})])


def _redacted(tx: Tx, shop: Shop, webhook_id: str | None, now: datetime) -> None:
    # shop/redact comes 48 hours after an uninstall; who reinstalled meanwhile keeps everything.
    if shop.state == "installed":
        events.record(
            tx, shop.shop_id, [Event(now, "shopify", "redact_ignored", "shop", {"because": "reinstalled"})]
        )
        return
    shops.redacted(tx, shop.shop_id)
    privacy.remove_shop(tx, shop.shop_id, keep_inbox_row=webhook_id)
