"""What others get wrong about data: an API behind a plan, settings that cannot move, deletion by letter, locked export."""

from __future__ import annotations

from plugin.domain.facts import CustomerRedacted
from plugin.domain.programme import first_programme
from tests.house.sources import ROOT
from tests.markup import Form
from tests.pages.admin_pages import open_page
from tests.pages.api.caller import fault, program
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


def test_api_takes_below_zero_only_what_is_there(scene: Scene) -> None:
    """A deduction beyond the balance is not lost in an error: it is refused with a sentence, and nothing moves."""
    scene.member(ALICE, ANNA)
    caller = program(scene)
    answer = caller.send(
        "POST",
        f"/members/{ANNA}/adjustments",
        {"points": -80, "reason": "Wrong account"},
        Idempotency_Key="back-1",
    )
    status, code, _ = fault(answer)
    assert (status, code) == (409, "not_enough_points")
    assert caller.get(f"/members/{ANNA}")["points"]["available"] == 50


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
    from plugin.flows import members

    with scene.db.write(shop.shop_id) as tx:
        members.apply(tx, shop, [CustomerRedacted(ANNA, None, ())], scene.times.now())
    found = caller.get(f"/members/{ANNA}")
    assert found["personal"] is None or not any(found["personal"].values())
    assert scene.entries(ALICE, ANNA) == [("adjust", 100), ("signup", 50)]


def test_staff_roles_are_those_of_the_shop(light: Scene) -> None:
    """Who is no staff of this shop opens no page of it, whoever they are elsewhere."""
    assert open_page(light, "/members").status_code == 200
    stranger = light.client().get(f"/members?shop={ALICE}&id_token={light.id_token(MALLORY)}")
    assert stranger.status_code in (302, 401, 403)
    assert isinstance(Form, type)


def test_price_signals_nothing_is_metered() -> None:
    """Free software: no order is counted for a bill, and no number of members ends it."""
    licence = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in licence
    assert first_programme("CHF", 100).currency == "CHF"
