"""Performs deliveries of outgoing webhooks: none keeps another endpoint waiting, and a failing one is left alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from plugin.channels.outgoing import Outcome
from plugin.channels.sealed import CannotUnseal
from plugin.store import outgoing, queues
from plugin.store.outgoing import Endpoint
from plugin.store.queues import Effect
from plugin.store.shops import Shop

if TYPE_CHECKING:
    from plugin.worker.effects import Bench

log = logging.getLogger(__name__)
# The wait after each failure; after the last one the delivery is parked. 2.2 days in all.
PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200, 18000, 36000, 50400, 72000)
)
# After a failure everything else for the endpoint waits this long at most: one call finds out whether it is back.
LEFT_ALONE = timedelta(minutes=5)


def deliver(bench: Bench, shop: Shop, effects: list[Effect], more_time: Callable[[], bool]) -> list[Effect]:
    """Sends these deliveries while there is time; returns those that were not tried."""
    left = list(effects)
    while left and more_time():
        _deliver(bench, shop, left.pop(0))
    return left


def _deliver(bench: Bench, shop: Shop, effect: Effect) -> None:
    now = bench.now()
    with bench.db.read() as tx:
        endpoint = outgoing.by_id(tx, shop.shop_id, int(str(effect.payload["endpoint"])))
    if endpoint is None or not endpoint.active:
        with bench.db.write(shop.shop_id) as tx:
            queues.effects_done(tx, shop.shop_id, [effect], now, "endpoint_off")
        return
    if endpoint.failing_until_at is not None and now < endpoint.failing_until_at:
        with bench.db.write(shop.shop_id) as tx:
            wait = endpoint.failing_until_at - now
            queues.effect_failed(
                tx, shop.shop_id, effect, "endpoint_failed: it fails at the moment", now, wait=wait
            )
        return
    outcome = _sent(bench, endpoint, effect, now)
    with bench.db.write(shop.shop_id) as tx:
        now = bench.now()
        if outcome.ok:
            queues.effects_done(tx, shop.shop_id, [effect], now)
            if endpoint.failing_until_at is not None:
                outgoing.failing_until(tx, shop.shop_id, endpoint.endpoint_id, None)
            return
        pause = PAUSES[min(effect.attempts, len(PAUSES)) - 1]
        code = (
            "endpoint_gone"
            if outcome.gone
            else "endpoint_forbidden"
            if outcome.forbidden
            else "endpoint_failed"
        )
        queues.effect_failed(
            tx, shop.shop_id, effect, f"{code}: {outcome.reason}", now, pause=pause, for_good=outcome.gone
        )  # fmt: skip
        outgoing.failing_until(tx, shop.shop_id, endpoint.endpoint_id, now + min(pause, LEFT_ALONE))
        if outcome.gone:
            outgoing.switched_off(tx, shop.shop_id, endpoint.endpoint_id)


def _sent(bench: Bench, endpoint: Endpoint, effect: Effect, now: datetime) -> Outcome:
    told = {name: effect.payload[name] for name in ("type", "timestamp", "data")}
    assert bench.sealer is not None, "the worker of this installation was given nothing to open secrets with"
    sealed = [endpoint.secret]
    if endpoint.old_secret is not None and endpoint.old_until_at is not None and now < endpoint.old_until_at:
        sealed.append(endpoint.old_secret)
    try:
        secrets = [bench.sealer.open(one) for one in sealed]
    except CannotUnseal as error:
        return Outcome(False, None, error.message, forbidden=True)
    # Signed in real time, whatever the development clock says: the other program compares it with its own.
    return bench.sender.send(
        endpoint.url, secrets, str(effect.payload["event"]), msgspec.json.encode(told), int(bench.real_s())
    )
