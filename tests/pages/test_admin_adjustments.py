"""Points by hand: two steps, a reason, every limit, once per form, and no form that somebody else made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from plugin.domain.facts import CustomerFact, CustomerRedacted
from plugin.flows import adjustments
from plugin.flows import members as member_flow
from plugin.store import audit, events, members, queues
from plugin.store.db import Database
from tests.markup import Form
from tests.pages.admin_pages import checked, follow, open_page, read, send, words
from tests.pages.scene import ALICE, ANNA, BEN, BOB, MALLORY, Scene, code_of, make_scene, programme

CARLA = 7003


def adjust_form(scene: Scene, customer_id: int = ANNA, shop: str = ALICE) -> Form:
    """The form on a member's page."""
    return read(open_page(scene, f"/members/{customer_id}", shop)).form(f"/members/{customer_id}/adjust")


def confirm_form(scene: Scene, answer: Any, customer_id: int = ANNA) -> Form:
    """The form of the second step."""
    return read(answer).form(f"/members/{customer_id}/adjust/confirm")


def differences(scene: Scene) -> list[str]:
    """What the audit finds."""
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        return list(audit.audit(tx, shop_id))


def test_points_are_given_with_a_reason_in_two_steps(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    asked = send(scene, adjust_form(scene), points="1,200", reason="  Broken cup, with apologies  ")
    said = words(checked(asked))
    assert "Give 1,200 points? Available now: 50. Available after: 1,250. They expire on 22 Nov 2028." in said
    assert scene.entries(ALICE, ANNA) == [("signup", 50)], "looking changes nothing"
    page = follow(scene, send(scene, confirm_form(scene, asked)))
    assert scene.entries(ALICE, ANNA) == [("adjust", 1200), ("signup", 50)]
    said = words(checked(page))
    assert "Done. The points are in the history below." in said
    assert "Adjusted +1,200 “Broken cup, with apologies”" in said
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        trail = [one for one in events.latest(tx, shop_id) if one.kind == "points_adjusted"]
        mirrored = queues.outbox_counts(tx, shop_id)["waiting"]
        assert list(audit.audit(tx, shop_id)) == []
    assert [(one.actor, one.subject, one.detail["points"]) for one in trail] == [
        (f"staff:{BOB}", f"member:{ANNA}", 1200)
    ]
    assert "apologies" not in str(trail), "free text stays where it can be forgotten"
    assert mirrored >= 1
    assert "1,200 points were given by hand." in words(checked(open_page(scene, "/activity")))


def test_taking_more_than_there_is_leaves_a_debt_that_is_said_before(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    asked = send(scene, adjust_form(scene), points="80", direction="take", reason="Wrong account")
    assert "Take 80 points? Available now: 50. Available after: 0. 30 points will be owed" in words(
        checked(asked)
    )
    follow(scene, send(scene, confirm_form(scene, asked)))
    assert scene.entries(ALICE, ANNA) == [("adjust", -80), ("signup", 50)]
    assert "Owed 30" in words(checked(open_page(scene, f"/members/{ANNA}")))
    assert differences(scene) == []


def test_a_floor_forgives_what_is_not_there(scene: Scene) -> None:
    scene.install(ALICE, programme(clawback="floor"))
    scene.member(ALICE, ANNA)
    asked = send(scene, adjust_form(scene), points="80", direction="take", reason="Wrong account")
    assert "will be owed" not in asked.text
    assert "What the member does not have is forgiven." in open_page(scene, f"/members/{ANNA}").text
    follow(scene, send(scene, confirm_form(scene, asked)))
    assert scene.entries(ALICE, ANNA) == [("forgiven", 30), ("adjust", -80), ("signup", 50)]
    assert differences(scene) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"points": "0", "reason": "x"}, "Give a number of points other than 0."),
        ({"points": "-5", "reason": "x"}, "Give a whole number of points, such as 50."),
        ({"points": "1.5", "reason": "x"}, "Give a whole number of points, such as 50."),
        ({"points": "", "reason": "x"}, "Give a whole number of points, such as 50."),
        ({"points": "100001", "reason": "x"}, "At most 100,000 points at a time."),
        ({"points": "9" * 18, "reason": "x"}, "At most 100,000 points at a time."),
        ({"points": "5", "reason": "  "}, "Say why, in a few words."),
        ({"points": "5", "reason": "x" * 501}, "Say it in 500 characters or fewer."),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(light: Scene, given: dict[str, str], said: str) -> None:
    light.member(ALICE, ANNA)
    answer = send(light, adjust_form(light), **given)
    page = read(answer, 422)
    fields = [one.attributes for one in page.named("input", "select", "textarea")]
    field = next(one for one in fields if one.get("aria-invalid") == "true")
    assert field["id"] == ("reason" if given["points"] == "5" else "points")
    assert f'id="{field["id"]}-error">{said}</p>' in answer.text
    # The form stands there again, filled as it was, and can be sent on.
    assert dict(page.form(f"/members/{ANNA}/adjust").fields)["points"] == given["points"]
    again = send(light, page.form(f"/members/{ANNA}/adjust"), points="5", reason="Sorry")
    assert "Give 5 points?" in words(checked(again))
    assert light.entries(ALICE, ANNA) == [("signup", 50)]


def test_a_form_sent_twice_acts_once(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    asked = send(scene, adjust_form(scene), points="100", reason="Sorry")
    form = confirm_form(scene, asked)
    for _ in range(3):
        answer = send(scene, form)
    assert "Nothing was done twice." in checked(follow(scene, answer))
    assert scene.entries(ALICE, ANNA) == [("adjust", 100), ("signup", 50)]
    # A page opened anew makes a form of its own, with the same number and reason.
    follow(
        scene, send(scene, confirm_form(scene, send(scene, adjust_form(scene), points="100", reason="Sorry")))
    )
    assert scene.entries(ALICE, ANNA)[:2] == [("adjust", 100), ("adjust", 100)]


def test_a_forged_form_changes_nothing(scene: Scene) -> None:
    for domain in (ALICE, MALLORY):
        scene.member(domain, ANNA)
        scene.member(domain, BEN)
    form = confirm_form(scene, send(scene, adjust_form(scene), points="100", reason="Sorry"))
    good = form.filled()
    mallorys = confirm_form(
        scene, send(scene, adjust_form(scene, shop=MALLORY), points="100", reason="Sorry")
    ).filled()
    signer, now_s = scene.web.signer, scene.times.wall_s()
    forged: dict[str, tuple[str, dict[str, str]]] = {
        "another number": (form.action, good | {"points": "99999"}),
        "another direction": (form.action, good | {"direction": "take"}),
        "another reason": (form.action, good | {"reason": "Because"}),
        "another key": (form.action, good | {"key": "f" * 24}),
        "another member": (form.action.replace(str(ANNA), str(BEN)), good),
        "no ticket": (form.action, good | {"ticket": ""}),
        "a broken ticket": (form.action, good | {"ticket": good["ticket"][:-3] + "xxx"}),
        "the ticket of the first step": (
            form.action,
            good | {"ticket": adjust_form(scene).filled()["ticket"]},
        ),
        "another form's ticket": (
            form.action,
            good | {"ticket": signer.form_ticket(ALICE, BOB, "retry parked", now_s)},
        ),
        "an id token": (form.action, good | {"ticket": scene.id_token()}),
    }
    for name, (action, data) in forged.items():
        answer = scene.client().post(action, data=data)
        assert (name, answer.status_code, code_of(answer)) == (name, 403, "invalid_ticket")
    assert scene.entries(ALICE, ANNA) == [("signup", 50)]
    # A ticket acts on its own shop, whatever the address says.
    assert scene.client().post(form.action, data=mallorys).status_code == 303
    assert scene.entries(ALICE, ANNA) == [("signup", 50)]
    assert scene.entries(MALLORY, ANNA) == [("adjust", 100), ("signup", 50)]
    scene.times.wall_at += 3600
    assert code_of(scene.client().post(form.action, data=good)) == "invalid_ticket"


def test_only_members_can_be_given_points(light: Scene) -> None:
    with light.db.write() as tx:
        members.seen(tx, 1, [CustomerFact(CARLA, first_name="Carla")], light.times.now(), status="unclaimed")
    assert f"/members/{CARLA}/adjust" not in open_page(light, f"/members/{CARLA}").text
    light.member(ALICE, ANNA)
    asked = send(light, adjust_form(light), points="100", reason="Sorry")
    with light.db.write() as tx:
        members.set_status(tx, 1, ANNA, "left")
    answer = send(light, confirm_form(light, asked))
    assert (answer.status_code, code_of(answer)) == (409, "not_a_member")


def test_the_notes_are_forgotten_with_the_person(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    follow(
        scene,
        send(scene, confirm_form(scene, send(scene, adjust_form(scene), points="5", reason="Her dog died"))),
    )
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        member_flow.apply(tx, shop, [CustomerRedacted(ANNA, ())], scene.times.now())
    text = checked(open_page(scene, f"/members/{ANNA}"))
    assert "dog" not in text
    assert "Adjusted +5" in words(text)


def test_a_component_and_the_field_behind_it_may_both_send(light: Scene) -> None:
    """With Polaris both are in the form; the component comes first, and the field behind keeps its old value."""
    light.member(ALICE, ANNA)
    form = adjust_form(light)
    fields = form.filled()
    both = [
        ("points", "70"),
        ("points", ""),
        ("direction", "give"),
        ("direction", "give"),
        ("reason", "Sorry"),
        ("reason", ""),
    ]
    both += [(name, value) for name, value in fields.items() if name in ("ticket", "key")]
    answer = light.client().post(form.action, data=MultiDict(both))
    assert "Give 70 points?" in words(checked(answer))


def test_adjusting_is_bounded_in_the_flow_itself(database: Database) -> None:
    scene = make_scene(database)
    scene.install(ALICE)
    scene.member(ALICE, ANNA)
    shop, now = scene.shop(ALICE), scene.times.now() + timedelta(days=1)
    wrong = ((0, "x", "no_points"), (100_001, "x", "too_many_points"), (-100_001, "x", "too_many_points"),
             (5, " ", "no_reason"), (5, "x" * 501, "long_reason"))  # fmt: skip
    for points, reason, code in wrong:
        with database.write(shop.shop_id) as tx, pytest.raises(adjustments.CannotAdjust) as caught:
            adjustments.adjust(tx, shop, ANNA, points, reason, "key", "staff:1", now)
        assert caught.value.code == code
    with database.write(shop.shop_id) as tx, pytest.raises(adjustments.CannotAdjust) as caught:
        adjustments.adjust(tx, shop, 424242, 5, "x", "key", "staff:1", now)
    assert caught.value.code == "no_such_member"
    with database.write(shop.shop_id) as tx:
        assert adjustments.adjust(tx, shop, ANNA, -100_000, "x", "key", "staff:1", now)
        assert not adjustments.adjust(tx, shop, ANNA, -100_000, "x", "key", "staff:1", now)
    scene.web.reader.close()
