"""Merchants flow: a shop installs, changes its scopes, publishes a programme, leaves, is wiped."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugin.domain import expiry
from plugin.domain import programme as programmes_domain
from plugin.domain import tiers as ladders
from plugin.domain.facts import (
    AppUninstalled,
    BulkFinished,
    MerchantFact,
    ScopesUpdated,
    ShopChanged,
    ShopRedacted,
)
from plugin.domain.programme import Programme
from plugin.domain.values import exponent
from plugin.errors import RegularsError
from plugin.flows import code_life
from plugin.flows.spending import mirror_of
from plugin.store import (
    backfills,
    events,
    expiries,
    ladder,
    ledger,
    privacy,
    programmes,
    queues,
    shops,
    tokens,
)
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.queues import Effect
from plugin.store.shops import Shop

# shop/redact comes this long after the uninstall it speaks of.
REDACT_AFTER = timedelta(hours=48)
_REDACTION = "shop:redact"


class InvalidProgramme(RegularsError):
    """The programme cannot be published; `problems` lists each field with a sentence."""

    code = "invalid_programme"
    status = 422

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("The programme was not published: " + " ".join(text for _, text in problems))
        self.problems = problems


class VersionScheduled(RegularsError):
    """Another version waits for its moment; nothing was published."""

    code = "version_scheduled"
    status = 409


def apply(
    tx: Tx,
    shop: Shop,
    fact: MerchantFact,
    webhook_id: str | None,
    happened_at: datetime,
    now: datetime,
) -> None:
    """Takes one fact about a shop. `happened_at`: when the platform sent it, or when it came in if it did not say."""
    # Read again: an earlier fact of the same batch may have changed it.
    found = shops.by_id(tx, shop.shop_id)
    if found is None or found.state == "redacted":
        return
    shop = found
    if isinstance(fact, AppUninstalled):
        _uninstalled(tx, shop, webhook_id, happened_at, now)
    elif isinstance(fact, ScopesUpdated):
        if shops.scopes_changed(tx, shop.shop_id, ",".join(fact.current), happened_at):
            events.record(
                tx,
                shop.shop_id,
                [Event(now, "shopify", "scopes_updated", "shop", {"scopes": list(fact.current)})],
            )
    elif isinstance(fact, ShopChanged):
        queues.enqueue(tx, shop.shop_id, [_setup()], now)
    elif isinstance(fact, BulkFinished):
        backfills.hurry(tx, shop.shop_id, fact.operation_gid)
        events.record(
            tx,
            shop.shop_id,
            [Event(now, "shopify", "bulk_finished", fact.operation_gid, {"status": fact.status})],
        )
    else:
        assert isinstance(fact, ShopRedacted)
        _redacted(tx, shop, webhook_id, happened_at, now)


def install(tx: Tx, domain: str, scopes: str, now: datetime, proved_at: datetime | None = None) -> Shop:
    """The platform gave us a token: marks the shop installed, asks for its set-up, and goes on with parked work.

    `proved_at` is when the platform vouched for it (None: now), by the clock that dates its webhooks.
    """
    shop_id = shops.ensure(tx, domain, now)
    before = shops.by_id(tx, shop_id)
    assert before is not None
    shops.installed(tx, shop_id, scopes, now, proved_at)
    unparked = queues.retry_reauth(tx, shop_id, now)
    shop = shops.by_id(tx, shop_id)
    assert shop is not None
    if before.state != "installed":
        events.record(
            tx, shop_id, [Event(now, "shopify", "installed", "shop", {"again": before.state != "waiting"})]
        )
    if before.state != "installed" or unparked:
        # Whose token was lost may have uninstalled unnoticed: the installation may be another one.
        queues.enqueue(tx, shop_id, [_setup()], now)
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
        shops.scopes_changed(tx, shop.shop_id, scopes, now)
    latest = programmes.versions(tx, shop.shop_id).latest
    if latest is None:
        first = programmes_domain.first_programme(currency, 10 ** exponent(currency))
        # The platform's times have no fraction: an order of the very second of the install is not before it.
        publish(tx, shop, first, "system", (shop.installed_at or now).replace(microsecond=0))
    elif shop.timezone != timezone:
        # Days end at another moment now; nothing runs out before all are dated anew.
        if latest.expiry.balance == "dates":
            expiries.begin(tx, shop.shop_id, "redate", now, "system", now)
        if latest.ladder.window == "year":
            ladder.sweep(tx, shop.shop_id, now)
    queues.enqueue(tx, shop.shop_id, [digest()], now)
    fresh = shops.by_id(tx, shop.shop_id)
    assert fresh is not None
    return fresh


def publish(
    tx: Tx, shop: Shop, programme: Programme, actor: str, now: datetime, effective_at: datetime | None = None
) -> Programme:
    """Publishes a new version of the programme, in force from `now`, or from `effective_at` when that is later.

    Orders are pinned to it from that very moment on; what it means for members the clock does then, in slices.
    Raises InvalidProgramme, and VersionScheduled while another version waits, which would undo this one.
    """
    found = programmes_domain.problems(programme)
    if found:
        raise InvalidProgramme(found)
    later = effective_at if effective_at is not None and effective_at > now else None
    waiting = programmes.scheduled(tx, shop.shop_id)
    if waiting:
        raise VersionScheduled(
            f"Version {waiting[0].version} is scheduled and would undo this. Cancel it, or wait until it is in force."
        )
    before = programmes.versions(tx, shop.shop_id).latest
    published = programmes.publish(tx, shop.shop_id, programme, actor, now, effective_at=later)
    detail: dict[str, object] = {} if later is None else {"from": later.isoformat()}
    kind = "programme_published" if later is None else "programme_scheduled"
    events.record(tx, shop.shop_id, [Event(now, actor, kind, f"programme:{published.version}", detail)])
    if later is None:
        _follow(tx, shop, before, published, now, now)
    return published


def take_effect(tx: Tx, shop: Shop, now: datetime) -> bool:
    """Brings a scheduled version into effect once its moment has come; True when one was."""
    due = [one for one in programmes.scheduled(tx, shop.shop_id) if one.effective_at <= now]
    for one in due:
        before = programmes.versions(tx, shop.shop_id).latest
        programmes.decided(tx, shop.shop_id, one.version, programmes.IN_EFFECT)
        after = programmes.versions(tx, shop.shop_id).latest
        assert after is not None
        subject = f"programme:{one.version}"
        events.record(
            tx, shop.shop_id, [Event(one.effective_at, "system", "programme_in_force", subject, {})]
        )
        _follow(tx, shop, before, after, now, one.effective_at)
    return bool(due)


def cancel_scheduled(tx: Tx, shop: Shop, version: int, actor: str, now: datetime) -> bool:
    """Takes back a version whose moment has not come; False when there is none such."""
    waits = any(
        one.version == version and one.effective_at > now for one in programmes.scheduled(tx, shop.shop_id)
    )
    if not waits:
        return False
    programmes.decided(tx, shop.shop_id, version, programmes.CANCELLED)
    events.record(tx, shop.shop_id, [Event(now, actor, "programme_cancelled", f"programme:{version}", {})])
    return True


def _follow(
    tx: Tx, shop: Shop, before: Programme | None, after: Programme, now: datetime, since: datetime
) -> None:
    """What a version in force `since` a moment, by now, means for members and for the storefront."""
    if ladders.ladder_changed(before, after):
        # The clock reviews them in slices, and each change of a tier is shown.
        ladder.sweep(tx, shop.shop_id, now)
    code_life.combinations_changed(tx, shop, before, after, now)
    if before is not None and not expiry.same_dates(before.expiry, after.expiry):
        expiries.begin(tx, shop.shop_id, "redate", since, "system", now)
    if before is not None and (before.clawback == "negative") != (after.clawback == "negative"):
        debtors = ledger.debtors(tx, shop.shop_id)
        queues.enqueue(tx, shop.shop_id, [mirror_of(member_id) for member_id in debtors], now)
    queues.enqueue(tx, shop.shop_id, [digest()], now)


def digest() -> Effect:
    """The wish to show the programme's digest to the storefront."""
    return Effect("shop:digest", "shop.digest", {})


def redaction_checked(tx: Tx, shop: Shop, effect: Effect, *, gone: bool, now: datetime) -> None:
    """The platform said whether the shop, as it stood in `shop`, still has the app. One that is gone is wiped."""
    found = shops.by_id(tx, shop.shop_id)
    if found is None or found.state != "installed":
        return
    if gone and found.proved_at == shop.proved_at:
        _wipe(tx, shop, None)
        return
    _redact_ignored(tx, found, now)
    queues.effects_done(tx, shop.shop_id, [effect], now)


def _setup() -> Effect:
    return Effect("shop:setup", "shop.setup", {})


def _uninstalled(tx: Tx, shop: Shop, webhook_id: str | None, at: datetime, now: datetime) -> None:
    if shop.state != "installed":
        return
    if shop.proved_at is not None and at < shop.proved_at:
        # A late notice: the shop has come back since. What hung on the former installation went with it.
        queues.enqueue(tx, shop.shop_id, [_setup()], now)
        return
    if queues.open_effect(tx, shop.shop_id, _REDACTION):
        _wipe(tx, shop, webhook_id)
        return
    shops.uninstalled(tx, shop.shop_id, at)
    tokens.forget(tx, shop.shop_id)
    events.record(tx, shop.shop_id, [Event(now, "shopify", "uninstalled", "shop", {})])


def _redacted(tx: Tx, shop: Shop, webhook_id: str | None, at: datetime, now: datetime) -> None:
    """Wipes a shop that left. One that reinstalled keeps everything, and where that is not sure, we ask first."""
    if shop.state != "installed":
        _wipe(tx, shop, webhook_id)
    elif shop.proved_at is not None and at - REDACT_AFTER <= shop.proved_at:
        _redact_ignored(tx, shop, now)
    else:
        # Back for long, or the notice of its uninstall never reached us: only the platform knows.
        queues.enqueue(tx, shop.shop_id, [Effect(_REDACTION, "shop.redact", {})], now)


def _redact_ignored(tx: Tx, shop: Shop, now: datetime) -> None:
    events.record(
        tx, shop.shop_id, [Event(now, "shopify", "redact_ignored", "shop", {"because": "reinstalled"})]
    )


def _wipe(tx: Tx, shop: Shop, webhook_id: str | None) -> None:
    shops.redacted(tx, shop.shop_id)
    privacy.remove_shop(tx, shop.shop_id, keep_inbox_row=webhook_id)
