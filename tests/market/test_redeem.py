"""What others get wrong about redeeming: a pool per channel, codes that stay for ever, and what only staff may undo."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.domain.programme import EarningRule
from plugin.domain.values import Rate
from plugin.flows.offers import CannotRedeem
from tests.books import Books
from tests.facts import DAY, T0, line, programme, seen
from tests.pages.scene import ALICE, ANNA, BEN, Scene


def test_redeem_in_pos_is_one_pool_with_the_web(books: Books) -> None:
    """Points of the web pay at the till and the till's at the web; the code that was used there is used."""
    books.publish(programme(earning=(EarningRule(Rate(1, 100)),), signup_points=0))
    books.join(7)
    digital = line(requires_shipping=False)
    books.tell(seen(1, digital, source_name="web"), seen(2, digital, source_name="pos"), confirmed=[1, 2])
    books.now = T0 + 20 * DAY
    assert books.points(7)[0] == 200
    code = books.redeem(7)
    books.made(code)
    books.tell(seen(3, digital, source_name="pos", discount_codes=(code.code,), at=books.now), confirmed=[3])
    assert books.redemption(code).state == "used"
    again = books.redeem(7, request="web")
    books.made(again)
    books.undo(7, again)
    books.withdrawn(again, used=False)
    assert books.points(7)[0] == 100, "the one at the till stays used, the other is undone"
    assert books.audit() == []


def test_reward_code_expiry(books: Books) -> None:
    """Every code has an end, and a code is never good for longer than it was promised."""
    books.join(7)
    books.give(7, 300)
    assert books.redeem(7).expires_at == T0 + 90 * DAY


def test_customer_undo_of_a_redemption(scene: Scene) -> None:
    """The shopper takes it back alone, without staff and without a code that lives on; nobody else's, and once."""
    scene.member(ALICE, ANNA, 150)
    scene.member(ALICE, BEN, 150)
    made = scene.redeem(ANNA).json
    assert made is not None
    assert made["points"]["available"] == 100
    undo = f"redemptions/{made['id']}/undo"
    assert scene.post(undo, {"nonce": scene.nonce(BEN)}, BEN).status_code == 404
    nonce = scene.nonce(ANNA)
    answers = [scene.post(undo, {"nonce": nonce}, ANNA) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json is not None
    assert answers[0].json["points"]["available"] == 200
    assert [kind for kind, _ in scene.entries(ALICE, ANNA)].count("redeem_return") == 1
    assert scene.redemptions(ALICE, ANNA)[0].state == "undone"


def test_customer_undo_of_a_code_that_was_used_gives_nothing(scene: Scene) -> None:
    """A code that an order used in the meantime stays used, whatever the button says."""
    scene.member(ALICE, ANNA, 150)
    made = scene.redeem(ANNA).json
    assert made is not None
    scene.outcome = "used"
    answer = scene.post(f"redemptions/{made['id']}/undo", {"nonce": scene.nonce(ANNA)}, ANNA)
    assert answer.status_code < 500
    assert scene.get("me", ANNA).json["points"]["available"] == 100  # type: ignore[index]
    assert "redeem_return" not in [kind for kind, _ in scene.entries(ALICE, ANNA)]


def test_cap_per_member_of_what_they_have(books: Books) -> None:
    """Two devices that redeem at the same second cannot spend the same points."""
    books.join(7)
    books.give(7, 100)
    books.redeem(7, request="phone")
    with pytest.raises(CannotRedeem) as refused:
        books.redeem(7, request="desk")
    assert refused.value.code == "not_enough_points"
    books.now += timedelta(minutes=1)
    assert books.redeem(7, request="phone").request_key == "phone"
    assert books.points(7)[0] == 50
