"""Every route has a guard that works, every answer has its headers, and no answer ever sets a cookie."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from werkzeug.routing import Rule
from werkzeug.test import Client, TestResponse

from plugin.pages.answers import EVERYWHERE
from plugin.pages.chapters import CHAPTERS
from plugin.pages.guards import (
    API_KEY,
    EXTENSION,
    FORM_TICKET,
    ID_TOKEN,
    OAUTH,
    OPEN,
    POS,
    PROXY,
    SIGNED_HOOK,
)
from plugin.store.storefront import StorefrontReader
from tests.house.sources import ROOT
from tests.pages.scene import ALICE, ANNA, MALLORY, Scene, code_of, signed

CHAPTER = rf"^/programme/({'|'.join(chapter.slug for chapter in CHAPTERS)})(?=/|$)"
GUARDS = {PROXY, EXTENSION, POS, ID_TOKEN, FORM_TICKET, OAUTH, OPEN, API_KEY, SIGNED_HOOK}
# Open routes tell nothing about anybody: how the process is, where to fetch a token, where to grant access, what the
# API looks like.
OPEN_ROUTES = {"/healthz", "/auth", "/auth/patch-id-token", "/api/v1/openapi.json"}


def rules(scene: Scene) -> list[tuple[str, Rule]]:
    """Every (method, rule) of the map."""
    found = [
        (method, rule)
        for rule in scene.app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    found += [
        ("OPTIONS", rule) for rule in scene.app.url_map.iter_rules() if (rule.methods or set()) == {"OPTIONS"}
    ]
    assert len(found) >= 30
    return found


def guard_of(scene: Scene, rule: Rule) -> str:
    return str(getattr(scene.app.view_functions[rule.endpoint], "guard", "none"))


def path_of(rule: Rule) -> str:
    return re.sub(
        "<[a-z_]+>", "5", rule.rule.replace("<action_key>", "insta").replace("<member_id>", str(ANNA))
    )


def test_every_route_has_a_guard(light: Scene) -> None:
    for method, rule in rules(light):
        guard = guard_of(light, rule)
        assert guard in GUARDS, f"{method} {rule.rule}: {guard}"
        if rule.rule.startswith("/api/v1/"):
            assert guard in (API_KEY, SIGNED_HOOK) or rule.rule in OPEN_ROUTES, (
                f"{method} {rule.rule}: {guard}"
            )
            continue
        token = POS if rule.rule.startswith("/api/pos/") else EXTENSION
        prefixes = {"/proxy/": PROXY, "/api/": OPEN if method == "OPTIONS" else token}
        expected = next((kind for prefix, kind in prefixes.items() if rule.rule.startswith(prefix)), guard)
        assert guard == expected, f"{method} {rule.rule}: {guard}"
        if guard == OPEN and method != "OPTIONS":
            assert rule.rule in OPEN_ROUTES


def test_no_guarded_route_answers_a_stranger(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    for method, rule in rules(light):
        if guard_of(light, rule) == OPEN:
            continue
        for query in (
            "",
            f"?shop={ALICE}",
            f"?shop={ALICE}&logged_in_customer_id={ANNA}",
            f"?shop={ALICE}&id_token=x",
        ):
            body = {"nonce": "x"} if method == "POST" and guard_of(light, rule) != FORM_TICKET else None
            answer = light.client().open(f"{path_of(rule)}{query}", method=method, json=body)
            to_patch_page = (
                answer.status_code == 302 and "/auth/patch-id-token?" in answer.headers["Location"]
            )
            assert answer.status_code in (400, 401, 403) or (
                guard_of(light, rule) == ID_TOKEN and to_patch_page
            ), f"{method} {rule.rule}{query}: {answer.status_code}"


def test_every_route_is_documented(light: Scene) -> None:
    api = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    text = (ROOT / "docs/storefront-api.md").read_text(encoding="utf-8") + (
        ROOT / "docs/security.md"
    ).read_text(encoding="utf-8")
    for method, rule in rules(light):
        if rule.rule.startswith("/api/v1/"):
            shown = re.sub("<([a-z_]+)>", r"{\1}", rule.rule.removeprefix("/api/v1"))
            assert f"`{method} {shown}`" in api, f"{method} {shown}"
            continue
        if method != "OPTIONS" and not rule.rule.startswith("/api/"):
            shown = re.sub("<(redemption|member|order)_id>", "<id>", rule.rule).replace(
                "<action_key>", "<key>"
            )
            shown = re.sub(CHAPTER, "/programme/<chapter>", shown)
            assert f"`{method} {shown}`" in text, f"{method} {shown}"


def test_every_test_that_the_security_page_names_exists() -> None:
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    here = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/pages").rglob("test_*.py"))
    named = set(re.findall(r"`(test_[a-z_0-9]+)`", text))
    assert len(named) >= 30
    assert sorted(name for name in named if f"def {name}(" not in here) == []
    files = set(re.findall(r"`(test_[a-z_]+\.py)`", text))
    there = {
        path.name for room in ("pages", "channels") for path in (ROOT / "tests" / room).rglob("test_*.py")
    }
    assert sorted(files - there) == []


def _answers(scene: Scene) -> list[tuple[str, TestResponse]]:
    """One answer of every kind there is, good and bad."""
    nonce = scene.nonce(ANNA)
    token = {"Authorization": f"Bearer {scene.session_token(ANNA)}"}
    browser = scene.client()
    found = [
        (f"{method} {rule.rule}", browser.open(path_of(rule), method=method)) for method, rule in rules(scene)
    ]
    return [
        *found,
        ("me", scene.get("me", ANNA)),
        ("guest", scene.get("me")),
        ("history", scene.get("history", ANNA)),
        ("rewards", scene.get("rewards", ANNA)),
        ("join", scene.post("join", {"nonce": nonce}, ANNA)),
        (
            "redeem",
            scene.post("redeem", {"reward": "five_off", "request_key": "tap-00001", "nonce": nonce}, ANNA),
        ),
        ("api", browser.get("/api/me", headers=token)),
        ("admin", browser.get(f"/?shop={ALICE}&id_token={scene.id_token()}")),
        ("health", browser.get("/healthz")),
        ("nowhere", browser.get("/nowhere")),
        ("wrong method", browser.delete("/healthz")),
        ("wrong shop", scene.get("me", ANNA, "stranger-shop.myshopify.com")),
        ("huge", scene.post("join", {"nonce": "x" * 9000}, ANNA)),
    ]


def test_every_answer_has_its_headers_and_none_sets_a_cookie(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    for name, answer in _answers(light):
        assert "Set-Cookie" not in answer.headers, name
        for header, value in EVERYWHERE:
            shown = answer.headers.get(header)
            if header == "Content-Security-Policy":
                assert "frame-ancestors" in str(shown), name
            else:
                assert shown == value, f"{name}: {header}"
        proxied = name.startswith(("GET /proxy", "POST /proxy")) or name in ("me", "guest", "history", "join")
        # Shopify hands these headers on under the merchant's own domain, where promising HTTPS is not ours to do.
        assert ("Strict-Transport-Security" in answer.headers) is not (proxied or name in _PROXIED), name


_PROXIED = {"rewards", "redeem", "wrong shop", "huge"}


@pytest.mark.parametrize("headers", [{}, {"Cookie": "session=1; customer=999"}, {"X-Customer-Id": "999"}])
@pytest.mark.parametrize("path", ["me", "history?page_size=5"])
def test_the_fast_path_answers_like_the_views_behind_it(
    scene: Scene, path: str, headers: dict[str, str]
) -> None:
    scene.member(ALICE, ANNA, 500)
    scene.redeem(ANNA)
    scene.asked(ALICE, ANNA, 81)
    name, _, own = path.partition("?")
    pairs = [("page_size", own.split("=")[1])] if own else []
    url = f"/proxy/{name}?{signed(scene.pairs(ALICE, ANNA, pairs))}"
    in_front = scene.client().get(url, headers=headers)

    def behind(environ: Any, start_response: Any) -> Any:
        with scene.app.request_context(environ):
            return scene.app.full_dispatch_request()(environ, start_response)

    view = Client(behind, use_cookies=True).get(url, headers=headers)
    assert in_front.json == view.json
    assert (in_front.status_code, view.status_code) == (200, 200)
    assert dict(in_front.headers) == dict(view.headers)


def test_the_plain_reads_never_reach_flask(light: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    light.member(ALICE, ANNA, 500)
    reached: list[str] = []
    light.app.before_request_funcs.setdefault(None, []).append(lambda: reached.append("flask"))
    for path in ("me", "history"):
        assert light.get(path, ANNA).status_code == 200
    assert reached == []
    assert light.get("me").status_code == 200
    assert reached == ["flask"]


def test_an_unexpected_fault_shows_a_number_and_logs_no_personal_data(
    light: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("anna.keller@example.com lives at 5 Secret Street")

    monkeypatch.setattr(StorefrontReader, "shopper", broken)
    with caplog.at_level(logging.DEBUG):
        answer = light.get("rewards", ANNA)
    assert (answer.status_code, code_of(answer)) == (500, "internal_error")
    reference = answer.json["error"]["reference"]  # type: ignore[index]
    assert reference in answer.json["error"]["message"]  # type: ignore[index]
    lines = [record.getMessage() for record in caplog.records]
    assert any(reference in line and "ValueError" in line and "storefront.py:" in line for line in lines)
    for secret in ("anna.keller", "Secret Street", "signature=", str(ANNA)):
        assert secret not in answer.text
        assert not any(secret in line for line in lines)


def test_health_says_what_waits_and_who_works(scene: Scene) -> None:
    from plugin.store import meta

    assert scene.client().get("/healthz").json == {"status": "ok", "oldest_waiting_s": 0, "worker": None}
    shop_id = scene.shop(ALICE).shop_id
    received = int(scene.times.now().timestamp() * 1000) - 42_000
    with scene.db.write() as tx:
        assert meta.take_lease(tx, "worker", "host-1", 60)
        tx.run(
            "INSERT INTO inbox (shop_id, webhook_id, topic, received_at, body, due_at) "
            "VALUES (:s, 'w-1', 'orders/paid', :t, :b, :t)",
            s=shop_id, b=b"", t=received,
        )  # fmt: skip
        tx.run(
            "INSERT INTO shops (shop_id, domain, state, first_seen_at) VALUES (99, 'w.myshopify.com', 'waiting', 0)"
        )
        tx.run(
            "INSERT INTO inbox (shop_id, webhook_id, topic, received_at, body, due_at) "
            "VALUES (99, 'w-1', 'orders/paid', 0, :b, 0)",
            b=b"",
        )
    assert scene.client().get("/healthz").json == {"status": "ok", "oldest_waiting_s": 42, "worker": "host-1"}


def test_health_fails_when_the_database_does(light: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from plugin.errors import StorageBusy
    from plugin.store import figures

    def away(_tx: object) -> None:
        raise StorageBusy("The database did not answer.")

    monkeypatch.setattr(figures, "oldest_waiting", away)
    answer = light.client().get("/healthz")
    assert (answer.status_code, code_of(answer)) == (503, "storage_busy")


def test_a_reader_survives_a_restart_of_the_database(scene: Scene, request: pytest.FixtureRequest) -> None:
    scene.member(ALICE, ANNA, 100)
    assert scene.get("me", ANNA).status_code == 200
    if scene.db.engine == "postgresql":
        request.getfixturevalue("pg_server").restart()
        codes = [scene.get("me", ANNA).status_code for _ in range(2)]
        assert codes[-1] == 200
        assert codes[0] in (200, 503)
    else:
        scene.web.reader.close()
        assert scene.get("me", ANNA).status_code == 200


def test_a_shop_that_leaves_and_a_new_programme_show_at_once(scene: Scene) -> None:
    from plugin.store import shops
    from tests.pages.scene import programme

    scene.member(ALICE, ANNA, 100)
    assert len(scene.get("me", ANNA).json["rewards"]) == 4  # type: ignore[index]
    scene.install(ALICE, programme(rewards=()))
    assert scene.get("me", ANNA).json["rewards"] == []  # type: ignore[index]
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.write() as tx:
        shops.uninstalled(tx, shop_id, scene.times.now())
    for path in ("me", "history", "rewards", "redemptions/5"):
        answer = scene.get(path, ANNA)
        assert (answer.status_code, code_of(answer)) == (404, "shop_not_installed")
    wish = {"nonce": scene.web.signer.nonce(ALICE, ANNA, scene.times.wall_s())}
    assert code_of(scene.post("join", wish, ANNA)) == "shop_not_installed"
    assert scene.get("me", ANNA, MALLORY).status_code == 200
