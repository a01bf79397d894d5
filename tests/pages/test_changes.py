"""What every change needs: JSON, a small body, a nonce of one's own, and patience."""

from __future__ import annotations

import json

import pytest

from plugin.pages.limits import Buckets, Limits
from plugin.pages.signed import NONCE_S
from plugin.store.db import Database
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, Scene, code_of, make_scene, signed

CHANGES = ["join", "redeem", "redemptions/5/undo", "survey", "actions/insta", "birthday"]


def body(path: str, nonce: str) -> dict[str, object]:
    if path == "redeem":
        return {"reward": "five_off", "request_key": "tap-00001", "nonce": nonce}
    if path == "birthday":
        return {"month": 6, "day": 1, "nonce": nonce}
    return {"order": "81", "score": 9, "nonce": nonce} if path == "survey" else {"nonce": nonce}


def _forged(nonce: str) -> str:
    return nonce[:-1] + ("0" if nonce[-1] != "0" else "1")


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_needs_the_customers_own_fresh_nonce(light: Scene, path: str) -> None:
    light.member(ALICE, ANNA, 500)
    light.asked(ALICE, ANNA, 81)
    mine, later = light.nonce(ANNA), int(light.times.wall_s()) + 10 * NONCE_S
    wrong = {
        "empty": "",
        "words": "not a nonce",
        "forged": _forged(mine),
        "longer lived": f"{later}.{mine.split('.')[1]}",
        "of another customer": light.nonce(BEN),
        "of another shop": light.nonce(ANNA, MALLORY),
        "not ASCII": f"{mine.split('.')[0]}.é",
        "odd digits": f"²{mine}",
    }
    for name, nonce in wrong.items():
        answer = light.post(path, body(path, nonce), ANNA)
        assert (name, answer.status_code, code_of(answer)) == (name, 403, "invalid_nonce")
    assert light.redemptions(ALICE, ANNA) == []
    light.times.forward(seconds=NONCE_S)
    answer = light.post(path, body(path, mine), ANNA)
    assert (answer.status_code, code_of(answer)) == (403, "invalid_nonce")


def test_a_nonce_lives_an_hour_of_real_time_and_may_be_used_again(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    mine = light.nonce(ANNA)
    light.times.wall_at += NONCE_S - 1
    for _ in range(2):
        assert light.post("redeem", body("redeem", mine), ANNA).status_code == 200
    assert len(light.redemptions(ALICE, ANNA)) == 1


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_form_of_another_site_could_send_is_refused(light: Scene, path: str, kind: str) -> None:
    answer = light.client().post(
        f"/proxy/{path}?{signed(light.pairs(ALICE, ANNA))}",
        data=json.dumps(body(path, light.nonce(ANNA))),
        headers={"Content-Type": kind},
    )
    assert (answer.status_code, code_of(answer)) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", CHANGES)
def test_a_body_over_the_limit_is_refused(light: Scene, path: str) -> None:
    answer = light.post(path, {**body(path, light.nonce(ANNA)), "words": "x" * 8200}, ANNA)
    assert (answer.status_code, code_of(answer)) == (413, "body_too_large")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"\xff", b"[" * 4000, b'{"nonce": 1}', b'{"nonce":"x","more":1}']
)
@pytest.mark.parametrize("path", CHANGES)
def test_a_body_that_does_not_fit_is_refused(light: Scene, path: str, text: bytes) -> None:
    answer = light.client().post(
        f"/proxy/{path}?{signed(light.pairs(ALICE, ANNA))}",
        data=text,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in (400, 422)
    assert code_of(answer) in ("invalid_json", "invalid_body")


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space", "é" * 10])
def test_a_request_key_has_a_shape(light: Scene, key: str) -> None:
    light.member(ALICE, ANNA, 500)
    answer = light.redeem(ANNA, key=key)
    assert (answer.status_code, code_of(answer)) == (422, "invalid_request_key")


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_is_never_a_get(light: Scene, path: str) -> None:
    answer = light.get(path, ANNA)
    assert (answer.status_code, code_of(answer)) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["me", "history", "rewards"])
def test_no_read_joins_where_joining_is_a_choice(scene: Scene, path: str) -> None:
    """A GET needs no nonce, so any page could make a signed-in shopper's browser send it."""
    scene.get(path, ANNA, locale="de-CH")
    seen = scene.get("me", ANNA).json
    assert seen is not None
    assert (seen["state"], scene.status(ALICE, ANNA), scene.entries(ALICE, ANNA)) == ("not_member", None, [])
    answer = scene.post("join", {"nonce": "1.x"}, ANNA)
    assert (answer.status_code, scene.status(ALICE, ANNA)) == (403, None)


def test_joining_happens_by_a_tap_and_once(scene: Scene) -> None:
    first = scene.post("join", {"nonce": scene.nonce(ANNA)}, ANNA).json
    assert first is not None
    assert (first["state"], first["points"]["available"]) == ("member", 50)
    for _ in range(3):
        assert scene.post("join", {"nonce": scene.nonce(ANNA)}, ANNA).json["state"] == "member"  # type: ignore[index]
    assert scene.entries(ALICE, ANNA) == [("signup", 50)]


def test_where_everybody_is_a_member_looking_is_enough(scene: Scene) -> None:
    from tests.pages.scene import programme

    scene.install(ALICE, programme(membership="all"))
    for _ in range(2):
        seen = scene.get("me", ANNA).json
        assert seen is not None
        assert (seen["state"], seen["points"]["available"]) == ("member", 50)
    for _ in range(3):
        assert scene.post("join", {"nonce": scene.nonce(ANNA)}, ANNA).json["state"] == "member"  # type: ignore[index]
    assert scene.entries(ALICE, ANNA) == [("signup", 50)]


def test_who_left_joins_again_only_by_a_tap(scene: Scene) -> None:
    from plugin.store import members

    scene.member(ALICE, ANNA)
    with scene.db.write() as tx:
        members.set_status(tx, 1, ANNA, "left")
    seen = scene.get("me", ANNA).json
    assert seen is not None
    assert (seen["state"], seen["waiting"]["available"]) == ("not_member", 50)
    assert scene.status(ALICE, ANNA) == "left"
    assert scene.post("join", {"nonce": seen["nonce"]}, ANNA).json["state"] == "member"  # type: ignore[index]
    assert scene.entries(ALICE, ANNA) == [("signup", 50)]


def test_a_programme_by_tag_invites_nobody_by_itself_and_asks_for_the_tags(scene: Scene) -> None:
    from tests.pages.scene import programme

    scene.install(ALICE, programme(membership="tag", membership_tag="vip"))
    seen = scene.get("me", ANNA).json
    assert seen is not None
    assert (seen["state"], scene.status(ALICE, ANNA)) == ("not_member", None)
    answer = scene.post("join", {"nonce": seen["nonce"]}, ANNA)
    assert (answer.status_code, code_of(answer)) == (403, "by_invitation")
    with scene.db.read() as tx:
        assert tx.one(
            "SELECT kind FROM outbox WHERE shop_id = 1 AND effect_key = :k", k=f"member:{ANNA}:read"
        ) == ("member.read",)


def test_who_was_erased_stays_out_and_sees_nothing(scene: Scene) -> None:
    from plugin.store import members

    scene.member(ALICE, ANNA, 500)
    with scene.db.write() as tx:
        members.redact(tx, 1, ANNA)
    seen = scene.get("me", ANNA).json
    assert seen is not None
    assert (seen["state"], seen["waiting"]) == ("not_member", None)
    assert scene.get("history", ANNA).json["lines"] == []  # type: ignore[index]
    answer = scene.post("join", {"nonce": seen["nonce"]}, ANNA)
    assert (answer.status_code, code_of(answer)) == (403, "not_a_member")


def test_too_many_changes_at_once_are_told_when_to_come_back(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    scene = make_scene(database, limits=Limits(reads_at_once=100, changes_at_once=3, changes_per_s=0.1))
    scene.install(ALICE)
    nonce, other = scene.nonce(ANNA), scene.nonce(BEN)
    answers = [scene.post("join", {"nonce": nonce}, ANNA) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert code_of(answers[-1]) == "too_many_requests"
    assert answers[-1].headers["Retry-After"] == "10"
    assert scene.post("join", {"nonce": other}, BEN).status_code == 200  # counted apart
    scene.times.wall_at += 10
    assert scene.post("join", {"nonce": nonce}, ANNA).status_code == 200
    database.close()


def test_reads_are_limited_for_members_and_guests_alike(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    scene = make_scene(database, limits=Limits(reads_at_once=3, reads_per_s=0.5))
    scene.install(ALICE)
    for customer in (ANNA, None):
        codes = [scene.get("me", customer).status_code for _ in range(5)]
        assert codes == [200, 200, 200, 429, 429]
    assert scene.get("history", ANNA).status_code == 429
    database.close()


def test_a_bucket_fills_slowly_and_forgets_the_oldest_when_there_are_too_many() -> None:
    at = [0.0]
    buckets = Buckets(2, 0.5, clock=lambda: at[0], capacity=2)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 2]
    at[0] = 2.0
    assert [buckets.take("a"), buckets.take("a")] == [0, 2]
    assert [buckets.take("b"), buckets.take("c")] == [0, 0]
    assert buckets.take("a") == 0  # forgotten, so full again
    buckets.give_back("c")
    assert [buckets.take("c"), buckets.take("c"), buckets.take("c")] == [0, 0, 2]
