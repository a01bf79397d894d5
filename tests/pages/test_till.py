"""The till: a staff member's token and a customer's number open what that customer could do, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from devshop.signing import json_web_token
from tests.pages.scene import ALICE, ANNA, BEN, BOB, MALLORY, SECRET, Scene, code_of, make_scene, programme


def till(
    scene: Scene, path: str, body: object = None, customer: object = ANNA, token: str | None = None
) -> TestResponse:
    """A call of the POS extension: Bob's token unless another is given."""
    return scene.client().open(
        f"/api/pos/customers/{customer}/{path}",
        method="GET" if body is None else "POST",
        json=body,
        headers={"Authorization": f"Bearer {token or scene.id_token(sid=None)}"},
    )


def shown(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(answer.json or {})


def test_staff_see_and_redeem_for_the_customer_once_per_tap_and_the_ledger_says_who(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    seen = shown(till(light, "me"))
    assert (seen["state"], seen["points"]) == ("member", light.get("me", ANNA).json["points"])  # type: ignore[index]
    wish = {"reward": "five_off", "request_key": "tap-00001", "nonce": seen["nonce"]}
    made = [shown(till(light, "redeem", wish)) for _ in range(2)]
    assert (made[0]["state"], made[0]["points"]["available"]) == ("made", 450)
    assert made[0]["id"] == made[1]["id"]
    assert shown(till(light, f"redemptions/{made[0]['id']}"))["code"] == made[0]["code"]
    [entry] = [one for one in _entries(light) if one[0] == "redeem"]
    assert entry[1] == f"staff:{BOB}"
    undone = shown(till(light, f"redemptions/{made[0]['id']}/undo", {"nonce": seen["nonce"]}))
    assert (undone["state"], undone["points"]["available"]) == ("undone", 550)


def test_a_look_joins_nobody_and_a_tap_does(light: Scene) -> None:
    light.install(ALICE, programme(membership="all"))
    seen = shown(till(light, "me"))
    assert (seen["state"], light.status(ALICE, ANNA)) == ("not_member", None)
    assert shown(till(light, "join", {"nonce": seen["nonce"]}))["state"] == "member"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-app"},
        {"aud": ["key-of-the-app"]},
        {"iss": f"https://{MALLORY}/admin"},
        {"iss": None},
        {"dest": "https://evil.example", "iss": "https://evil.example/admin"},
        {"exp": 1},
        {"exp": None},
        {"nbf": 9_999_999_999},
        {"sub": None},
        {"sub": f"gid://shopify/Customer/{ANNA}"},
        {"algorithm": "none"},
        {"algorithm": "HS512"},
        {"secret": "mallorys-own-app-secret-0123456789"},
    ],
    ids=str,
)
def test_a_wrong_token_opens_no_till(light: Scene, claims: dict[str, Any]) -> None:
    light.member(ALICE, ANNA, 500)
    answer = till(light, "me", token=light.id_token(**claims))
    assert answer.status_code == 401
    assert code_of(answer) in ("invalid_id_token", "expired_id_token", "invalid_audience", "invalid_shop")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_neither_token_opens_the_other_door(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    assert till(light, "me", token=light.session_token(ANNA)).status_code == 401
    # A token that says it came from the shop's admin, for a customer: still no staff member.
    posing = light.session_token(ANNA, claims={"iss": f"https://{ALICE}/admin"})
    assert till(light, "me", token=posing).status_code == 401
    for path in ("me", "history", "orders/81"):
        answer = light.client().get(f"/api/{path}", headers={"Authorization": f"Bearer {light.id_token()}"})
        assert (answer.status_code, code_of(answer)) == (401, "invalid_id_token"), path


@pytest.mark.parametrize(
    "claims", [{"algorithm": "none"}, {"secret": "x" * 32}, {"nbf": 9_999_999_999}], ids=str
)
def test_a_customers_token_that_is_not_signed_in_time_is_refused(
    light: Scene, claims: dict[str, Any]
) -> None:
    now = int(light.times.wall_s())
    secret, algorithm = claims.pop("secret", SECRET), claims.pop("algorithm", "HS256")
    body = {"dest": f"https://{ALICE}", "aud": "key-of-the-app", "exp": now + 300, "iat": now, "jti": "3",
            "sub": f"gid://shopify/Customer/{ANNA}", **claims}  # fmt: skip
    headers = {"Authorization": f"Bearer {json_web_token(secret, body, algorithm)}"}
    answer = light.client().get("/api/me", headers=headers)
    assert (answer.status_code, code_of(answer)) == (401, "invalid_id_token")


def test_staff_of_another_shop_reach_only_their_own(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    theirs = light.id_token(MALLORY)
    seen = shown(till(light, "me", token=theirs))
    assert seen["state"] == "not_member", "the same number is somebody else there"
    wish = {"reward": "five_off", "request_key": "tap-00001", "nonce": light.nonce(ANNA)}
    assert code_of(till(light, "redeem", wish, token=theirs)) == "invalid_nonce"


def test_another_customers_nonce_code_or_number_is_refused(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    light.member(ALICE, BEN, 500)
    wish = {"reward": "five_off", "request_key": "tap-00001", "nonce": light.nonce(BEN)}
    assert code_of(till(light, "redeem", wish)) == "invalid_nonce"
    bens = light.redeem(BEN).json["id"]  # type: ignore[index]
    assert till(light, f"redemptions/{bens}").status_code == 404
    undo = {"nonce": light.nonce(ANNA)}
    assert till(light, f"redemptions/{bens}/undo", undo).status_code == 404
    for number in ("0", "007", "-1", "7001x", "99999999999999999999", "٧٠٠١"):
        assert till(light, "me", customer=number).status_code == 400, number


def test_the_till_has_no_more_routes_than_it_needs(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    for path in ("history", "orders/81", "survey", "birthday", "referral", "ways"):
        assert till(light, path).status_code == 404, path
    assert light.client().options(f"/api/pos/customers/{ANNA}/redeem").status_code == 204


def test_a_till_has_its_own_rate(light: Scene) -> None:
    from plugin.pages.limits import Limits

    tight = make_scene(light.db, limits=Limits(reads_at_once=2, reads_per_s=0.5), times=light.times)
    answers = [till(tight, "me", customer=number) for number in (1, 2, 3)]
    assert [one.status_code for one in answers] == [200, 200, 429], "counted by staff member, not by customer"
    assert answers[-1].headers["Retry-After"] == "2"
    assert answers[-1].headers["Access-Control-Expose-Headers"] == "Retry-After"
    assert tight.get("me", 1).status_code == 200
    tight.web.reader.close()


def _entries(scene: Scene) -> list[tuple[str, str]]:
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        return [(row[0], row[1]) for row in tx.all(
            "SELECT kind, actor FROM entries WHERE shop_id = :s AND member_id = :m", s=shop_id, m=ANNA)]  # fmt: skip
