"""Attacks on who somebody is: queries, signatures, session tokens, and other people's things."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from devshop.signing import proxy_signature
from plugin.config import Config
from plugin.pages import identity
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, OLD_SECRET, SECRET, VICTIM, Scene, code_of, signed


def ask(scene: Scene, query: str, path: str = "me") -> TestResponse:
    return scene.client().get(f"/proxy/{path}?{query}")


def test_a_signed_customer_is_known_and_a_guest_is_not(light: Scene) -> None:
    light.member(ALICE, ANNA)
    known = light.get("me", ANNA)
    assert (known.status_code, known.json["state"], known.json["member"]["id"]) == (200, "member", str(ANNA))  # type: ignore[index]
    guest = light.get("me")
    assert (guest.status_code, guest.json["state"]) == (200, "guest")  # type: ignore[index]
    assert "nonce" not in (guest.json or {})


def test_the_old_secret_still_counts_while_it_is_rotated_out(light: Scene) -> None:
    query = signed(light.pairs(ALICE, ANNA), OLD_SECRET)
    assert ask(light, query).status_code == 200


@pytest.mark.parametrize("path", ["me", "history"])
@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda pairs: [*pairs, ("logged_in_customer_id", str(VICTIM))], 400, "repeated_parameter"),
        (lambda pairs: [("logged_in_customer_id", str(VICTIM)), *pairs], 400, "repeated_parameter"),
        (lambda pairs: [*pairs, ("customer", "1")], 400, "unknown_parameter"),
        (lambda pairs: [("locale", "en=1"), *pairs], 400, "invalid_parameter"),
        (
            lambda pairs: [(n, f"{v} " if n == "logged_in_customer_id" else v) for n, v in pairs],
            400,
            "invalid_parameter",
        ),
        (
            lambda pairs: [(n, "1e3" if n == "logged_in_customer_id" else v) for n, v in pairs],
            400,
            "invalid_parameter",
        ),
        (
            lambda pairs: [(n, "evil.example" if n == "shop" else v) for n, v in pairs],
            400,
            "invalid_parameter",
        ),
        (lambda pairs: [pair for pair in pairs if pair[0] != "timestamp"], 400, "missing_parameter"),
    ],
)
def test_even_a_signed_query_must_have_the_one_right_shape(
    light: Scene, path: str, change: object, status: int, code: str
) -> None:
    assert callable(change)
    answer = ask(light, signed(change(light.pairs(ALICE, ANNA))), path)
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_the_visitor_who_smuggles_himself_into_customer_999_is_refused(light: Scene) -> None:
    # He asks his shop for /apps/rewards?a=1logged_in_customer_id=999m= and gets that signed for himself, a guest.
    theirs = light.pairs(ALICE, None, [("a", "1logged_in_customer_id=999m=")])
    signature = proxy_signature(SECRET, theirs)
    # The same characters, cut elsewhere, carry the same signature and name customer 999.
    mine = [
        ("a", "1"),
        ("logged_in_customer_id", str(VICTIM)),
        ("m", "logged_in_customer_id="),
        *[pair for pair in theirs if pair[0] not in ("a", "logged_in_customer_id")],
    ]
    assert proxy_signature(SECRET, mine) == signature
    answer = ask(light, urlencode([*mine, ("signature", signature)]))
    assert (answer.status_code, code_of(answer)) == (400, "unknown_parameter")
    assert light.status(ALICE, VICTIM) is None


@pytest.mark.parametrize("name", ["locale", "cursor", "page_size"])
def test_smuggling_through_a_parameter_of_our_own_is_refused_too(light: Scene, name: str) -> None:
    theirs = light.pairs(ALICE, None, [(name, "1logged_in_customer_id=999")])
    answer = ask(light, signed(theirs))
    assert (answer.status_code, code_of(answer)) == (400, "invalid_parameter")


@pytest.mark.parametrize("seconds", [-91, 91, -86_400])
def test_a_stale_or_early_query_is_refused(light: Scene, seconds: int) -> None:
    query = signed(light.pairs(ALICE, ANNA))
    light.times.wall_at += seconds
    answer = ask(light, query)
    assert (answer.status_code, code_of(answer)) == (401, "stale_timestamp")


@pytest.mark.parametrize(
    "signature",
    ["", "0" * 64, "é" * 64, "0" * 63, "F" * 64],
    ids=["empty", "wrong", "foreign", "short", "capital"],
)
def test_a_wrong_signature_is_refused(light: Scene, signature: str) -> None:
    answer = ask(light, urlencode([*light.pairs(ALICE, ANNA), ("signature", signature)]))
    assert answer.status_code in (400, 401)
    assert code_of(answer) in ("invalid_signature", "invalid_parameter")


def test_a_signature_for_another_shop_or_customer_is_refused(light: Scene) -> None:
    for other in (light.pairs(MALLORY, ANNA), light.pairs(ALICE, BEN)):
        signature = proxy_signature(SECRET, other)
        answer = ask(light, urlencode([*light.pairs(ALICE, ANNA), ("signature", signature)]))
        assert (answer.status_code, code_of(answer)) == (401, "invalid_signature")


def test_another_apps_secret_signs_nothing_here(light: Scene) -> None:
    answer = ask(light, signed(light.pairs(ALICE, ANNA), "mallorys-own-app-secret-0123456789"))
    assert (answer.status_code, code_of(answer)) == (401, "invalid_signature")


@pytest.mark.parametrize(
    "query", ["", "%ff", "shop=%", "x=" + "y" * 5000, "&".join(f"a{n}=1" for n in range(50))]
)
def test_no_query_and_broken_queries_are_refused(light: Scene, query: str) -> None:
    answer = ask(light, query)
    assert answer.status_code == 400
    codes = ("missing_parameter", "invalid_parameter", "invalid_query", "query_too_long", "unknown_parameter")
    assert code_of(answer) in codes


def test_a_shop_that_has_not_installed_has_no_programme(light: Scene) -> None:
    answer = light.get("me", ANNA, "stranger-shop.myshopify.com")
    assert (answer.status_code, code_of(answer)) == (404, "shop_not_installed")


def test_the_same_customer_number_in_mallorys_shop_is_somebody_else(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    assert scene.get("me", ANNA, MALLORY).json["state"] == "not_member"  # type: ignore[index]
    found = scene.post("join", {"nonce": scene.nonce(ANNA, MALLORY)}, ANNA, MALLORY).json
    assert found is not None
    assert found["points"]["available"] == 50
    history = scene.get("history", ANNA, MALLORY).json
    assert [line["kind"] for line in history["lines"]] == ["signup"]  # type: ignore[index]


def test_an_extension_proves_its_customer_with_a_session_token(light: Scene) -> None:
    headers = {"Authorization": f"Bearer {light.session_token(ANNA)}"}
    answer = light.client().get("/api/me", headers=headers)
    assert (answer.status_code, answer.json["state"]) == (200, "not_member")  # type: ignore[index]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    wish = {"nonce": answer.json["nonce"]}  # type: ignore[index]
    joined = light.client().post("/api/join", json=wish, headers=headers)
    assert (joined.status_code, joined.json["member"]["id"]) == (200, str(ANNA))  # type: ignore[index]


def test_an_extension_without_a_signed_in_customer_is_a_guest(light: Scene) -> None:
    answer = light.client().get("/api/me", headers={"Authorization": f"Bearer {light.session_token(None)}"})
    assert (answer.status_code, answer.json["state"]) == (200, "guest")  # type: ignore[index]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-app"},
        {"aud": ["key-of-the-app"]},
        {"dest": "https://evil.example"},
        {"exp": None},
        {"exp": 1},
        {"sub": "gid://shopify/StaffMember/5"},
        {"sub": "501"},
    ],
    ids=str,
)
def test_a_session_token_with_a_wrong_claim_is_refused_with_open_cors(
    light: Scene, claims: dict[str, object]
) -> None:
    token = light.session_token(ANNA, claims=claims)
    answer = light.client().get("/api/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert code_of(answer) in ("invalid_id_token", "expired_id_token", "invalid_audience", "invalid_shop")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "query", ["logged_in_customer_id=999", "shop=x", "locale=en&locale=de", "cursor=%3D"]
)
def test_an_extension_cannot_name_anybody_in_its_query(light: Scene, query: str) -> None:
    headers = {"Authorization": f"Bearer {light.session_token(ANNA)}"}
    assert light.client().get(f"/api/me?{query}", headers=headers).status_code == 400


def test_a_proxy_query_opens_nothing_under_api_and_a_token_nothing_under_proxy(light: Scene) -> None:
    assert light.client().get(f"/api/me?{signed(light.pairs(ALICE, ANNA))}").status_code == 401
    headers = {"Authorization": f"Bearer {light.session_token(ANNA)}"}
    assert light.client().get("/proxy/me", headers=headers).status_code == 400


def test_preflight_of_an_extension(light: Scene) -> None:
    answer = light.client().options("/api/redemptions/5/undo")
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert light.client().options("/proxy/me").status_code == 405


def test_a_merged_customer_is_the_kept_one(scene: Scene) -> None:
    from plugin.domain.facts import CustomersMerged
    from plugin.flows import members as member_flow

    scene.member(ALICE, ANNA, 100)
    scene.member(ALICE, BEN, 30)
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        member_flow.apply(tx, shop, [CustomersMerged(ANNA, BEN, "success")], scene.times.now())
    for path in ("me", "rewards"):
        assert scene.get(path, BEN).status_code == 200
    found = scene.get("me", BEN).json
    assert found is not None
    assert (found["member"]["id"], found["points"]) == (str(ANNA), scene.get("me", ANNA).json["points"])  # type: ignore[index]
    assert scene.get("history", BEN).json == scene.get("history", ANNA).json


_odd = st.sampled_from(
    ["%2F", "/", "%2f", "=", "&", "%3D", "+", "%20", "0", "é", "%C3%A9", "locale=en&", "a", ";", "#", "\n"]
)


@given(
    customer=st.integers(1, 10**19).map(str) | st.sampled_from(["", "0", "01", "7001"]),
    prefix=st.sampled_from(["/apps/rewards", "/a/b", "/apps", "apps/rewards", "/x/y/z/w", "/apps/re wards"]),
    locale=st.sampled_from([None, "en", "de-CH", "zh-Hant-TW", "english", "en=1"]),
    late=st.sampled_from([0, 89, 90, 91, -91]),
    secret=st.sampled_from([SECRET, OLD_SECRET, "another"]),
    odd=_odd,
    at=st.integers(0, 400),
    change=st.sampled_from(["none", "insert", "replace", "cut"]),
)
def test_what_the_short_way_accepts_the_long_way_accepts_alike(
    customer: str, prefix: str, locale: str | None, late: int, secret: str, odd: str, at: int, change: str
) -> None:
    pairs = [*([("locale", locale)] if locale else []), ("shop", ALICE), ("logged_in_customer_id", customer)]
    query = signed([*pairs, ("path_prefix", prefix), ("timestamp", str(1_795_000_000 - late))], secret)
    at = min(at, len(query))
    query = {
        "none": query,
        "insert": query[:at] + odd + query[at:],
        "replace": query[:at] + odd + query[at + 1 :],
        "cut": query[:at] + query[at + 1 :],
    }[change]
    config = Config("sqlite:///x", "key", SECRET, "https://regulars.test", (), OLD_SECRET)
    short = identity.plain_customer(query, SECRET.encode(), 1_795_000_000.0)
    long = identity.from_proxy(query.encode("utf-8"), config, 1_795_000_000.0)
    if short is not None:
        assert short == long
    regular = (
        len(customer) < 20
        and customer[:1] not in ("", "0")
        and prefix not in ("apps/rewards", "/apps/re wards")
    )
    if (
        change == "none"
        and regular
        and locale not in ("english", "en=1")
        and late in (0, 89, 90)
        and secret == SECRET
    ):
        assert short is not None
