"""Tokens against the development shop and on both databases: two workers, lost answers, rotated keys and secrets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography.fernet import Fernet

from devshop.shop import DevPlatform, DevShop
from plugin.config import Config
from plugin.domain import tokens as rules
from plugin.shopify.admin import AdminClients
from plugin.shopify.errors import NeedsReauth, TokenUnavailable
from plugin.shopify.merchants import shop_facts
from plugin.shopify.tokens import LEASE, WAIT_FOR_OTHER_S, TokenSource
from plugin.store.db import Database
from plugin.store.tokens import TokenShelf
from tests.shopify.conftest import DOMAIN

Make = Callable[..., TokenSource]
TOKENS = "access_token"


def later(**by: float) -> Callable[[], datetime]:
    """A clock that stands still so much later: how long a test takes changes nothing."""
    at = datetime.now(UTC) + timedelta(**by)
    return lambda: at


def before_end(source: TokenSource, shop_id: int, seconds: float) -> Callable[[], datetime]:
    """A clock that stands still so long before the stored access token ends."""
    token = source.shelf.find(shop_id)
    assert token is not None
    assert token.expires_at is not None
    at = token.expires_at - timedelta(seconds=seconds)
    return lambda: at


def works(shop: DevShop, token: str) -> bool:
    """Whether the platform takes this access token."""
    return any(
        one.access_token == token and (one.expires_at is None or one.expires_at > datetime.now(UTC))
        for one in shop.desk.shop.grants
    )


def renewals(shop: DevShop) -> int:
    """How many tokens were made by refreshing."""
    return sum(one.parent is not None for one in shop.desk.shop.grants)


class Counting(httpx.BaseTransport):
    """Counts the calls for tokens, and may hold one up until another thread has looked."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = inner
        self.refresh_tokens: list[str] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.before: Callable[[], object] = lambda: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read().decode()
        if '"refresh_token"' in body:
            self.refresh_tokens.append(body)
            self.entered.set()
            assert self.go_on.wait(timeout=30)
            self.before()
        return self.inner.handle_request(request)


@pytest.fixture
def line(platform: DevPlatform) -> Counting:
    return Counting(platform.http_transport())


@pytest.fixture
def counted(line: Counting) -> httpx.Client:
    return httpx.Client(transport=line, timeout=10)


def test_install_gives_an_expiring_token_that_the_platform_takes(
    shop: DevShop, shop_id: int, make_source: Make, clients: AdminClients
) -> None:
    source = make_source()
    stored = source.shelf.find(shop_id)
    assert stored is not None
    assert stored.kind == "offline_expiring"
    assert stored.expires_at is not None
    assert stored.refresh_expires_at is not None
    assert works(shop, source.access_token(shop_id, DOMAIN))
    assert shop_facts(clients.of(shop_id, DOMAIN)).name == "Dev One"


def test_secrets_are_encrypted_at_rest_and_absent_from_every_text(
    shop: DevShop, shop_id: int, make_source: Make, database: Database, config: Config
) -> None:
    source = make_source()
    access = source.access_token(shop_id, DOMAIN)
    grant = source.acquire(DOMAIN, shop.id_token())
    with database.read() as tx:
        row = tx.one("SELECT access_token, refresh_token FROM tokens")
    assert row is not None
    assert access.encode() not in bytes(row[0])
    assert b"shp" not in bytes(row[0]) + bytes(row[1])
    told = f"{source!r} {grant!r} {source.shelf.find(shop_id)!r}"
    for secret in (access, grant.access, grant.refresh, config.api_secret, *config.token_keys):
        assert str(secret) not in told


def test_a_fresh_token_asks_nobody(
    shop_id: int, make_source: Make, line: Counting, counted: httpx.Client
) -> None:
    source = make_source(http_client=counted)
    assert source.access_token(shop_id, DOMAIN) == source.access_token(shop_id, DOMAIN)
    assert line.refresh_tokens == []


def test_renews_two_minutes_before_the_end(shop: DevShop, shop_id: int, make_source: Make) -> None:
    source = make_source()
    old = source.access_token(shop_id, DOMAIN)
    assert make_source(now=before_end(source, shop_id, 121)).access_token(shop_id, DOMAIN) == old
    new = make_source(now=before_end(source, shop_id, 120)).access_token(shop_id, DOMAIN)
    assert new != old
    assert works(shop, new)
    assert make_source().access_token(shop_id, DOMAIN) == new


def test_two_workers_at_once_renew_once(
    shop: DevShop, shop_id: int, make_source: Make, line: Counting, counted: httpx.Client
) -> None:
    """The first hangs in the network with the lease; the second waits, reads again and finds its token."""
    line.go_on.clear()
    expired = later(hours=2)
    got: dict[str, str] = {}

    def first() -> None:
        got["first"] = make_source(http_client=counted, now=expired).access_token(shop_id, DOMAIN)

    thread = threading.Thread(target=first)
    thread.start()
    assert line.entered.wait(timeout=30)
    finish = iter([False, False, True])

    def waiting(_: float) -> None:
        if next(finish, False):
            line.go_on.set()
            thread.join(timeout=30)

    # The token that was just renewed lives an hour from now: for the second worker an hour is yet to pass.
    second = make_source(http_client=counted, now=expired, sleep=waiting)
    got["second"] = second.access_token(shop_id, DOMAIN)
    assert got["first"] == got["second"]
    assert works(shop, got["first"])
    assert len(line.refresh_tokens) == renewals(shop) == 1


def test_many_threads_of_many_workers_end_with_one_living_token(
    shop: DevShop, shop_id: int, make_source: Make, line: Counting, counted: httpx.Client
) -> None:
    # The stored token is past its end, and the clock is the real one: whoever looks late finds the renewed
    # token fresh. A clock set forward would make every late look a second renewal.
    shelf = make_source().shelf
    stored = shelf.find(shop_id)
    assert stored is not None
    assert shelf.replace(shop_id, replace(stored, expires_at=datetime.now(UTC)), seen=stored.refreshed_at)
    start, renewed, pause = threading.Barrier(6), threading.Event(), threading.Event()
    got: list[str] = []

    class Noticed(TokenShelf):
        def drop_lease(self, shop_id: int, holder: str) -> None:
            super().drop_lease(shop_id, holder)
            renewed.set()

    def sleep(seconds: float) -> None:
        """However long the one that renews takes on a busy machine: nobody gives up before it is through."""
        assert renewed.wait(timeout=30)
        pause.wait(seconds)

    def work() -> None:
        source = make_source(http_client=counted, sleep=sleep)
        source = replace(source, shelf=Noticed(source.shelf._db))  # type: ignore[attr-defined]
        start.wait(timeout=30)
        got.append(source.access_token(shop_id, DOMAIN))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(got) == 6
    assert len(set(got)) == 1
    assert works(shop, got[0])
    assert renewals(shop) == 1


def test_while_another_renews_the_living_token_serves_at_once(shop_id: int, make_source: Make) -> None:
    soon = before_end(make_source(), shop_id, 90)
    source = make_source(now=soon)
    old = make_source().access_token(shop_id, DOMAIN)
    assert source.shelf.take_lease(shop_id, "another worker", soon(), LEASE)
    assert source.access_token(shop_id, DOMAIN) == old
    assert source.sleep.seconds == []  # type: ignore[attr-defined]


def test_a_worker_that_died_holding_the_lease_delays_but_does_not_block(
    shop: DevShop, shop_id: int, make_source: Make
) -> None:
    expired = later(hours=2)
    source = make_source(now=expired)
    assert source.shelf.take_lease(shop_id, "dead worker", expired(), LEASE)
    with pytest.raises(TokenUnavailable):
        source.access_token(shop_id, DOMAIN)
    assert sum(source.sleep.seconds) == pytest.approx(WAIT_FOR_OTHER_S)  # type: ignore[attr-defined]
    after = make_source(now=later(hours=2, seconds=LEASE.total_seconds() + 1))
    assert works(shop, after.access_token(shop_id, DOMAIN))


def test_answer_lost_after_the_platform_rotated_is_asked_again_with_the_same_refresh_token(
    platform: DevPlatform,
    shop: DevShop,
    shop_id: int,
    make_source: Make,
    line: Counting,
    counted: httpx.Client,
) -> None:
    platform.faults.add("timeout_after", TOKENS, times=2)
    source = make_source(http_client=counted, now=later(hours=2))
    with pytest.raises(TokenUnavailable):
        source.access_token(shop_id, DOMAIN)
    assert platform.faults.pending == []
    token = source.access_token(shop_id, DOMAIN)
    assert works(shop, token)
    assert len(line.refresh_tokens) == 3
    assert len(set(line.refresh_tokens)) == 1


def test_one_lost_answer_is_not_even_noticed(
    platform: DevPlatform, shop: DevShop, shop_id: int, make_source: Make
) -> None:
    platform.faults.add("timeout_after", TOKENS)
    assert works(shop, make_source(now=later(hours=2)).access_token(shop_id, DOMAIN))


@pytest.mark.parametrize("fault", ["timeout_before", "http_500", "http_503"])
def test_while_the_platform_is_down_a_living_token_serves_on(
    platform: DevPlatform, shop_id: int, make_source: Make, fault: str
) -> None:
    source = make_source()
    old = source.access_token(shop_id, DOMAIN)
    platform.faults.add(fault, TOKENS, times=None)
    assert make_source(now=before_end(source, shop_id, 16)).access_token(shop_id, DOMAIN) == old
    with pytest.raises(TokenUnavailable) as caught:
        make_source(now=before_end(source, shop_id, 15)).access_token(shop_id, DOMAIN)
    assert caught.value.after_s > 0
    platform.faults.clear()
    assert make_source(now=before_end(source, shop_id, 16)).access_token(shop_id, DOMAIN) != old


def test_forgotten_by_the_platform_needs_the_merchant(shop: DevShop, shop_id: int, make_source: Make) -> None:
    shop.expire_tokens(refresh_too=True)
    with pytest.raises(NeedsReauth):
        make_source(now=later(hours=2)).access_token(shop_id, DOMAIN)
    with pytest.raises(NeedsReauth):
        make_source(now=later(days=91)).access_token(shop_id, DOMAIN)


def test_merchant_who_opens_the_app_during_a_renewal_wins(
    shop: DevShop, shop_id: int, make_source: Make, line: Counting, counted: httpx.Client
) -> None:
    """The acquisition retires the refresh token that is on its way: invalid_grant, read again, no complaint."""
    opened: list[str] = []

    def open_app() -> None:
        if not opened:
            source = make_source()
            grant = source.acquire(DOMAIN, shop.id_token())
            source.keep(shop_id, grant)
            opened.append(grant.access)

    line.before = open_app
    assert make_source(http_client=counted, now=later(hours=2)).access_token(shop_id, DOMAIN) == opened[0]


def test_answer_that_comes_after_a_newer_acquisition_is_thrown_away(
    shop: DevShop, shop_id: int, make_source: Make, counted: httpx.Client, line: Counting
) -> None:
    inner = line.inner
    newer: list[str] = []

    class After(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = inner.handle_request(request)
            if not newer:
                newer.append("")
                source = make_source()
                grant = source.acquire(DOMAIN, shop.id_token())
                source.keep(shop_id, grant)
                newer[0] = grant.access
            return answer

    line.inner = After()
    assert make_source(http_client=counted, now=later(hours=2)).access_token(shop_id, DOMAIN) == newer[0]
    assert make_source().access_token(shop_id, DOMAIN) == newer[0]


def test_uninstall_during_a_renewal_leaves_no_token_behind(
    shop: DevShop, shop_id: int, make_source: Make, counted: httpx.Client, line: Counting
) -> None:
    source = make_source(http_client=counted, now=later(hours=2))
    line.before = lambda: source.forget(shop_id)
    with pytest.raises(NeedsReauth):
        source.access_token(shop_id, DOMAIN)
    assert source.shelf.find(shop_id) is None


def test_a_shop_without_a_token(make_source: Make) -> None:
    with pytest.raises(NeedsReauth):
        make_source().access_token(404, DOMAIN)
    with pytest.raises(NeedsReauth):
        make_source().keep_alive(404, DOMAIN)


def test_401_renews_once_and_only_for_the_refused_token(
    shop: DevShop, shop_id: int, make_source: Make, clients: AdminClients
) -> None:
    refused = make_source().access_token(shop_id, DOMAIN)
    shop.expire_tokens()
    assert shop_facts(clients.of(shop_id, DOMAIN)).name == "Dev One"
    new = make_source().access_token(shop_id, DOMAIN)
    assert new != refused
    # another worker, refused with the old token, does not renew the new one, nor take it for ended
    assert make_source().after_refusal(shop_id, DOMAIN, refused) == new
    assert renewals(shop) == 1


def test_a_refused_token_counts_as_ended_although_it_could_not_be_renewed(
    platform: DevPlatform, shop_id: int, make_source: Make
) -> None:
    source = make_source()
    refused = source.access_token(shop_id, DOMAIN)
    platform.faults.add("http_503", TOKENS, times=None)
    with pytest.raises(TokenUnavailable):
        source.after_refusal(shop_id, DOMAIN, refused)
    token = source.shelf.find(shop_id)
    assert token is not None
    assert not rules.fresh(token, datetime.now(UTC))


def test_the_platforms_word_that_we_are_not_installed_reaches_the_caller(
    shop: DevShop, shop_id: int, make_source: Make
) -> None:
    shop.uninstall()
    with pytest.raises(TokenUnavailable) as caught:
        make_source(now=later(hours=2)).access_token(shop_id, DOMAIN)
    assert caught.value.code == "invalid_client"


def test_an_acquisition_waits_for_whoever_renews_but_not_for_ever(shop_id: int, make_source: Make) -> None:
    source = make_source(now=later(hours=2))
    assert source.shelf.take_lease(shop_id, "a slow worker", source.now(), LEASE)
    with pytest.raises(TokenUnavailable), source.alone(shop_id):
        raise AssertionError("not alone")
    assert sum(source.sleep.seconds) <= WAIT_FOR_OTHER_S  # type: ignore[attr-defined]

    def done(_: float) -> None:
        source.shelf.drop_lease(shop_id, "a slow worker")

    entered = False
    with make_source(now=source.now, sleep=done).alone(shop_id):
        entered = True
        assert source.shelf.leased(shop_id, source.now())
    assert entered
    assert not source.shelf.leased(shop_id, source.now())


def test_idle_shops_are_renewed_weekly(shop: DevShop, shop_id: int, make_source: Make) -> None:
    source = make_source()
    now = datetime.now(UTC)
    assert source.due_for_refresh(now + timedelta(days=6)) == []
    assert source.due_for_refresh(now + timedelta(days=8)) == [(shop_id, DOMAIN)]
    eighth_day = make_source(now=later(days=8))
    eighth_day.keep_alive(shop_id, DOMAIN)
    assert renewals(shop) == 1
    assert eighth_day.due_for_refresh(now + timedelta(days=8)) == []


def test_rotating_the_keys_of_the_database(
    shop: DevShop, shop_id: int, make_source: Make, config: Config, database: Database
) -> None:
    token = make_source().access_token(shop_id, DOMAIN)
    new_key = Fernet.generate_key().decode()
    both = replace(config, token_keys=(new_key, *config.token_keys))
    only_new = replace(config, token_keys=(new_key,))
    assert make_source(config=both).access_token(shop_id, DOMAIN) == token
    with pytest.raises(NeedsReauth) as caught:
        make_source(config=only_new).access_token(shop_id, DOMAIN)
    assert caught.value.code == "token_key_missing"
    with pytest.raises(NeedsReauth):
        make_source(config=only_new).rotate_tokens()
    assert make_source(config=both).rotate_tokens() == 1
    assert make_source(config=only_new).access_token(shop_id, DOMAIN) == token
    assert works(shop, make_source(config=only_new, now=later(hours=2)).access_token(shop_id, DOMAIN))


def test_rotating_the_keys_keeps_a_token_that_was_renewed_meanwhile(
    shop: DevShop, shop_id: int, make_source: Make, config: Config
) -> None:
    both = replace(config, token_keys=(Fernet.generate_key().decode(), *config.token_keys))
    source = make_source(config=both)
    renewed: list[str] = []

    class Racing(TokenShelf):
        def replace(self, shop_id: int, token: object, *, seen: datetime) -> bool:
            if not renewed:
                renewed.append(make_source(now=later(hours=2)).access_token(shop_id, DOMAIN))
            return super().replace(shop_id, token, seen=seen)  # type: ignore[arg-type]

    racing = replace(source, shelf=Racing(source.shelf._db))  # type: ignore[attr-defined]
    assert racing.rotate_tokens() == 1
    only_new = replace(config, token_keys=both.token_keys[:1])
    assert make_source(config=only_new).access_token(shop_id, DOMAIN) == renewed[0]


def test_rotating_the_client_secret(
    platform: DevPlatform, shop: DevShop, shop_id: int, make_source: Make, config: Config
) -> None:
    new_secret = "another-secret-of-more-than-thirty-two-bytes"
    early = make_source(config=replace(config, api_secret=new_secret, api_secret_old=config.api_secret))
    assert works(shop, early.access_token(shop_id, DOMAIN))
    assert works(shop, make_source(config=early.config, now=later(hours=2)).access_token(shop_id, DOMAIN))
    platform.rotate_secret(new_secret)
    platform.revoke_old_secret()
    shop.expire_tokens()
    assert works(shop, make_source(config=early.config, now=later(hours=3)).access_token(shop_id, DOMAIN))
    with pytest.raises(TokenUnavailable) as caught:
        make_source(now=later(hours=5)).access_token(shop_id, DOMAIN)
    assert "SHOPIFY_API_SECRET" in str(caught.value)


def test_bad_id_token_is_not_exchanged(shop: DevShop, make_source: Make) -> None:
    with pytest.raises(NeedsReauth) as caught:
        make_source().acquire(DOMAIN, shop.id_token(exp=1))
    assert caught.value.code == "invalid_subject_token"


def test_exchange_without_an_answer(platform: DevPlatform, shop: DevShop, make_source: Make) -> None:
    for fault in ("timeout_before", "http_500"):
        platform.faults.add(fault, TOKENS)
        with pytest.raises(TokenUnavailable):
            make_source().acquire(DOMAIN, shop.id_token())
    assert works(shop, make_source().acquire(DOMAIN, shop.id_token()).access)
