"""Outgoing webhooks flow: endpoints are made and changed, and told of what was written since they were told last."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from plugin.errors import RegularsError
from plugin.flows.api_keys import new_secret
from plugin.store import events, outgoing, queues
from plugin.store.db import Row, Tx, moment
from plugin.store.events import Event
from plugin.store.ids import new_id
from plugin.store.outgoing import DELIVER, Delivery, Endpoint, News
from plugin.store.queues import Effect
from plugin.store.shops import Shop

MAX_ENDPOINTS = 20
SLICE = 200
PATIENCE_MS = 300_000
# While a new secret spreads, messages carry a signature of either.
ROTATION = timedelta(hours=24)
# What an endpoint may listen to.
EVENTS = {
    "points.earned": "A member earned points",
    "points.spent": "A member spent points",
    "points.expiring": "A reminder fell due: points will run out",
    "points.expired": "Points ran out unspent",
    "points.taken_back": "Points were taken back, as after a refund",
    "points.returned": "Points came back, or a debt was forgiven",
    "points.adjusted": "Points were given or taken by hand",
    "points.transferred": "Points moved as two accounts became one",
    "points.imported": "Points moved in from another app",
    "tier.changed": "A member moved to another tier",
    "tier.warning": "A member was told that their tier ends",
    "referral.decided": "A referral was accepted or refused",
    "survey.answered": "A member answered the survey, or changed the answer",
    "reward.issued": "A member's code is ready",
    "reward.expiring": "A member's unused code ends soon",
    "programme.published": "A new version of the programme is in force",
}
# The event of each kind of entry. A test holds it against the ledger's kinds.
OF_ENTRIES = {
    "earn": "points.earned",
    "signup": "points.earned",
    "survey": "points.earned",
    "action": "points.earned",
    "referral": "points.earned",
    "gift": "points.earned",
    "redeem": "points.spent",
    "expire": "points.expired",
    "void": "points.expired",
    "clawback": "points.taken_back",
    "redeem_reversed": "points.taken_back",
    "redeem_return": "points.returned",
    "forgiven": "points.returned",
    "adjust": "points.adjusted",
    "transfer_in": "points.transferred",
    "transfer_out": "points.transferred",
    "import": "points.imported",
}
# The event of those lines of the trail that are news to others. Their detail holds no personal data.
OF_TRAIL = {
    "points_expiring": "points.expiring",
    "tier_changed": "tier.changed",
    "tier_warning": "tier.warning",
    "referral_decided": "referral.decided",
    "programme_published": "programme.published",
    "reward_expiring": "reward.expiring",
    "programme_in_force": "programme.published",
}


class CannotListen(RegularsError):
    """The endpoint was not made or changed; `field` names the field of the form."""

    code = "cannot_listen"
    status = 422

    def __init__(self, message: str, *, code: str, field: str = "", status: int = 422) -> None:
        super().__init__(message, code=code, status=status)
        self.field = field


@dataclass(frozen=True, slots=True)
class Secret:
    """An endpoint with the secret that nobody can read again later."""

    endpoint: Endpoint
    secret: str


def listen(
    tx: Tx,
    shop: Shop,
    url: str,
    topics: Iterable[str],
    actor: str,
    now: datetime,
    seal: Callable[[str], bytes],
) -> Secret:
    """Makes an endpoint that is told of everything from now on. The address must have been checked.

    Raises CannotListen (codes: unknown_topic, too_many_endpoints).
    """
    wanted = _topics(topics)
    if len(outgoing.every(tx, shop.shop_id)) >= MAX_ENDPOINTS:
        raise CannotListen(f"A shop has at most {MAX_ENDPOINTS} subscriptions. Remove one first.",
                           code="too_many_endpoints", field="url")  # fmt: skip
    secret = new_secret()
    made = Endpoint(new_id(), url, wanted, True, seal(secret), None, None, None, now)
    outgoing.put(tx, shop.shop_id, made, actor)
    outgoing.begins(tx, shop.shop_id, made.endpoint_id, now)
    _noted(tx, shop, "webhook_added", made, actor, now)
    return Secret(made, secret)


def change(
    tx: Tx,
    shop: Shop,
    endpoint_id: int,
    url: str,
    topics: Iterable[str],
    active: bool,
    actor: str,
    now: datetime,
) -> Endpoint:
    """Changes an endpoint. One that is switched on again hears of what happens from then on. Raises CannotListen."""
    before = known(tx, shop, endpoint_id)
    after = replace(before, url=url, topics=_topics(topics), active=active, failing_until_at=None)
    outgoing.put(tx, shop.shop_id, after, actor)
    if active and not before.active:
        outgoing.begins(tx, shop.shop_id, endpoint_id, now)
    _noted(tx, shop, "webhook_changed", after, actor, now)
    return after


def rotate(
    tx: Tx, shop: Shop, endpoint_id: int, actor: str, now: datetime, seal: Callable[[str], bytes]
) -> Secret:
    """Gives an endpoint a new secret; for a day messages are signed with both. Raises CannotListen."""
    before, secret = known(tx, shop, endpoint_id), new_secret()
    after = replace(before, secret=seal(secret), old_secret=before.secret, old_until_at=now + ROTATION)
    outgoing.put(tx, shop.shop_id, after, actor)
    _noted(tx, shop, "webhook_secret_changed", after, actor, now)
    return Secret(after, secret)


def forget(tx: Tx, shop: Shop, endpoint_id: int, actor: str, now: datetime) -> None:
    """Removes an endpoint; what was on its way is dropped. Raises CannotListen."""
    gone = known(tx, shop, endpoint_id)
    outgoing.remove(tx, shop.shop_id, endpoint_id)
    _noted(tx, shop, "webhook_removed", gone, actor, now)


def again(tx: Tx, shop: Shop, key: str, now: datetime) -> Delivery:
    """Sends what was delivered or parked once more. Raises CannotListen."""
    found = outgoing.delivery(tx, shop.shop_id, key)
    if found is None:
        raise CannotListen("There is no such delivery any more. Take its id from the list of deliveries.",
                           code="no_such_delivery", status=404)  # fmt: skip
    known(tx, shop, found.endpoint_id)
    if found.state != "waiting":
        queues.enqueue(tx, shop.shop_id, [Effect(key, DELIVER, found.payload)], now)
        outgoing.failing_until(tx, shop.shop_id, found.endpoint_id, None)
    sent = outgoing.delivery(tx, shop.shop_id, key)
    assert sent is not None
    return sent


def known(tx: Tx, shop: Shop, endpoint_id: int) -> Endpoint:
    """The endpoint of that number. Raises CannotListen."""
    found = outgoing.by_id(tx, shop.shop_id, endpoint_id)
    if found is None:
        raise CannotListen("There is no subscription with this number. Take it from the list of subscriptions.",
                           code="no_such_endpoint", status=404)  # fmt: skip
    return found


def announce(tx: Tx, shop: Shop, now: datetime) -> bool:
    """Tells every endpoint what was written since it was told last: one slice; True when more may wait.

    Reads what other transactions committed, so the flows that move points know nothing of it.
    """
    more = False
    endpoints = [one for one in outgoing.every(tx, shop.shop_id) if one.active]
    ends = outgoing.newest(tx, shop.shop_id, now) if endpoints else {}
    for endpoint in endpoints:
        places = outgoing.positions(tx, shop.shop_id, endpoint.endpoint_id)
        before, effects = dict(places), list[Effect]()
        for source, end in ends.items():
            found = _news(tx, shop, endpoint, source, places, end)
            effects += [_delivery(endpoint, *_told(source, one, now), one.event_id) for one in found]
            more = more or len(found) == SLICE
            places[source] = found[-1].at if len(found) == SLICE else end
        if effects:
            queues.enqueue(tx, shop.shop_id, effects, now)
        if effects or _far(before, places):
            outgoing.moved_on(tx, shop.shop_id, endpoint.endpoint_id, places)
    return more


def _far(before: dict[str, int], after: dict[str, int]) -> bool:
    """Whether the places are worth a write: not when only minutes passed, which the next reading looks at again."""
    return any(
        place - before.get(source, 0) > (PATIENCE_MS if source in ("answers", "codes") else 0)
        for source, place in after.items()
    )


def _news(
    tx: Tx, shop: Shop, endpoint: Endpoint, source: str, places: dict[str, int], end: int
) -> list[News]:
    def wanted(topic: str) -> bool:
        return not endpoint.topics or topic in endpoint.topics

    of_source = {"entries": OF_ENTRIES, "events": OF_TRAIL}.get(source, {})
    kinds = [kind for kind, topic in of_source.items() if wanted(topic)]
    whole = {"answers": "survey.answered", "codes": "reward.issued"}.get(source)
    if not (kinds or (whole is not None and wanted(whole))):
        return []
    return outgoing.news(tx, shop.shop_id, endpoint.endpoint_id, source, places, end, SLICE, kinds)


def _told(source: str, one: News, now: datetime) -> tuple[str, datetime, dict[str, Any]]:
    """The type, the time and the data of an event; ids and numbers, and nothing about the person."""
    return {"entries": _entry, "events": _trail, "answers": _answer, "codes": _code}[source](one.row, now)


def _entry(row: Row, _: datetime) -> tuple[str, datetime, dict[str, Any]]:
    member_id, kind, points, occurred_at, order_id, entry_id = row
    data = {
        "entry_id": str(entry_id),
        "member_id": str(member_id),
        "kind": kind,
        "points": points,
        "order_id": None if order_id is None else str(order_id),
    }
    return OF_ENTRIES[kind], moment(occurred_at), data


def _trail(row: Row, _: datetime) -> tuple[str, datetime, dict[str, Any]]:
    subject, kind, detail, at = row
    noun, _, name = subject.partition(":")
    named = {"member": "member_id", "programme": "version", "referral": "referral_id"}.get(noun, noun)
    return OF_TRAIL[kind], moment(at), {named: name} | msgspec.json.decode(detail)


def _answer(row: Row, now: datetime) -> tuple[str, datetime, dict[str, Any]]:
    order_id, member_id, score, channel = row
    data = {"order_id": str(order_id), "member_id": str(member_id), "score": score, "channel": channel}
    return "survey.answered", now, data


def _code(row: Row, now: datetime) -> tuple[str, datetime, dict[str, Any]]:
    redemption_id, member_id, reward, points, code, expires_at = row
    data = {
        "redemption_id": str(redemption_id),
        "member_id": str(member_id),
        "reward": reward,
        "points": points,
        "code": code,
        "expires_at": None if expires_at is None else _shown(moment(expires_at)),
    }
    return "reward.issued", now, data


def _delivery(endpoint: Endpoint, topic: str, at: datetime, data: dict[str, Any], event_id: str) -> Effect:
    payload: dict[str, object] = {
        "endpoint": str(endpoint.endpoint_id),
        "event": event_id,
        "type": topic,
        "timestamp": _shown(at),
        "data": data,
    }
    return Effect(outgoing.key_of(endpoint.endpoint_id, event_id), DELIVER, payload)


def _shown(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _topics(topics: Iterable[str]) -> tuple[str, ...]:
    wanted = tuple(sorted(set(topics)))
    if set(wanted) - EVENTS.keys():
        raise CannotListen("Choose events from the list, or none to be told of everything.", code="unknown_topic",
                           field="topics")  # fmt: skip
    return wanted


def _noted(tx: Tx, shop: Shop, kind: str, endpoint: Endpoint, actor: str, now: datetime) -> None:
    events.record(tx, shop.shop_id, [Event(now, actor, kind, f"webhook:{endpoint.endpoint_id}", {})])
