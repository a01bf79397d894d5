"""The install door against the development shop: opening the app, id tokens, tokens that end, and the code grant."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from werkzeug.test import TestResponse

from devshop.shop import DevPlatform, DevShop
from devshop.signing import query_signature
from plugin.domain.tokens import SealedToken
from plugin.pages.staff import PATCH_PATH
from plugin.shopify.admin import AdminClients
from plugin.shopify.errors import NeedsReauth
from plugin.shopify.tokens import LEASE
from plugin.store import programmes, queues, tokens
from plugin.store.db import Database
from plugin.worker.effects import Bench, perform_now
from tests.pages.scene import ALICE, BOB, MALLORY, OLD_SECRET, SECRET, Scene, Times, code_of, make_scene
from tests.valid import html_faults


@dataclass(slots=True)
class Running(Times):
    """Real time goes by, because the development shop dates its tokens by it; `wall_at` is how far ahead we are."""

    wall_at: float = 0.0

    def wall_s(self) -> float:
        return time.time() + self.wall_at


@dataclass(slots=True)
class Line(httpx.BaseTransport):
    """The way to the platform. `after_grant` happens when an answer about a token is on its way back."""

    inner: httpx.BaseTransport
    after_grant: Callable[[], object] = lambda: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.inner.handle_request(request)
        if request.url.path.endswith("/access_token"):
            self.after_grant()
        return answer


@dataclass(slots=True)
class Opening:
    """The app, and Alice's shop on the development platform; nothing is installed yet."""

    scene: Scene
    platform: DevPlatform
    shop: DevShop
    line: Line

    def open(self, url: str | None = None) -> TestResponse:
        return self.scene.client().get((url or self.shop.launch_url()).removeprefix("https://regulars.test"))

    def visit(self) -> TestResponse:
        """A page within the app, as App Bridge fetches it."""
        return self.scene.client().get("/", headers={"Authorization": f"Bearer {self.shop.id_token()}"})

    def half_an_hour(self) -> None:
        """Goes by for the stored token. The development shop's tokens know real time alone."""
        shop_id, token = self.scene.shop(ALICE).shop_id, self.stored()
        assert token is not None
        assert token.expires_at is not None
        span = timedelta(minutes=30)
        with self.scene.db.write(shop_id) as tx:
            tokens.forget(tx, shop_id)
            older = replace(token, refreshed_at=token.refreshed_at - span, expires_at=token.expires_at - span)
            tokens.put(tx, shop_id, older)

    def works(self) -> bool:
        """Whether the platform takes the token that is stored."""
        shop_id = self.scene.shop(ALICE).shop_id
        access = self.scene.web.tokens.access_token(shop_id, ALICE)
        return access in {grant.access_token for grant in self.shop.desk.shop.grants}

    def stored(self) -> SealedToken | None:
        shop_id = self.scene.shop(ALICE).shop_id
        with self.scene.db.read() as tx:
            return tokens.find(tx, shop_id)


@pytest.fixture
def opening(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opening]:
    """The real worker's performer stands behind the door, and the real token source."""
    times = Running(datetime.now(UTC))
    platform = DevPlatform("key-of-the-app", SECRET, "https://regulars.test", now=times.now)
    line = Line(platform.http_transport())
    client = httpx.Client(transport=line, timeout=5)
    scene = make_scene(database, client=client, times=times)
    bench = Bench(database, AdminClients(scene.web.tokens, client, api_version="2026-10"), times.now)
    monkeypatch.setattr(Scene, "perform", lambda _self, shop_id, effect: perform_now(bench, shop_id, effect))
    yield Opening(scene, platform, platform.create_shop(ALICE), line)
    client.close()


def test_the_first_opening_installs_sets_up_and_shows_the_home_page(opening: Opening) -> None:
    answer = opening.open(opening.shop.install())
    assert answer.status_code == 200
    assert "<h1" in answer.text
    assert "Alice Shop" in answer.text
    shop, token = opening.scene.shop(ALICE), opening.stored()
    assert (shop.state, shop.currency) == ("installed", "CHF")
    with opening.scene.db.read() as tx:
        latest = programmes.versions(tx, shop.shop_id).latest
    assert latest is not None
    assert (latest.version, latest.currency) == (1, "CHF")
    assert token is not None
    assert (token.kind, token.refresh is not None) == ("offline_expiring", True)
    assert b"shpat_" not in token.access
    assert token.refresh is not None
    assert b"shprt_" not in token.refresh
    assert opening.scene.web.tokens.access_token(shop.shop_id, ALICE).startswith("shpat_")


def test_another_page_asks_the_platform_for_nothing(opening: Opening) -> None:
    opening.open(opening.shop.install())
    opening.half_an_hour()
    before = opening.stored()
    opening.platform.faults.add("timeout_before", "access_token")
    assert opening.visit().status_code == 200
    assert opening.stored() == before


def test_a_launch_replaces_a_token_that_an_uninstall_may_have_ended(opening: Opening) -> None:
    opening.open(opening.shop.install())
    opening.half_an_hour()
    opening.shop.uninstall()  # the notice of it is still under way
    assert opening.open(opening.shop.install()).status_code == 200
    assert opening.works()
    before = opening.stored()
    opening.half_an_hour()
    for _ in range(6):
        opening.platform.faults.add("http_503", "access_token")
    assert opening.open().status_code == 200  # the platform is away, and a page is no reason to fail
    assert before is not None
    assert opening.stored() is not None
    assert opening.stored().access == before.access  # type: ignore[union-attr]


def test_the_installation_is_proved_as_of_the_id_token_in_the_time_of_the_apps_clock(
    opening: Opening,
) -> None:
    times = opening.scene.times
    times.now_at += timedelta(days=15)
    started = times.wall_s()
    issued_at_s = int(started) - 40
    token = opening.scene.id_token(iat=issued_at_s, nbf=issued_at_s, exp=issued_at_s + 60)
    opening.shop.install()
    answer = opening.scene.client().get("/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    proved_at = opening.scene.shop(ALICE).proved_at
    assert proved_at is not None
    age_s = (times.now_at - proved_at).total_seconds()
    assert started - issued_at_s <= age_s + 0.001  # milliseconds are stored
    assert age_s <= times.wall_s() - issued_at_s + 0.001


@pytest.mark.parametrize("how", ["forgotten", "refused"])
def test_a_token_that_ended_is_replaced_when_the_app_is_opened_and_parked_work_goes_on(
    opening: Opening, how: str
) -> None:
    opening.open(opening.shop.install())
    shop_id, now = opening.scene.shop(ALICE).shop_id, opening.scene.times.now()
    with opening.scene.db.write(shop_id) as tx:
        queues.enqueue(tx, shop_id, [queues.Effect("shop:digest", "shop.digest", {})], now)
        effect = queues.claim(tx, shop_id, "test", now, 1, key="shop:digest")[0]
        queues.effect_failed(tx, shop_id, effect, "needs_reauth: open the app", now, for_good=True)
        if how == "forgotten":
            tokens.forget(tx, shop_id)
    if how == "refused":
        # By its dates the refresh token is good for 90 days. The platform thinks otherwise.
        opening.shop.desk.shop.grants.clear()
        refused = opening.scene.web.tokens.access_token(shop_id, ALICE)
        with pytest.raises(NeedsReauth):
            opening.scene.web.tokens.after_refusal(shop_id, ALICE, refused)
    assert opening.visit().status_code == 200
    with opening.scene.db.read() as tx:
        assert queues.outbox_parked(tx, shop_id) == []
    assert opening.works()


def test_of_two_openings_at_once_the_token_that_was_made_last_is_stored(opening: Opening) -> None:
    opening.open(opening.shop.install())
    shop_id = opening.scene.shop(ALICE).shop_id
    with opening.scene.db.write(shop_id) as tx:
        tokens.forget(tx, shop_id)
    second: list[int] = []

    def between() -> None:
        if not second:
            second.append(0)
            second[0] = opening.visit().status_code

    opening.line.after_grant = between  # the first has its token from the platform, and has not stored it yet
    assert opening.visit().status_code == 200
    assert second == [200]
    opening.scene.times.wall_at += 3590
    assert opening.works()  # an earlier one's refresh token would be retired
    assert opening.scene.web.tokens.shelf.take_lease(shop_id, "a worker", opening.scene.times.real(), LEASE)


def test_a_first_opening_during_another_one_is_asked_to_come_again(opening: Opening) -> None:
    second: list[int] = []
    url = opening.shop.install()
    opening.line.after_grant = lambda: second.append(opening.visit().status_code) if not second else None
    assert opening.open(url).status_code == 200
    assert second[0] == 503
    assert opening.works()


def test_a_token_that_cannot_be_decrypted_is_replaced(opening: Opening) -> None:
    opening.open(opening.shop.install())
    before, shop_id = opening.stored(), opening.scene.shop(ALICE).shop_id
    assert before is not None
    with opening.scene.db.write(shop_id) as tx:
        tokens.put(tx, shop_id, replace(before, access=b"sealed with a key that is gone"))
    assert opening.open().status_code == 200
    assert opening.scene.web.tokens.access_token(shop_id, ALICE).startswith("shpat_")


def test_while_the_platform_is_away_an_installed_shop_still_sees_its_page(opening: Opening) -> None:
    opening.open(opening.shop.install())
    shop_id = opening.scene.shop(ALICE).shop_id
    with opening.scene.db.write(shop_id) as tx:
        tokens.forget(tx, shop_id)
    for _ in range(6):
        opening.platform.faults.add("http_503", "access_token")
    assert opening.open().status_code == 200
    assert opening.stored() is None


def test_a_first_opening_while_the_platform_is_away_installs_nothing_and_says_so(opening: Opening) -> None:
    url = opening.shop.install()
    for _ in range(6):
        opening.platform.faults.add("http_503", "access_token")
    answer = opening.open(url)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    with opening.scene.db.read() as tx:
        assert tx.one("SELECT COUNT(*) FROM shops WHERE state = 'installed'") == (0,)


def test_an_id_token_the_platform_does_not_take_installs_nothing(opening: Opening) -> None:
    url = opening.shop.install()
    opening.platform.faults.add("refuse", "access_token", code="invalid_subject_token")
    assert opening.open(url).status_code == 401
    with opening.scene.db.read() as tx:
        assert tx.one("SELECT COUNT(*) FROM shops WHERE state = 'installed'") == (0,)


def test_a_shop_that_left_comes_back_by_opening_the_app(opening: Opening) -> None:
    opening.open(opening.shop.install())
    from plugin.domain.facts import AppUninstalled
    from plugin.flows import merchants

    first = opening.scene.shop(ALICE)
    opening.scene.member(ALICE, 7001, 100)
    opening.scene.times.now_at = opening.scene.times.now_at.replace(year=2027)
    with opening.scene.db.write(first.shop_id) as tx:
        now = opening.scene.times.now()
        merchants.apply(tx, first, AppUninstalled(), "w-1", now, now)
    assert opening.scene.get("me", 7001).status_code == 404
    assert opening.open(opening.shop.install()).status_code == 200
    assert opening.scene.get("me", 7001).json["points"]["available"] == 150  # type: ignore[index]


# The id token


BAD_TOKENS: list[tuple[dict[str, object], str]] = [
    ({"aud": "another-app"}, "invalid_audience"),
    ({"aud": ["key-of-the-app"]}, "invalid_audience"),
    ({"iss": f"https://{MALLORY}/admin"}, "invalid_shop"),
    ({"dest": "https://evil.example", "iss": "https://evil.example/admin"}, "invalid_shop"),
    ({"dest": f"https://{ALICE}.evil.example"}, "invalid_shop"),
    ({"exp": None}, "invalid_id_token"),
    ({"sub": "gid://shopify/Customer/5"}, "invalid_id_token"),
    ({"algorithm": "none"}, "invalid_id_token"),
    ({"algorithm": "HS512"}, "invalid_id_token"),
    ({"secret": "mallorys-own-app-secret-0123456789"}, "invalid_id_token"),
]


@pytest.mark.parametrize(("claims", "code"), BAD_TOKENS, ids=str)
@pytest.mark.parametrize("path", ["/", "/members/7001", "/members"])
def test_a_bad_id_token_opens_no_page(light: Scene, claims: dict[str, object], code: str, path: str) -> None:
    token = light.id_token(**claims)  # type: ignore[arg-type]
    answer = light.client().get(f"{path}?shop={ALICE}&id_token={token}")
    assert (answer.status_code, code_of(answer)) == (401, code)
    fetched = light.client().get(path, headers={"Authorization": f"Bearer {token}"})
    assert (fetched.status_code, code_of(fetched)) == (401, code)
    assert fetched.headers["X-Shopify-Retry-Invalid-Session-Request"] == "1"


def test_an_id_token_signed_with_the_old_secret_counts(light: Scene) -> None:
    token = light.id_token(secret=OLD_SECRET)
    with light.db.write() as tx:
        tokens.put(tx, 1, _fresh(light))
    assert light.client().get("/", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def _fresh(scene: Scene) -> SealedToken:
    from plugin.shopify.grants import Grant

    real = scene.times.real()
    return scene.web.tokens.sealed(
        Grant("shpat_x", "shprt_x", real + timedelta(hours=1), real + timedelta(days=90), "read_orders")
    )


@pytest.mark.parametrize("age", [None, 120])
def test_a_page_without_a_living_id_token_goes_round_by_the_patch_page(light: Scene, age: int | None) -> None:
    token = "" if age is None else light.id_token(exp=int(light.times.wall_s()) - age)
    query = {"shop": ALICE, "host": "YWRtaW4", "embedded": "1", "evil": "<script>", "before": "5"}
    answer = light.client().get(f"/members/7001?{urlencode(query | ({'id_token': token} if token else {}))}")
    assert answer.status_code == 302
    target = urlsplit(answer.headers["Location"])
    assert (target.scheme, target.netloc, target.path) == ("https", "regulars.test", PATCH_PATH)
    sent = parse_qs(target.query)
    assert set(sent) == {"shop", "host", "embedded", "shopify-reload"}
    assert sent["shopify-reload"] == [f"/members/7001?embedded=1&host=YWRtaW4&shop={ALICE}&before=5"]
    page = light.client().get(f"{PATCH_PATH}?{target.query}")
    assert html_faults(page.text) == ()
    assert page.status_code == 200
    assert (
        '<script data-api-key="key-of-the-app" src="https://cdn.shopify.com/shopifycloud/app-bridge.js">'
        in page.text
    )
    assert (
        f"frame-ancestors https://{ALICE} https://admin.shopify.com"
        in page.headers["Content-Security-Policy"]
    )


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "missing_shop"),
        ("shop=evil.example", "missing_shop"),
        (f"shop={ALICE};script-src *", "missing_shop"),
        (f"shop={ALICE}&shop={MALLORY}", "missing_shop"),
        (f"shop={ALICE}", "missing_shopify_reload"),
        (f"shop={ALICE}&shopify-reload=https://evil.example/", "missing_shopify_reload"),
        (f"shop={ALICE}&shopify-reload=//evil.example/", "missing_shopify_reload"),
        (f"shop={ALICE}&shopify-reload=javascript:alert(1)", "missing_shopify_reload"),
    ],
)
def test_the_patch_page_goes_back_only_into_this_app(light: Scene, query: str, code: str) -> None:
    answer = light.client().get(f"{PATCH_PATH}?{query}")
    assert (answer.status_code, code_of(answer)) == (400, code)


def test_a_page_that_names_no_shop_says_where_to_begin(light: Scene) -> None:
    answer = light.client().get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert "Open Regulars from your Shopify admin." in answer.text
    twice = light.client().get(f"/?shop={ALICE}&id_token=a&id_token=b")
    assert (twice.status_code, code_of(twice)) == (400, "repeated_parameter")


# The authorization-code grant


def _begin(opening: Opening) -> tuple[str, dict[str, str]]:
    answer = opening.scene.client().get(f"/auth?shop={ALICE}")
    assert answer.status_code == 302
    target = urlsplit(answer.headers["Location"])
    assert (target.netloc, target.path) == (ALICE, "/admin/oauth/authorize")
    return answer.headers["Location"], {name: values[0] for name, values in parse_qs(target.query).items()}


def test_a_custom_app_is_installed_by_the_code_grant(opening: Opening) -> None:
    url, asked = _begin(opening)
    assert asked["redirect_uri"] == "https://regulars.test/auth/callback"
    assert asked["scope"] == "read_orders,write_discounts"
    granted = httpx.Client(transport=opening.platform.http_transport()).get(url)
    assert granted.status_code == 302
    answer = opening.open(granted.headers["Location"])
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        f"https://{ALICE}/admin/apps/key-of-the-app",
    )
    assert opening.scene.shop(ALICE).state == "installed"
    assert opening.stored() is not None
    assert "Set-Cookie" not in answer.headers


def _callback(scene: Scene, secret: str = SECRET, **changes: str) -> TestResponse:
    query = {
        "code": "0907a61c0c8d55e99db179b68161bc00",
        "host": "YWRtaW4",
        "shop": ALICE,
        "state": scene.web.signer.state(ALICE, scene.times.wall_s()),
        "timestamp": str(int(scene.times.wall_s())),
    } | changes
    return scene.client().get(f"/auth/callback?{urlencode(query | {'hmac': query_signature(secret, query)})}")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"secret": "mallorys-own-app-secret-0123456789"}, 401, "invalid_signature"),
        ({"state": "made-up"}, 401, "invalid_state"),
        ({"shop": MALLORY}, 401, "invalid_state"),
        ({"shop": "evil.example"}, 401, "invalid_shop"),
        ({"timestamp": "1"}, 401, "stale_timestamp"),
        ({"code": ""}, 400, "missing_parameter"),
        ({"code": "a=b&c"}, 400, "invalid_parameter"),
    ],
)
def test_a_callback_that_is_not_proved_installs_nothing(
    light: Scene, changes: dict[str, str], status: int, code: str
) -> None:
    answer = _callback(light, **changes)
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_a_state_ends_after_ten_minutes_and_is_no_other_kind_of_ticket(light: Scene) -> None:
    state = light.web.signer.state(ALICE, light.times.wall_s())
    light.times.wall_at += 600
    assert code_of(_callback(light, state=state)) == "invalid_state"
    form = light.web.signer.form_ticket(ALICE, BOB, "state", light.times.wall_s())
    assert code_of(_callback(light, state=form)) == "invalid_state"


@pytest.mark.parametrize(
    "shop", ["", "evil.example", "https://evil.example/x.myshopify.com", "a b.myshopify.com"]
)
def test_the_grant_begins_only_for_a_shop(light: Scene, shop: str) -> None:
    answer = light.client().get(f"/auth?{urlencode({'shop': shop})}")
    assert (answer.status_code, code_of(answer)) == (400, "invalid_shop")
