"""Stops flow: a merchant stops earning, redeeming or messages at once, and lets them go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from plugin.domain.pauses import Pause, What, begun, ended
from plugin.flows import corrections
from plugin.flows.merchants import digest
from plugin.store import events, queues, shops
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.shops import Shop


def stop(tx: Tx, shop: Shop, what: What, actor: str, now: datetime) -> Shop:
    """Stops it from now on; a second stop changes nothing. Orders placed while earning stands still earn nothing."""
    pauses = begun(shop.pauses, what, now, actor)
    return shop if pauses == shop.pauses else _changed(tx, shop, pauses, "paused", what, actor, now)


def go_on(tx: Tx, shop: Shop, what: What, actor: str, now: datetime, *, make_good: bool = False) -> Shop:
    """Ends the stop. `make_good`: orders placed during the stop are to earn after all; the clock counts them."""
    running = [pause for pause in shop.pauses if pause.what == what and pause.until is None]
    if not running:
        return shop
    pauses = ended(shop.pauses, what, now)
    if make_good and what == "earning":
        pauses = tuple(pause for pause in pauses if (pause.what, pause.since) != (what, running[0].since))
        corrections.start(tx, shop, running[0].since, now, None, actor, now)
    return _changed(tx, shop, pauses, "resumed", what, actor, now)


def _changed(
    tx: Tx, shop: Shop, pauses: tuple[Pause, ...], kind: str, what: What, actor: str, now: datetime
) -> Shop:
    shops.pause(tx, shop.shop_id, pauses)
    events.record(tx, shop.shop_id, [Event(now, actor, kind, what, {})])
    queues.enqueue(tx, shop.shop_id, [digest()], now)
    return replace(shop, pauses=pauses)
