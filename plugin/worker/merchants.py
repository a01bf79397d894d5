"""Performs effects about the shop itself: its set-up, its digest, and whether it still has the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.domain.pauses import paused
from plugin.flows import merchants
from plugin.shopify import perform as platform
from plugin.shopify.admin import AdminClient
from plugin.shopify.errors import NeedsReauth, TokenUnavailable
from plugin.store import programmes, queues, tokens
from plugin.store.queues import Effect
from plugin.store.shops import Shop
from plugin.worker.digest import storefront_digest

if TYPE_CHECKING:
    from plugin.worker.effects import Bench

# What the platform says of a shop's token after the app was uninstalled: 401 and no renewal, or no such client. Our
# secret is right, because it verified the signed request to wipe the shop.
_GONE = ("needs_reauth", "invalid_client")


def set_up_shop(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Learns from the platform what the shop is."""
    facts = platform.shop_facts(client)
    with bench.db.write(shop.shop_id) as tx:
        now = bench.now()
        merchants.set_up(
            tx,
            shop,
            name=facts.name,
            currency=facts.currency,
            timezone=facts.timezone,
            platform_gid=facts.gid,
            installation_gid=facts.installation_gid,
            scopes=",".join(facts.scopes),
            development=facts.partner_development,
            now=now,
        )
        queues.effects_done(tx, shop.shop_id, [effect], now)


def check_redaction(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Asks whether a shop that Shopify wants wiped, and that we think installed, still has the app."""
    with bench.db.read() as tx:
        if tokens.find(tx, shop.shop_id) is None:
            raise NeedsReauth("There is no token to ask with. Open Regulars in the Shopify admin once.")
    try:
        platform.shop_facts(client)
        gone = False
    except (NeedsReauth, TokenUnavailable) as error:
        if error.code not in _GONE:
            raise
        gone = True
    with bench.db.write(shop.shop_id) as tx:
        merchants.redaction_checked(tx, shop, effect, gone=gone, now=bench.now())


def mirror_digest(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Shows the programme's digest to the storefront."""
    with bench.db.read() as tx:
        programme = programmes.versions(tx, shop.shop_id).latest
    if programme is not None and shop.installation_gid is not None:
        still = paused(shop.pauses, "earning", bench.now())
        platform.mirror_digest(client, shop.installation_gid, storefront_digest(programme, paused=still))
    with bench.db.write(shop.shop_id) as tx:
        queues.effects_done(tx, shop.shop_id, [effect], bench.now())
