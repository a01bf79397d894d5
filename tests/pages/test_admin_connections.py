"""Connections: keys and webhook subscriptions made, shown once, revoked; by staff of this shop only."""

from __future__ import annotations

from plugin.flows import api_keys as key_flow
from plugin.flows import clock
from plugin.store import api_keys, outgoing, queues
from tests.markup import Form
from tests.pages.admin_pages import checked, follow, open_page, read, send
from tests.pages.api.caller import Program, make_key
from tests.pages.scene import ALICE, ANNA, MALLORY, Scene

PATH = "/settings/connections"
URL = "https://example.com/hooks"


def form(scene: Scene, action: str, shop: str = ALICE) -> Form:
    return read(open_page(scene, PATH, shop)).form(action)


def test_a_key_is_made_shown_once_and_works(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 100)
    page = checked(send(scene, form(scene, "/settings/keys"), name="  Mail  program ", scope="read_members"))
    token = page.partition("rgk_")[2].partition("<")[0]
    assert "The key Mail program is made." in page
    assert Program(scene, f"rgk_{token}").get(f"/members/{ANNA}")["points"]["available"] == 150
    again = checked(open_page(scene, PATH))
    assert token not in again
    assert "Mail program" in again
    assert "Last used" in again


def test_what_is_missing_is_said_beside_the_field_and_nothing_made(light: Scene) -> None:
    page = checked(send(light, form(light, "/settings/keys"), name="", scope="read_members"), 422)
    assert "Give the key a name" in page
    page = checked(send(light, form(light, "/settings/keys"), name="Mail"), 422)
    assert "Choose at least one thing that the key may do." in page
    shop_id = light.shop(ALICE).shop_id
    with light.db.read() as tx:
        assert api_keys.every(tx, shop_id) == []


def test_a_key_is_revoked_at_once(scene: Scene) -> None:
    made = make_key(scene)
    caller = Program(scene, made.token)
    caller.get("/members")
    page = checked(follow(scene, send(scene, form(scene, "/settings/keys/revoke"))))
    assert "The key is revoked." in page
    caller.get("/members", 401)
    # The trail names it.
    assert "The API key Mail program was revoked." in checked(open_page(scene, "/activity"))


def test_staff_of_another_shop_revoke_and_change_nothing_of_ours(scene: Scene) -> None:
    made, theirs = make_key(scene), make_key(scene, shop=MALLORY)
    revoke = form(scene, "/settings/keys/revoke", MALLORY)
    assert f'value="{theirs.key.key_id}"' in open_page(scene, PATH, MALLORY).text
    send(scene, revoke, key=str(made.key.key_id))
    Program(scene, made.token).get("/members")
    send(scene, form(scene, "/settings/webhooks"), url=URL)
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        (ours,) = outgoing.every(tx, shop_id)
    send(scene, form(scene, "/settings/webhooks", MALLORY), url=f"{URL}/theirs")
    change = form(scene, "/settings/webhooks/change", MALLORY)
    for wish in ("remove", "pause", "secret"):
        assert send(scene, change, endpoint=str(ours.endpoint_id), do=wish).status_code == 404
    with scene.db.read() as tx:
        assert outgoing.every(tx, shop_id) == [ours]


def test_an_address_is_subscribed_paused_resumed_and_removed(scene: Scene) -> None:
    page = checked(send(scene, form(scene, "/settings/webhooks"), url=URL, topic="points.earned"))
    assert "whsec_" in page
    assert "whsec_" not in checked(open_page(scene, PATH))
    shop_id = scene.shop(ALICE).shop_id

    def stored() -> list[outgoing.Endpoint]:
        with scene.db.read() as tx:
            return outgoing.every(tx, shop_id)

    (one,) = stored()
    assert (one.url, one.topics, one.active) == (URL, ("points.earned",), True)
    change = form(scene, "/settings/webhooks/change")
    assert "Paused" in checked(follow(scene, send(scene, change, do="pause")))
    assert not stored()[0].active
    follow(scene, send(scene, change, do="resume"))
    assert stored()[0].active
    turned = checked(send(scene, change, do="secret"))
    assert "signed with the old one too" in turned
    assert stored()[0].old_secret == one.secret
    follow(scene, send(scene, change, do="remove"))
    assert stored() == []


def test_an_address_inside_is_refused_beside_the_field(light: Scene) -> None:
    for url in ("http://example.com/", "https://10.0.0.1/", "https://localhost/"):
        page = checked(send(light, form(light, "/settings/webhooks"), url=url), 422)
        assert 'aria-invalid="true"' in page


def test_a_message_that_was_given_up_is_sent_again(scene: Scene) -> None:
    send(scene, form(scene, "/settings/webhooks"), url=URL, topic="points.earned")
    scene.member(ALICE, ANNA)
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        clock.tick(tx, shop, scene.times.now())
        (one,) = outgoing.deliveries(tx, shop.shop_id, None, 10)
        (held,) = queues.claim(tx, shop.shop_id, "w", scene.times.now(), 1, key=one.key)
        queues.effect_failed(
            tx, shop.shop_id, held, "endpoint_failed: HTTP 500", scene.times.now(), for_good=True
        )
    assert "The other program did not take the message" in checked(open_page(scene, PATH))
    follow(scene, send(scene, form(scene, "/settings/webhooks/again")))
    with scene.db.read() as tx:
        (one,) = outgoing.deliveries(tx, shop.shop_id, None, 10)
    assert (one.state, one.attempts) == ("waiting", 0)


def test_every_scope_is_offered_with_what_it_does(light: Scene) -> None:
    page = checked(open_page(light, PATH))
    for scope, said in key_flow.SCOPES.items():
        assert scope in page
        assert said in page
