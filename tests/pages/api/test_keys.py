"""Keys of the API: proved, scoped, counted, revoked; another shop's key opens nothing."""

from __future__ import annotations

import re

import pytest

from plugin.flows import api_keys as key_flow
from plugin.pages.api import ROUTES
from plugin.pages.api.route import Route
from plugin.pages.limits import Limits
from plugin.store import api_keys, shops
from plugin.store.db import Database
from tests.pages.api.caller import Program, fault, make_key, program
from tests.pages.scene import ALICE, ANNA, MALLORY, Scene, make_scene


def address(path: str) -> str:
    """An address of the table with numbers that exist for nobody."""
    return re.sub(r"{[a-z_]+_id}", str(ANNA), path)


def test_a_token_is_stored_as_a_hash_and_its_secrets_are_shown_once(scene: Scene) -> None:
    made = make_key(scene, "read_members")
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        (stored,) = api_keys.every(tx, shop_id)
    assert made.token not in repr(stored)
    assert made.signing_secret.encode() not in stored.signing
    assert scene.web.sealer.open(stored.signing) == made.signing_secret
    assert key_flow.proved(stored, made.token)
    assert stored.scopes == {"read_members"}
    assert stored.used_at is None


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_no_route_answers_without_its_scope(light: Scene, route: Route) -> None:
    without = [scope for scope in key_flow.SCOPES if scope != route.scope]
    answer = program(light, *without).send(route.method, address(route.path))
    assert fault(answer)[:2] == (403, "insufficient_scope")
    assert answer.json is not None
    assert route.scope in answer.json["error"]["message"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_no_route_answers_a_stranger(light: Scene, route: Route) -> None:
    token = make_key(light).token
    public, _, secret = token.rpartition("_")
    forged = [
        "",
        "rgk_1_1",
        public,
        f"{public}_{'A' * 43}",
        f"{public}_{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}",
        f"{token}A",
        f"rgk_ffffffffffffffff_ffffffffffffffff_{secret}",
        "\u00e9".encode().decode("latin-1"),
    ]
    for wrong in forged:
        answer = Program(light, wrong).send(route.method, address(route.path))
        assert fault(answer)[:2] == (401, "invalid_key"), wrong
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_another_shops_secret_under_our_name_is_refused(light: Scene) -> None:
    ours, theirs = make_key(light), make_key(light, shop=MALLORY)
    mixed = f"{ours.token.rpartition('_')[0]}_{theirs.token.split('_', 3)[3]}"
    assert fault(Program(light, mixed).send("GET", "/members"))[:2] == (401, "invalid_key")


def test_another_shops_key_sees_nothing_of_ours(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    ours, theirs = program(scene), program(scene, shop=MALLORY)
    redeemed = ours.post("/redemptions", {"member_id": str(ANNA), "reward": "five_off"})
    assert theirs.get("/members")["data"] == []
    assert theirs.get("/redemptions")["data"] == []
    for path in (f"/members/{ANNA}", f"/members/{ANNA}/entries", f"/members/{ANNA}/lots"):
        theirs.get(path, 404)
    theirs.get(f"/redemptions/{redeemed['id']}", 404)
    theirs.post(f"/redemptions/{redeemed['id']}/undo", status=404)
    theirs.post(f"/members/{ANNA}/adjustments", {"points": 5, "reason": "mine"}, 404)
    theirs.post("/redemptions", {"member_id": str(ANNA), "reward": "five_off"}, 422)
    assert ours.get(f"/members/{ANNA}")["points"]["available"] == 450


def test_a_revoked_key_is_dead_at_once(scene: Scene) -> None:
    made = make_key(scene)
    caller = Program(scene, made.token)
    caller.get("/members")
    shop, other = scene.shop(ALICE), scene.shop(MALLORY)
    with scene.db.write(shop.shop_id) as tx:
        assert not key_flow.revoke(tx, other, made.key.key_id, "staff:1", scene.times.now())
        assert key_flow.revoke(tx, shop, made.key.key_id, "staff:501", scene.times.now())
        assert not key_flow.revoke(tx, shop, made.key.key_id, "staff:501", scene.times.now())
    assert fault(caller.send("GET", "/members"))[:2] == (401, "revoked_key")


def test_a_shop_that_left_answers_nobody_until_it_is_back(light: Scene) -> None:
    caller, shop = program(light), light.shop(ALICE)
    with light.db.write() as tx:
        shops.uninstalled(tx, shop.shop_id, light.times.now())
    assert fault(caller.send("GET", "/members"))[:2] == (403, "shop_not_installed")
    light.install(ALICE)
    caller.get("/members")


def test_last_use_is_kept_to_the_minute(scene: Scene) -> None:
    made, shop_id = make_key(scene), scene.shop(ALICE).shop_id
    caller = Program(scene, made.token)

    def used() -> object:
        with scene.db.read() as tx:
            found = api_keys.by_id(tx, shop_id, made.key.key_id)
        return found.used_at if found else None

    caller.get("/members")
    first = used()
    assert first == scene.times.now()
    scene.times.forward(seconds=30)
    caller.get("/members")
    assert used() == first
    scene.times.forward(seconds=31)
    caller.get("/members")
    assert used() == scene.times.now()


def test_each_key_has_its_own_rate_and_is_told_of_it(sqlite_url: str) -> None:
    db = Database.open(sqlite_url)
    scene = make_scene(db, limits=Limits(api_at_once=3, api_per_s=0.5))
    scene.install(ALICE)
    one, other = program(scene), program(scene)
    left = [one.send("GET", "/members").headers["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    answer = one.send("GET", "/members")
    assert fault(answer)[:2] == (429, "too_many_requests")
    assert (answer.headers["Retry-After"], answer.headers["RateLimit-Limit"]) == ("2", "3")
    assert answer.headers["RateLimit-Reset"] == "6"
    other.get("/members")
    scene.times.forward(seconds=2)
    one.get("/members")
    db.close()


@pytest.mark.parametrize(
    ("name", "scopes", "code"),
    [
        ("", ["read_members"], "no_name"),
        ("x" * 61, ["read_members"], "no_name"),
        ("Mail", [], "no_scope"),
        ("Mail", ["read_everything"], "unknown_scope"),
    ],
)
def test_a_key_that_cannot_be_made_says_why(light: Scene, name: str, scopes: list[str], code: str) -> None:
    shop = light.shop(ALICE)
    with light.db.write(shop.shop_id) as tx, pytest.raises(key_flow.CannotMakeKey) as refused:
        key_flow.make(tx, shop, name, scopes, "staff:501", light.times.now(), light.web.sealer.seal)
    assert refused.value.code == code


def test_a_shop_has_room_for_fifty_keys(light: Scene) -> None:
    made = [make_key(light, "read_members") for _ in range(key_flow.MAX_KEYS)]
    with pytest.raises(key_flow.CannotMakeKey, match="at most 50 keys"):
        make_key(light, "read_members")
    shop = light.shop(ALICE)
    with light.db.write(shop.shop_id) as tx:
        key_flow.revoke(tx, shop, made[0].key.key_id, "staff:501", light.times.now())
    make_key(light, "read_members")
