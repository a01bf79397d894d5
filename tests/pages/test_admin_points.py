"""Points kept and brought back by staff: an unused code undone by one click, points that last longer, and forgeries."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from plugin.domain.programme import Expiry
from plugin.flows import clock, spending
from plugin.store import audit, ledger, redemptions
from plugin.store.redemptions import Redemption
from tests.pages.admin_pages import checked, follow, open_page, read, send, words
from tests.pages.scene import ALICE, ANNA, BEN, Scene, code_of, programme


def made(scene: Scene) -> Redemption:
    """A code of Anna's that waits to be used."""
    shop, now = scene.shop(ALICE), scene.times.now()
    with scene.db.write(shop.shop_id) as tx:
        code = spending.redeem(tx, shop, ANNA, "welcome_off", "tap", now)
        spending.code_made(tx, shop, code.redemption_id, "gid://shopify/DiscountCodeNode/1", now)
    return code


def test_staff_give_an_unused_code_back_by_one_click(scene: Scene) -> None:
    scene.install(ALICE, programme())
    scene.member(ALICE, ANNA)
    code = made(scene)
    path = f"/members/{ANNA}/codes/{code.redemption_id}/undo"
    form = read(open_page(scene, f"/members/{ANNA}")).form(path)
    assert "The code is being taken out of the shop." in words(checked(follow(scene, send(scene, form))))
    assert "is being given back" in open_page(scene, f"/members/{ANNA}").text
    assert path not in open_page(scene, f"/members/{ANNA}").text
    shop, now = scene.shop(ALICE), scene.times.now()
    with scene.db.write(shop.shop_id) as tx:
        spending.code_withdrawn(tx, shop, code.redemption_id, False, now)
    with scene.db.read() as tx:
        found = redemptions.by_id(tx, shop.shop_id, code.redemption_id)
        assert list(audit.audit(tx, shop.shop_id)) == []
    assert found is not None
    assert (found.state, found.reason) == ("undone", "by_shop")
    assert scene.entries(ALICE, ANNA)[0] == ("redeem_return", 50)
    assert "the shop took the unused code back" in words(checked(open_page(scene, f"/members/{ANNA}")))


def test_a_code_that_an_order_used_meanwhile_stays_used(light: Scene) -> None:
    light.install(ALICE, programme())
    light.member(ALICE, ANNA)
    code = made(light)
    form = read(open_page(light, f"/members/{ANNA}")).form(f"/members/{ANNA}/codes/{code.redemption_id}/undo")
    with light.db.write(1) as tx:
        redemptions.used(tx, 1, code.redemption_id, 5)
    answer = send(light, form)
    assert (answer.status_code, code_of(answer)) == (409, "already_used")
    others = form.action.replace(str(ANNA), str(BEN))
    assert code_of(light.client().post(others, data=form.filled())) == "invalid_ticket"


def ends(scene: Scene) -> set[datetime | None]:
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        return {lot.expires_at for lot in ledger.accounts(tx, shop_id, [ANNA])[ANNA].lots.values()}


def test_one_members_points_are_made_to_last_longer(scene: Scene) -> None:
    scene.install(ALICE, programme(expiry=Expiry("inactivity", months=6)))
    scene.member(ALICE, ANNA)
    form = read(open_page(scene, f"/members/{ANNA}")).form(f"/members/{ANNA}/extend")
    page = follow(scene, send(scene, form, ends_at="2030-12-31"))
    assert "Done. 50 points last longer now." in words(checked(page))
    assert ends(scene) == {datetime(2030, 12, 31, 22, 59, 59, tzinfo=UTC)}
    assert "50 points now last until 2030-12-31." in words(checked(open_page(scene, "/activity")))


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("31.12.2030", "Write a day as year-month-day, such as 2027-01-31."),
        ("2020-01-31", "Choose a day in the future."),
        ("9999-12-31", "Choose a day within the next ten years."),
        ("", "Write a day as year-month-day, such as 2027-01-31."),
    ],
)
def test_a_wrong_day_is_said_beside_the_field(light: Scene, day: str, said: str) -> None:
    light.install(ALICE, programme())
    light.member(ALICE, ANNA)
    before = ends(light)
    for path, action in ((f"/members/{ANNA}", f"/members/{ANNA}/extend"), ("/expiry", "/expiry")):
        answer = send(light, read(open_page(light, path)).form(action), ends_at=day)
        read(answer, 422)
        assert f'id="ends_at-error">{said}</p>' in answer.text
    assert ends(light) == before


def test_everybodys_points_are_made_to_last_longer(scene: Scene) -> None:
    scene.install(ALICE, programme(expiry_months=1))
    scene.member(ALICE, ANNA)
    form = read(open_page(scene, "/expiry")).form("/expiry")
    page = words(checked(follow(scene, send(scene, form, ends_at="2030-12-31"))))
    assert "It has begun" in page
    assert "All members 0 Under way" in page
    shop = scene.shop(ALICE)
    more = True
    while more:
        with scene.db.write(shop.shop_id) as tx:
            more = clock.tick(tx, shop, scene.times.now())
    assert ends(scene) == {datetime(2030, 12, 31, 22, 59, 59, tzinfo=UTC)}
    assert "All members 50 Done" in words(checked(open_page(scene, "/expiry")))
    assert code_of(scene.client().post("/expiry", data=form.filled() | {"ticket": "x"})) == "invalid_ticket"
