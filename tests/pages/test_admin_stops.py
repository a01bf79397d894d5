"""Stop and correct in the admin: one click each, a correction only after its dry run, and nothing by a forged form."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from plugin.domain.values import Rate
from plugin.flows import merchants
from plugin.store import corrections, programmes
from tests.markup import Form, Page
from tests.pages.admin_pages import follow, open_page, placed, read, send, words
from tests.pages.scene import ALICE, ANNA, MALLORY, Scene, code_of


def switch(page: Page, what: str, do: str) -> Form:
    [found] = [
        one
        for one in page.forms
        if {("what", what), ("do", do)} <= set(one.fields) and one.action.startswith("/stop/switch")
    ]
    return found


def test_each_switch_stops_and_goes_on_in_one_click(light: Scene) -> None:
    for what, name in (("earning", "Earning"), ("redeeming", "Redeeming"), ("messages", "Messages")):
        page = read(open_page(light, "/stop"))
        stopped = follow(light, send(light, switch(page, what, "stop")))
        assert "Stopped." in words(stopped.text)
        assert f"{name} stands still since" in words(stopped.text)
        assert f"{what.capitalize()} is stopped" in words(open_page(light, "/").text)
        going = follow(light, send(light, switch(read(stopped), what, "go_on")))
        assert "It goes on." in words(going.text)
        assert "is stopped" not in words(open_page(light, "/").text)
    trail = words(open_page(light, "/activity").text)
    assert "Messages to members stopped." in trail
    assert "Redeeming goes on." in trail


def test_a_stopped_shop_tells_the_shopper_why(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    send(light, switch(read(open_page(light, "/stop")), "redeeming", "stop"))
    panel = light.get("me", ANNA).get_json()
    assert {one["why_not"] for one in panel["rewards"] if one["missing"] == 0} == {"paused"}
    assert code_of(light.redeem(ANNA)) == "paused"


def test_a_correction_is_tried_then_carried_out(scene: Scene) -> None:
    shop = scene.shop(ALICE)
    scene.member(ALICE, ANNA)
    with scene.db.write(shop.shop_id) as tx:
        first = programmes.versions(tx, shop.shop_id).latest
        assert first is not None
        rule = replace(first.earning[0], rate=Rate(3, 100))
        merchants.publish(tx, shop, replace(first, earning=(rule,)), "staff:1", scene.times.now())
    scene.times.forward(hours=1)
    placed(scene, 71, ANNA, 10_000)
    scene.times.forward(hours=1)
    since = (scene.times.now() - timedelta(minutes=90)).isoformat()
    form = read(open_page(scene, "/stop")).form("/stop/preview")
    tried = send(scene, form, since=since, version="1")
    text = words(tried.text)
    assert "300 points would become 100 by version 1: −200" in text
    assert "1 member would get" not in text
    assert "Nobody would get more, 1 member less." in text
    begun = follow(scene, send(scene, read(tried).form("/stop/correct")))
    assert "The correction has begun." in words(begun.text)
    assert "Under way" in words(begun.text)
    with scene.db.read() as tx:
        assert corrections.unfinished(tx, shop.shop_id) is not None


def test_what_cannot_be_corrected_is_said_beside_its_field(light: Scene) -> None:
    form = read(open_page(light, "/stop")).form("/stop/preview")
    for given, field, said in (
        ({"since": "soon"}, "since", "Write a day and a time"),
        ({"since": "2099-01-01 10:00"}, "since", "Choose a moment in the past."),
        ({"since": "2001-01-01"}, "since", "after the programme began"),
    ):
        answer = send(light, form, **given)
        read(answer, 422)
        assert said in answer.text
        assert f'id="{field}-error"' in answer.text
        assert "/stop/correct" not in answer.text


def test_a_forged_switch_or_correction_changes_nothing(light: Scene) -> None:
    form = switch(read(open_page(light, "/stop")), "earning", "stop")
    assert code_of(light.client().post(form.action, data=form.filled(what="redeeming"))) == "invalid_ticket"
    assert code_of(light.client().post(form.action, data=form.filled(do="go_on"))) == "invalid_ticket"
    forged = {"since": "2026-01-01T00:00:00+00:00", "version": "1", "ticket": form.filled()["ticket"]}
    assert code_of(light.client().post("/stop/correct", data=forged)) == "invalid_ticket"
    assert light.shop(ALICE).pauses == ()
    theirs = switch(read(open_page(light, "/stop", MALLORY)), "earning", "stop")
    send(light, theirs)
    assert light.shop(ALICE).pauses == ()
    assert [one.what for one in light.shop(MALLORY).pauses] == ["earning"]
