"""What others get wrong about data: an API behind a plan, settings that cannot move, deletion by letter."""

from __future__ import annotations

from plugin.domain.facts import CustomerRedacted
from plugin.flows import members
from tests.pages.api.caller import program
from tests.pages.scene import ALICE, ANNA, MALLORY, Scene


def test_api_is_there_for_every_shop_with_writes(scene: Scene) -> None:
    """The first shop on the first day reads and writes with a key of its own, once per idempotency key."""
    scene.member(ALICE, ANNA)
    caller = program(scene)
    body = {"points": 30, "reason": "Broken cup"}
    for _ in range(2):
        answer = caller.send("POST", f"/members/{ANNA}/adjustments", body, Idempotency_Key="cup-1")
        assert answer.status_code in (200, 201), answer.text
    assert caller.get(f"/members/{ANNA}")["points"]["available"] == 80


def test_negative_balance_by_the_api_is_owed_and_not_refused(scene: Scene) -> None:
    """A deduction beyond the balance takes what is there and owes the rest; the next credit absorbs it."""
    scene.member(ALICE, ANNA)
    caller = program(scene)
    path = f"/members/{ANNA}/adjustments"
    caller.send("POST", path, {"points": -80, "reason": "Wrong account"}, Idempotency_Key="back-1")
    assert caller.get(f"/members/{ANNA}")["points"] == {"available": 0, "pending": 0, "owed": 30}
    caller.send("POST", path, {"points": 45, "reason": "Sorry"}, Idempotency_Key="sorry-1")
    assert caller.get(f"/members/{ANNA}")["points"] == {"available": 15, "pending": 0, "owed": 0}


def test_move_a_program_to_another_store(scene: Scene) -> None:
    """The whole programme is one document: read here, published there, and the same."""
    here, there = program(scene), program(scene, shop=MALLORY)
    document = here.get("/programme")
    document["signup_points"] = 75
    assert here.send("PUT", "/programme", document).status_code == 200
    moved = here.get("/programme") | {"version": there.get("/programme")["version"]}
    assert there.send("PUT", "/programme", moved).status_code == 200
    assert there.get("/programme") == here.get("/programme")


def test_gdpr_deletion_needs_no_letter(scene: Scene) -> None:
    """The platform's own request forgets the person; their points stay counted and nameless."""
    scene.member(ALICE, ANNA, 100)
    caller = program(scene)
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        members.apply(tx, shop, [CustomerRedacted(ANNA, ())], scene.times.now())
    found = caller.get(f"/members/{ANNA}")
    assert found["personal"] is None or not any(found["personal"].values())
    assert scene.entries(ALICE, ANNA) == [("adjust", 100), ("signup", 50)]


def test_staff_roles_are_those_of_the_shop(light: Scene) -> None:
    """Whose token is of another shop sees that shop, whatever the address names, and none of ours."""
    light.member(ALICE, ANNA)
    ours = light.client().get(f"/members?shop={ALICE}&id_token={light.id_token(ALICE)}")
    theirs = light.client().get(f"/members?shop={ALICE}&id_token={light.id_token(MALLORY)}")
    assert f"/members/{ANNA}" in ours.text
    assert f"/members/{ANNA}" not in theirs.text
