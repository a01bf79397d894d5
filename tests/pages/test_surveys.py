"""The one question: answered, changed within a day, closed after, and by a ticket only for its own order."""

from __future__ import annotations

import pytest

from plugin.store import surveys
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, Scene, code_of

ORDER, OTHER = 81, 82


def answer_of(scene: Scene, order_id: int = ORDER) -> surveys.Response | None:
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        return surveys.response(tx, shop_id, order_id)


def test_the_question_is_on_show_answered_and_gone(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    scene.asked(ALICE, ANNA, ORDER)
    seen = scene.get("me", ANNA).json
    assert seen is not None
    assert seen["survey"] == {"order": str(ORDER), "order_name": None}
    given = {"order": str(ORDER), "score": 9, "words": " Warm. ", "nonce": seen["nonce"]}
    answer = scene.post("survey", given, ANNA)
    assert (answer.status_code, answer.json["score"]) == (200, 9)  # type: ignore[index]
    stored = answer_of(scene)
    assert stored is not None
    assert (stored.score, stored.words, stored.channel, stored.member_id) == (9, "Warm.", "storefront", ANNA)
    assert scene.get("me", ANNA).json["survey"] is None  # type: ignore[index]


def test_an_answer_may_change_for_a_day_and_then_stands(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    scene.asked(ALICE, ANNA, ORDER)

    def give(score: int) -> tuple[int, str | None]:
        answer = scene.post("survey", {"order": str(ORDER), "score": score, "nonce": scene.nonce(ANNA)}, ANNA)
        return answer.status_code, code_of(answer) if answer.status_code >= 400 else None

    assert give(3) == (200, None)
    first = answer_of(scene)
    scene.times.forward(hours=23, minutes=59)
    assert give(8) == (200, None)
    scene.times.forward(minutes=1)
    assert give(10) == (409, "closed")
    stored = answer_of(scene)
    assert first is not None
    assert stored is not None
    assert (stored.score, stored.answered_at) == (8, first.answered_at)


@pytest.mark.parametrize("score", [-1, 11, 3.5, "9", None, True])
def test_a_score_is_a_whole_number_from_0_to_10(light: Scene, score: object) -> None:
    light.member(ALICE, ANNA)
    light.asked(ALICE, ANNA, ORDER)
    answer = light.post("survey", {"order": str(ORDER), "score": score, "nonce": light.nonce(ANNA)}, ANNA)
    assert answer.status_code == 422
    assert code_of(answer) in ("bad_score", "invalid_body")
    assert answer_of(light) is None


def test_nobody_answers_about_another_persons_order(scene: Scene) -> None:
    scene.asked(ALICE, ANNA, ORDER)
    for customer, shop in ((BEN, ALICE), (ANNA, MALLORY)):
        given = {"order": str(ORDER), "score": 0, "nonce": scene.nonce(customer, shop)}
        answer = scene.post("survey", given, customer, shop)
        assert (answer.status_code, code_of(answer)) == (404, "no_such_survey")
    guest = scene.post("survey", {"order": str(ORDER), "score": 0})
    assert (guest.status_code, code_of(guest)) == (401, "sign_in")
    assert answer_of(scene) is None


def test_too_early_and_withdrawn_questions_are_closed(light: Scene) -> None:
    shop_id, now = light.shop(ALICE).shop_id, light.times.now()
    with light.db.write() as tx:
        surveys.invite(
            tx, shop_id, [surveys.Invitation(ORDER, ANNA, "waiting", "delivered", now, now, None, None)], now
        )
    given = {"order": str(ORDER), "score": 7, "nonce": light.nonce(ANNA)}
    assert code_of(light.post("survey", given, ANNA)) == "not_due"
    with light.db.write() as tx:
        surveys.withdraw(tx, shop_id, {ORDER: "refunded"})
    assert code_of(light.post("survey", given, ANNA)) == "withdrawn"


def test_a_ticket_answers_its_own_invitation_for_a_guest(scene: Scene) -> None:
    scene.asked(ALICE, ANNA, ORDER)
    shop_id = scene.shop(ALICE).shop_id
    ticket = scene.web.signer.survey_ticket(shop_id, ORDER, ANNA, scene.times.wall_s())
    given = {"order": str(ORDER), "score": 10, "ticket": ticket}
    assert scene.post("survey", given).status_code == 200
    stored = answer_of(scene)
    assert stored is not None
    assert (stored.score, stored.channel, stored.member_id) == (10, "link", ANNA)
    # Whoever is signed in on that browser, the ticket still means its own invitation.
    assert scene.post("survey", {**given, "score": 6}, BEN).status_code == 200
    changed = answer_of(scene)
    assert changed is not None
    assert (changed.score, changed.member_id) == (6, ANNA)


def test_a_ticket_opens_nothing_else(scene: Scene) -> None:
    for order in (ORDER, OTHER):
        scene.asked(ALICE, ANNA, order)
    scene.asked(MALLORY, ANNA, ORDER)
    shop_id, now_s, signer = scene.shop(ALICE).shop_id, scene.times.wall_s(), scene.web.signer
    ticket = signer.survey_ticket(shop_id, ORDER, ANNA, now_s)

    def refused(order: int, text: str, shop: str = ALICE) -> tuple[int, str]:
        answer = scene.post("survey", {"order": str(order), "score": 1, "ticket": text}, None, shop)
        return answer.status_code, code_of(answer)

    assert refused(OTHER, ticket) == (403, "invalid_ticket")
    assert refused(ORDER, ticket, MALLORY) == (403, "invalid_ticket")
    assert refused(ORDER, ticket[:-2] + "xx") == (403, "invalid_ticket")
    assert refused(ORDER, signer.form_ticket(ALICE, 5, "survey", now_s)) == (403, "invalid_ticket")
    assert refused(ORDER, "x" * 2000) == (403, "invalid_ticket")
    assert (
        scene.post(
            "redeem", {"reward": "five_off", "request_key": "tap-00001", "nonce": ticket}, ANNA
        ).status_code
        == 403
    )
    scene.times.wall_at += 30 * 86_400
    assert refused(ORDER, ticket) == (403, "invalid_ticket")
    assert answer_of(scene) is None


def test_a_ticket_for_a_member_who_was_merged_still_answers(scene: Scene) -> None:
    from plugin.domain.facts import CustomersMerged
    from plugin.flows import members as member_flow

    for customer in (ANNA, BEN):
        scene.member(ALICE, customer)
    scene.asked(ALICE, BEN, ORDER)
    shop = scene.shop(ALICE)
    ticket = scene.web.signer.survey_ticket(shop.shop_id, ORDER, BEN, scene.times.wall_s())
    with scene.db.write(shop.shop_id) as tx:
        member_flow.apply(tx, shop, [CustomersMerged(ANNA, BEN, "success")], scene.times.now())
    assert scene.post("survey", {"order": str(ORDER), "score": 9, "ticket": ticket}).status_code == 200


def test_an_answer_from_the_account_page_says_so(light: Scene) -> None:
    light.asked(ALICE, ANNA, ORDER)
    headers = {"Authorization": f"Bearer {light.session_token(ANNA)}"}
    given = {"order": str(ORDER), "score": 9, "nonce": light.nonce(ANNA)}
    assert light.client().post("/api/survey", json=given, headers=headers).status_code == 200
    stored = answer_of(light)
    assert stored is not None
    assert stored.channel == "account"
