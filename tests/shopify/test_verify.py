"""What claims to come from Shopify: forgeries refused, the genuine let in, Shopify's libraries as oracles."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import pytest
import shopify
import shopify_app
from hypothesis import given
from hypothesis import strategies as st

from devshop import signing
from plugin.shopify import verify
from plugin.shopify.verify import (
    PROXY_OF_OURS,
    PROXY_OF_SHOPIFY,
    ExtensionToken,
    IdToken,
    OAuthCallback,
    ProxyIdentity,
    Refused,
)

NOW_S = 1_795_000_000
SECRET = "shpss_" + "a1" * 16
OLD = "shpss_" + "b2" * 16
OTHER_APP = "shpss_" + "c3" * 16
API_KEY = "0123456789abcdef0123456789abcdef"
SHOP = "alice.myshopify.com"


def _code(result: object) -> str:
    assert isinstance(result, Refused), result
    assert result.message.endswith(".")
    assert SECRET not in result.message
    return result.code


# --- webhooks


@given(st.binary(max_size=2000))
def test_a_signed_body_is_accepted_with_the_current_and_the_old_secret(body: bytes) -> None:
    for secret in (SECRET, OLD):
        assert verify.webhook_hmac_ok(body, signing.webhook_signature(secret, body), (SECRET, OLD))
    assert not verify.webhook_hmac_ok(body, signing.webhook_signature(OLD, body), (SECRET,))
    assert not verify.webhook_hmac_ok(body, signing.webhook_signature(OTHER_APP, body), (SECRET, OLD))


@given(st.binary(max_size=200), st.text(max_size=60))
def test_no_other_header_is_accepted(body: bytes, header: str) -> None:
    wanted = header == signing.webhook_signature(SECRET, body)
    assert verify.webhook_hmac_ok(body, header, (SECRET,)) is wanted


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s[:-1],
        lambda s: "",
        lambda s: s + "=",
        lambda s: f" {s}",
        lambda s: "é" + s[1:],
        lambda s: s.lower(),
        lambda s: s.rstrip("="),
    ],
)
def test_a_spoilt_signature_is_refused(spoil: Any) -> None:
    body = b'{"id": 1}'
    assert not verify.webhook_hmac_ok(body, spoil(signing.webhook_signature(SECRET, body)), (SECRET, OLD))


@given(st.text(max_size=300), st.sampled_from([SECRET, OLD, OTHER_APP]), st.booleans())
def test_shopifys_own_package_agrees_about_webhooks(text: str, secret: str, spoilt: bool) -> None:
    body = text.encode("utf-8", "ignore")
    header = signing.webhook_signature(secret, body)[: 20 if spoilt else None]
    request: Any = {
        "method": "POST",
        "headers": {"X-Shopify-Hmac-Sha256": header, "X-Shopify-Shop-Domain": SHOP},
        "url": "https://regulars.example/webhooks",
        "body": body.decode(),
    }
    theirs = shopify_app.ShopifyApp(client_id=API_KEY, client_secret=SECRET, old_client_secret=OLD)
    assert verify.webhook_hmac_ok(body, header, (SECRET, OLD)) is theirs.verify_webhook_req(request).ok


@pytest.mark.parametrize(
    ("domain", "fine"),
    [
        ("alice.myshopify.com", True),
        ("0-a.myshopify.com", True),
        ("Alice.myshopify.com", False),
        ("-alice.myshopify.com", False),
        ("alice.myshopify.com\n", False),
        ("alice.myshopify.com.evil.example", False),
        ("evil.example/alice.myshopify.com", False),
        ("a.b.myshopify.com", False),
        (".myshopify.com", False),
        ("aliceſ.myshopify.com", False),
        ("a" * 64 + ".myshopify.com", False),
        ("", False),
    ],
)
def test_only_a_permanent_domain_is_a_shop(domain: str, fine: bool) -> None:
    assert verify.shop_domain_ok(domain) is fine


# --- app proxy


def _proxy(secret: str = SECRET, **changes: str | None) -> bytes:
    pairs: dict[str, str] = {
        "shop": SHOP,
        "logged_in_customer_id": "7",
        "path_prefix": "/apps/rewards",
        "timestamp": str(NOW_S),
    }
    pairs |= {name: value for name, value in changes.items() if value is not None}
    for name, value in changes.items():
        if value is None:
            del pairs[name]
    return urlencode([*pairs.items(), ("signature", signing.proxy_signature(secret, pairs.items()))]).encode()


def _answer(query: bytes, now_s: float = NOW_S, secrets: tuple[str, ...] = (SECRET, OLD)) -> Any:
    return verify.proxy_query_ok(query, secrets, now_s)


def test_the_two_documented_vectors() -> None:
    pairs = [
        ("extra", "1"),
        ("extra", "2"),
        ("shop", "shop-name.myshopify.com"),
        ("logged_in_customer_id", "1"),
        ("path_prefix", "/apps/awesome_reviews"),
        ("timestamp", "1317327555"),
    ]
    signed = verify.proxy_signature(pairs, "hush")
    assert signed == "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb"
    pairs[3] = ("logged_in_customer_id", "")
    guest = verify.proxy_signature(pairs, "hush")
    assert guest == "e072b6d7e6622d85912a5214b860d3100dc1e73d9bc29f43796ac8c9ff8093cb"
    query = urlencode([*pairs, ("signature", guest)]).encode()
    assert _code(_answer(query, 1_317_327_555, ("hush",))) == "repeated_parameter"


def test_a_signed_query_says_who_asks() -> None:
    query = _proxy(locale="pt-BR", cursor="eyJ-_9", page_size="20")
    assert _answer(query) == ProxyIdentity(SHOP, 7, "/apps/rewards", "pt-BR", "eyJ-_9", 20)
    assert _answer(_proxy(logged_in_customer_id="")) == ProxyIdentity(
        SHOP, None, "/apps/rewards", None, None, None
    )
    assert isinstance(_answer(_proxy(OLD)), ProxyIdentity)
    assert _code(_answer(_proxy(OLD), secrets=(SECRET,))) == "invalid_signature"
    assert _code(_answer(_proxy(OTHER_APP))) == "invalid_signature"


def test_the_visitor_who_becomes_customer_999() -> None:
    """Shopify signs what a guest asks for; the guest then calls us with the same text cut up differently."""
    asked = [
        ("a", "1logged_in_customer_id=999m="),
        ("logged_in_customer_id", ""),
        ("path_prefix", "/apps/rewards"),
        ("shop", SHOP),
        ("timestamp", str(NOW_S)),
    ]
    signature = signing.proxy_signature(SECRET, asked)
    smuggled = [
        ("a", "1"),
        ("logged_in_customer_id", "999"),
        ("m", "logged_in_customer_id="),
        *asked[2:],
    ]
    # The attack is real: both cuts have one signature, also by our own reading of the documented rule.
    assert verify.proxy_signature(smuggled, SECRET) == signature
    query = urlencode([*smuggled, ("signature", signature)]).encode()
    assert _code(_answer(query)) == "unknown_parameter"


@given(st.sampled_from(PROXY_OF_OURS), st.integers(1, 999))
def test_nothing_can_be_smuggled_through_a_name_of_ours(name: str, victim: int) -> None:
    """The same cut through each name we know: what Shopify would sign is refused for its `=`."""
    asked = {
        name: f"1logged_in_customer_id={victim}",
        "logged_in_customer_id": "",
        "path_prefix": "/apps/rewards",
        "shop": SHOP,
        "timestamp": str(NOW_S),
    }
    signature = signing.proxy_signature(SECRET, asked.items())
    as_signed = urlencode([*asked.items(), ("signature", signature)]).encode()
    assert isinstance(_answer(as_signed), Refused)
    cut = asked | {name: "1", "logged_in_customer_id": str(victim)}
    assert isinstance(_answer(urlencode([*cut.items(), ("signature", signature)]).encode()), Refused)


@given(st.data())
def test_one_signature_never_stands_for_two_accepted_queries(data: st.DataObject) -> None:
    """Cut the signed text at other places: whatever comes out is the same query or refused."""
    query = _proxy(locale="en", cursor="abc", page_size="5")
    first = _answer(query)
    pairs = dict(part.split("=", 1) for part in query.decode().replace("%2F", "/").split("&"))
    signature = pairs.pop("signature")
    text = "".join(sorted(f"{name}={value}" for name, value in pairs.items()))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), min_size=1, max_size=9)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    again = [piece.partition("=")[::2] for piece in pieces]
    second = _answer(urlencode([*again, ("signature", signature)]).encode())
    assert isinstance(second, Refused) or second == first


def test_names_are_apart_enough_to_be_sorted_alike_everywhere() -> None:
    names = (*PROXY_OF_SHOPIFY, *PROXY_OF_OURS)
    assert len(set(names)) == len(names)
    for one in names:
        assert one == one.lower()
        assert one.isascii()
        assert "-" not in one
        assert not [other for other in names if other != one and other.startswith(one)]


@pytest.mark.parametrize("name", PROXY_OF_SHOPIFY)
def test_each_of_shopifys_five_exactly_once(name: str) -> None:
    query = _proxy().decode()
    parts = query.split("&")
    (own,) = [part for part in parts if part.startswith(f"{name}=")]
    without = "&".join(part for part in parts if part != own)
    assert _code(_answer(without.encode())) == "missing_parameter"
    assert _code(_answer(f"{query}&{own}".encode())) == "repeated_parameter"
    assert _code(_answer(f"{own}&{query}".encode())) == "repeated_parameter"


def test_the_first_of_two_customers_is_not_taken() -> None:
    pairs = [
        ("logged_in_customer_id", "999"),
        ("logged_in_customer_id", "7"),
        ("path_prefix", "/apps/rewards"),
        ("shop", SHOP),
        ("timestamp", str(NOW_S)),
    ]
    query = urlencode([*pairs, ("signature", signing.proxy_signature(SECRET, pairs))]).encode()
    assert _code(_answer(query)) == "repeated_parameter"


@pytest.mark.parametrize(
    "changes",
    [
        {"logged_in_customer_id": "07"},
        {"logged_in_customer_id": "7,8"},
        {"logged_in_customer_id": "٧"},
        {"logged_in_customer_id": "-7"},
        {"logged_in_customer_id": "7\n"},
        {"shop": "evil.example"},
        {"shop": "alice.myshopify.com/x"},
        {"path_prefix": "//evil.example"},
        {"path_prefix": "/apps/rewards?x=1"},
        {"timestamp": "1e9"},
        {"timestamp": "-5"},
        {"locale": "en=1"},
        {"cursor": "a=b"},
        {"cursor": ""},
        {"page_size": "0"},
        {"page_size": "1000"},
    ],
)
def test_a_value_of_another_form_is_refused_though_signed(changes: dict[str, str]) -> None:
    assert _code(_answer(_proxy(**changes))) == "invalid_parameter"


@pytest.mark.parametrize("name", ["m", "admin", "Shop", "shop2", "logged_in_customer", "signature2", "shop "])
def test_an_unknown_parameter_is_refused_though_signed(name: str) -> None:
    assert _code(_answer(_proxy(**{name: "1"}))) == "unknown_parameter"


@pytest.mark.parametrize(("age_s", "fresh"), [(0, True), (90, True), (-90, True), (91, False), (-91, False)])
def test_a_query_is_good_for_ninety_seconds(age_s: int, fresh: bool) -> None:
    answer = _answer(_proxy(), NOW_S + age_s)
    assert isinstance(answer, ProxyIdentity) if fresh else _code(answer) == "stale_timestamp"


def test_what_is_no_query_is_refused_and_never_raises() -> None:
    for query in (b"", b"&&&", b"=", b"shop", b"shop=%ff%fe", b"\xff\xfe=1", b"a=1&" * 50, b"x" * 5000):
        assert isinstance(_answer(query), Refused)
    spoilt = _proxy().replace(b"signature=", b"signature=%C3%A9")
    assert _code(_answer(spoilt)) == "invalid_parameter"


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_and_never_raise(query: bytes) -> None:
    assert isinstance(_answer(query), Refused)


@given(st.sampled_from(["", "7", "6210", "9007199254740993"]), st.sampled_from([SECRET, OLD, OTHER_APP]))
def test_shopifys_own_package_agrees_about_ordinary_proxy_queries(customer: str, secret: str) -> None:
    now_s = int(time.time())
    query = _proxy(secret, logged_in_customer_id=customer, timestamp=str(now_s), locale="en")
    request: Any = {
        "method": "GET",
        "headers": {},
        "url": f"https://regulars.example/proxy?{query.decode()}",
        "body": "",
    }
    theirs = shopify_app.ShopifyApp(client_id=API_KEY, client_secret=SECRET, old_client_secret=OLD)
    ours = _answer(query, now_s)
    assert isinstance(ours, ProxyIdentity) is theirs.verify_app_proxy_req(request).ok


# --- authorization code grant


def _callback(secret: str = SECRET, **changes: str) -> bytes:
    pairs = {
        "code": "0907a61c0c8d55e99db179b68161bc00",
        "host": "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvYWxpY2U",
        "shop": SHOP,
        "state": "nonce-1",
        "timestamp": str(NOW_S),
    } | changes
    return urlencode([*pairs.items(), ("hmac", signing.query_signature(secret, pairs))]).encode()


def _called(query: bytes, state: str = "nonce-1", now_s: float = NOW_S) -> Any:
    return verify.oauth_query_ok(query, (SECRET, OLD), now_s, expected_state=state)


def test_a_callback_that_shopify_signed_gives_the_code() -> None:
    wanted = OAuthCallback(SHOP, "0907a61c0c8d55e99db179b68161bc00", NOW_S)
    assert _called(_callback()) == wanted
    assert _called(_callback(OLD)) == wanted
    assert _called(_callback(new_parameter="1")) == wanted  # Shopify may add some; `&` keeps them apart


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (_callback(OTHER_APP), "invalid_signature"),
        (_callback(shop="evil.example"), "invalid_shop"),
        (_callback(code=""), "missing_parameter"),
        (_callback(host="a&b=c"), "invalid_parameter"),
        (_callback(state="nonce-2"), "invalid_state"),
        (_callback(timestamp=str(NOW_S - 91)), "stale_timestamp"),
        (_callback(timestamp="soon"), "stale_timestamp"),
        (_callback() + b"&shop=" + SHOP.encode(), "repeated_parameter"),
        (_callback().replace(b"hmac=", b"hmacs="), "missing_parameter"),
        (_callback().replace(b"hmac=", b"hmac=%C3%A9"), "invalid_parameter"),
        (b"\xff", "invalid_query"),
    ],
)
def test_another_callback_is_refused(query: bytes, code: str) -> None:
    assert _code(_called(query)) == code


def test_a_callback_without_an_expected_state_is_refused() -> None:
    assert _code(_called(_callback(), state="")) == "invalid_state"


def test_shopifys_older_package_agrees_about_callbacks() -> None:
    shopify.Session.setup(api_key=API_KEY, secret=SECRET)
    for secret in (SECRET, OTHER_APP):
        pairs = dict(part.split("=", 1) for part in _callback(secret).decode().split("&"))
        ours = verify.oauth_hmac(pairs.items(), SECRET) == pairs["hmac"]
        assert ours is bool(shopify.Session.validate_hmac(pairs))


# --- tokens


def _claims(**changes: Any) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "iss": f"https://{SHOP}/admin",
        "dest": f"https://{SHOP}",
        "aud": API_KEY,
        "sub": "42",
        "exp": NOW_S + 60,
        "nbf": NOW_S,
        "iat": NOW_S,
        "jti": "f8912129-1af6-4cad-9ca3-76b0f7621087",
        "sid": "aaea182f2732d44c23057c0fea584021a4485b2bd25d3eb7fd349313ad24c685",
    } | changes
    return {name: value for name, value in claims.items() if value is not None}


def _id_token(token: str, now_s: float = NOW_S) -> Any:
    return verify.id_token(token, api_key=API_KEY, secrets=(SECRET, OLD), now_s=now_s)


def test_a_genuine_id_token_names_shop_staff_and_session() -> None:
    wanted = IdToken(SHOP, 42, _claims()["sid"], NOW_S, NOW_S + 60)
    for secret in (SECRET, OLD):
        assert _id_token(signing.json_web_token(secret, _claims())) == wanted
    assert _id_token(signing.json_web_token(SECRET, _claims(iat=None))) == wanted


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "another-app"}, "invalid_audience"),
        ({"aud": [API_KEY]}, "invalid_audience"),
        ({"aud": None}, "invalid_id_token"),
        ({"exp": None}, "invalid_id_token"),
        ({"exp": "tomorrow"}, "invalid_id_token"),
        ({"exp": True}, "invalid_id_token"),
        ({"exp": float("inf")}, "invalid_id_token"),
        ({"exp": float("nan")}, "invalid_id_token"),
        ({"exp": NOW_S - 10}, "expired_id_token"),
        ({"nbf": NOW_S + 11}, "invalid_id_token"),
        ({"iat": NOW_S + 11}, "invalid_id_token"),
        ({"iss": "https://bob.myshopify.com/admin"}, "invalid_shop"),
        ({"iss": None}, "invalid_id_token"),
        ({"dest": "https://bob.myshopify.com"}, "invalid_shop"),
        ({"dest": "https://evil.example", "iss": "https://evil.example/admin"}, "invalid_shop"),
        ({"dest": "http://alice.myshopify.com"}, "invalid_shop"),
        (
            {"dest": "https://alice.myshopify.com:444", "iss": "https://alice.myshopify.com:444/admin"},
            "invalid_shop",
        ),
        ({"dest": "https://x@alice.myshopify.com"}, "invalid_shop"),
        ({"dest": "https://[", "iss": "https://["}, "invalid_shop"),
        ({"dest": 7}, "invalid_shop"),
        ({"sub": None}, "invalid_id_token"),
        ({"sub": "gid://shopify/Customer/42"}, "invalid_id_token"),
        ({"sub": 42}, "invalid_id_token"),
        ({"sid": None}, "invalid_id_token"),
        ({"sid": ""}, "invalid_id_token"),
    ],
)
def test_an_id_token_with_a_wrong_claim_is_refused(changes: dict[str, Any], code: str) -> None:
    assert _code(_id_token(signing.json_web_token(SECRET, _claims(**changes)))) == code


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "HS512", "RS256", ""])
def test_no_other_algorithm_is_accepted(algorithm: str) -> None:
    assert _code(_id_token(signing.json_web_token(SECRET, _claims(), algorithm))) == "invalid_id_token"


def test_a_token_of_another_app_or_a_changed_one_is_refused() -> None:
    assert _code(_id_token(signing.json_web_token(OTHER_APP, _claims()))) == "invalid_id_token"
    header, _, signature = signing.json_web_token(SECRET, _claims()).split(".")
    _, claims, _ = signing.json_web_token(OTHER_APP, _claims(sub="1")).split(".")
    assert _code(_id_token(f"{header}.{claims}.{signature}")) == "invalid_id_token"
    for rubbish in ("", ".", "..", "a.b.c", "é.é.é", f"{header}.{claims}.", "x" * 9000):
        assert _code(_id_token(rubbish)) == "invalid_id_token"


def test_ten_seconds_of_difference_between_clocks_are_forgiven() -> None:
    token = signing.json_web_token(SECRET, _claims())
    assert isinstance(_id_token(token, NOW_S + 69), IdToken)
    assert _code(_id_token(token, NOW_S + 70)) == "expired_id_token"
    assert isinstance(_id_token(token, NOW_S - 10), IdToken)
    assert _code(_id_token(token, NOW_S - 11)) == "invalid_id_token"


@given(st.text(max_size=120))
def test_random_text_is_no_token_and_never_raises(text: str) -> None:
    assert _code(_id_token(text)) == "invalid_id_token"


def _extension(**changes: Any) -> Any:
    claims = {"dest": f"https://{SHOP}", "aud": API_KEY, "exp": NOW_S + 300, "iat": NOW_S} | changes
    token = signing.json_web_token(SECRET, {k: v for k, v in claims.items() if v is not None})
    return verify.extension_token(token, api_key=API_KEY, secrets=(SECRET,), now_s=NOW_S)


def test_a_session_token_of_an_extension_names_the_signed_in_customer() -> None:
    assert _extension() == ExtensionToken(SHOP, None, NOW_S + 300)
    assert _extension(sub="gid://shopify/Customer/7") == ExtensionToken(SHOP, 7, NOW_S + 300)
    assert _extension(dest=SHOP) == ExtensionToken(SHOP, None, NOW_S + 300)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sub": "42"}, "invalid_id_token"),  # an id token of staff is not a customer
        ({"sub": "gid://shopify/Customer/7x"}, "invalid_id_token"),
        ({"sub": "gid://shopify/Customer/"}, "invalid_id_token"),
        ({"sub": "gid://shopify/Order/7"}, "invalid_id_token"),
        ({"sub": 7}, "invalid_id_token"),
        ({"dest": "evil.example"}, "invalid_shop"),
        ({"aud": "another-app"}, "invalid_audience"),
        ({"exp": None}, "invalid_id_token"),
        ({"exp": NOW_S - 60}, "expired_id_token"),
    ],
)
def test_another_session_token_is_refused(changes: dict[str, Any], code: str) -> None:
    assert _code(_extension(**changes)) == code
