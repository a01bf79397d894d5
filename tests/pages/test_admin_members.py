"""Members: lists and search on both engines, one member explained, and points given or taken by hand, once."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from plugin.domain.facts import CustomerFact
from plugin.flows import adjustments
from plugin.pages import admin_members
from plugin.store import audit, directory, events, ledger, members, queues
from plugin.store.db import Database
from tests.pages.admin_pages import Form, checked, follow, open_page, placed, query, read, send, words
from tests.pages.scene import ALICE, ANNA, BEN, BOB, MALLORY, START, Scene, code_of, programme

CARLA = 7003
MARKUP = "<script>alert(1)</script>"


def named(scene: Scene, customer_id: int, first: str | None, last: str | None, email: str | None = None,
          *, join: bool = True, shop: str = ALICE) -> None:  # fmt: skip
    """A customer with a name, who joins unless told not to."""
    shop_id = scene.shop(shop).shop_id
    with scene.db.write(shop_id) as tx:
        fact = CustomerFact(customer_id, email=email, first_name=first, last_name=last)
        members.seen(tx, shop_id, [fact], scene.times.now(), status="unclaimed")
    if join:
        scene.member(shop, customer_id)


def found(scene: Scene, text: str, shop: str = ALICE) -> list[int]:
    """The members that a search lists, in order."""
    page = checked(open_page(scene, f"/members?{query(q=text)}", shop))
    return [int(one) for one in re.findall(r'<a href="/members/(\d+)\?', page)]


def test_members_are_found_by_the_beginning_of_what_one_knows(scene: Scene) -> None:
    named(scene, 1, "Anna", "Keller", "anna.keller@example.com")
    named(scene, 2, "Özlem", "Müller", "oe@example.com")
    named(scene, 3, "Ana María", "de la Cruz", None)
    named(scene, 4, "Ben", "Annaheim", None, join=False)
    named(scene, 5, None, None, None)
    assert found(scene, "ann") == [4, 1]
    assert found(scene, "KELLER") == [1]
    assert found(scene, "anna kel") == found(scene, "Keller Anna") == [1]
    assert found(scene, "özl") == found(scene, "Özl") == found(scene, "ÖZL".capitalize()) == [2]
    assert found(scene, "müller") == [2]
    assert found(scene, "ana maría") == found(scene, "de la") == found(scene, "maría")[:0] + [3]
    assert found(scene, "Anna.Keller@") == [1]
    assert found(scene, "5") == [5]
    assert (
        found(scene, "nna") == found(scene, "%") == found(scene, "_nna") == found(scene, "' OR 1=1 --") == []
    )
    assert found(scene, "ann", MALLORY) == []
    assert found(scene, "1", MALLORY) == []


def test_a_search_and_every_list_has_pages(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_members, "PAGE", 2)
    for n in range(1, 6):
        named(scene, n, "Anna", f"Keller {n}")
        named(scene, n + 10, "Anna", f"Waiting {n}", join=False)
        scene.times.forward(minutes=1)
    with scene.db.write() as tx:
        tx.run(
            "UPDATE members SET posted = 100 - member_id WHERE shop_id = 1 AND member_id < 5 AND status = 'active'"
        )

    def every(path: str) -> list[int]:
        seen: list[int] = []
        while path:
            text = checked(open_page(scene, path))
            seen += [int(one) for one in re.findall(r'<a href="/members/(\d+)\?', text)]
            older = re.search(r'<a href="([^"]+)">Next page', text)
            path = ""
            if older:
                own = [
                    p
                    for p in older[1].replace("&amp;", "&").partition("?")[2].split("&")
                    if p[:2] in ("q=", "sh", "be")
                ]
                path = "/members?" + "&".join(p for p in own if not p.startswith("shop="))
        return seen

    assert every("/members") == [5, 4, 3, 2, 1]
    assert every("/members?show=points") == [1, 2, 3, 4, 5]  # 99, 98, 97, 96, then 50 for joining
    assert every("/members?show=waiting") == [15, 14, 13, 12, 11]
    assert every("/members?q=anna") == [15, 14, 13, 12, 11, 5, 4, 3, 2, 1]
    assert every("/members?show=nonsense&before=x") == [5, 4, 3, 2, 1]


def test_lists_use_their_indexes(scene: Scene) -> None:
    """With many members a page must cost what a page costs: no list may walk the table."""
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.write() as tx:
        rows = [
            {"s": shop_id, "m": n, "f": f"Name{n % 97}", "l": f"Last{n % 89}", "e": f"{n}@example.com", "t": n,
             "st": "active" if n % 3 else "unclaimed", "j": n if n % 3 else None}
            for n in range(1, 4001)
        ]  # fmt: skip
        tx.many(
            "INSERT INTO members (shop_id, member_id, status, created_at, joined_at, email, first_name, last_name) "
            "VALUES (:s, :m, :st, :t, :j, :e, :f, :l)", rows,
        )  # fmt: skip
    if scene.db.engine == "postgresql":
        import psycopg

        with psycopg.connect(scene.db.url, autocommit=True) as connection:
            connection.execute("ANALYZE members")
    plans = []
    with scene.db.read() as tx:
        explain = "EXPLAIN " if tx.engine == "postgresql" else "EXPLAIN QUERY PLAN "
        asked = tx.all

        def planned(sql: str, /, **parameters: Any) -> list[Any]:
            plans.append("\n".join(str(row) for row in asked(explain + sql, **parameters)))
            return asked(sql, **parameters)

        class Spy:
            engine = tx.engine
            all = staticmethod(planned)

        spy: Any = Spy()
        assert len(directory.starting_with(spy, shop_id, "last1", None, 51)) == 51
        assert len(directory.starting_with(spy, shop_id, "17@ex", None, 51)) == 1
        assert len(directory.starting_with(spy, shop_id, "name1 last2", None, 51)) > 0
        assert len(directory.joined(spy, shop_id, None, (2000, 2000), 51)) == 51
        assert len(directory.waiting(spy, shop_id, 2000, 51)) == 51
    for plan in plans:
        assert "Seq Scan on members" not in plan
        assert "SCAN members" not in plan
        assert re.search(r"ix_members_(email|first_name|last_name|joined)", plan), plan


def test_a_members_page_explains_every_entry(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 150)
    customer = CustomerFact(ANNA, first_name="<Anna>", last_name="Keller", email="anna@example.com")
    placed(scene, 81, customer, 4000)
    scene.times.forward(hours=1)
    placed(scene, 81, customer, 4000, refund=1000)
    scene.redeem(ANNA)
    text = checked(open_page(scene, f"/members/{ANNA}"))
    assert '<h1 class="plain">&lt;Anna&gt; Keller</h1>' in text
    said = words(text)
    assert "CHF 40.00 at 1 point for every CHF 1.00." in said
    assert "CHF 30.00 at 1 point for every CHF 1.00: 30 now, 40 before." in said
    assert "Redeemed −100 5 off." in said
    for part in ("Joined +50 Points for joining.", "Adjusted +150", "Earned #81 +40", "Taken back #81 −10"):
        assert part in said
    assert "Available 100" in said
    assert "Pending 30" in said
    assert "Order #81 30 of 40 when the parcel has arrived" in said
    assert re.search(r"REG-[A-Z0-9]{5}-[A-Z0-9]{5} 5 off", said)
    assert "anna@example.com · Customer 7001 · joined 22 Nov 2026" in said


def test_a_long_history_has_pages(light: Scene) -> None:
    light.member(ALICE, ANNA)
    with light.db.write() as tx:
        account = ledger.accounts(tx, 1, [ANNA])[ANNA]
        for n in range(60):
            account.credit("adjust", n + 1, source_key=f"gift:{n}", why={}, occurred_at=START, available_at=START,
                           expires_at=None)  # fmt: skip
        ledger.write(tx, 1, [account.moves], START)
    first = checked(open_page(light, f"/members/{ANNA}"))
    before = re.search(r'<a href="/members/7001\?[^"]*(before=\d+)[^"]*">Next page', first)
    assert before is not None
    second = checked(open_page(light, f"/members/{ANNA}?{before[1]}"))
    points = re.findall(r'<span class="plus">\+(\d+)', first + second)
    assert points == [str(n) for n in range(60, 0, -1)] + ["50"]
    assert "Next page" not in second


def test_a_member_is_found_by_the_number_before_a_merge(light: Scene) -> None:
    light.member(ALICE, ANNA)
    with light.db.write() as tx:
        members.alias(tx, 1, BEN, ANNA, START)
    assert f">Member {ANNA}</h1>" in checked(open_page(light, f"/members/{BEN}"))
    assert found(light, str(BEN)) == [ANNA]


@pytest.mark.parametrize("number", ["abc", "-5", "9" * 30, "1 OR 1=1", "１２"])
def test_a_number_that_is_none_is_explained(light: Scene, number: str) -> None:
    answer = open_page(light, f"/members/{number}")
    assert (answer.status_code, code_of(answer)) == (400, "invalid_member")


def test_stored_markup_is_text_everywhere(scene: Scene) -> None:
    named(scene, ANNA, MARKUP, '"><img src=x>', "x@example.com")
    placed(scene, 81, CustomerFact(ANNA), 4000)
    form = adjust_form(scene)
    page = follow(scene, send(scene, confirm_form(scene, send(scene, form, points="5", reason=MARKUP))))
    for text in (checked(page), *(checked(open_page(scene, path)) for path in ("/", "/members", "/orders"))):
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "“&lt;script&gt;alert(1)&lt;/script&gt;”" in page.text


# Points by hand


def adjust_form(scene: Scene, customer_id: int = ANNA, shop: str = ALICE) -> Form:
    """The form on a member's page."""
    return read(open_page(scene, f"/members/{customer_id}", shop)).form(f"/members/{customer_id}/adjust")


def confirm_form(scene: Scene, answer: Any, customer_id: int = ANNA) -> Form:
    """The form of the second step."""
    return read(answer).form(f"/members/{customer_id}/adjust/confirm")


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
    with scene.db.read() as tx:
        assert list(audit.audit(tx, scene.shop(ALICE).shop_id)) == []


def test_a_floor_forgives_what_is_not_there(scene: Scene) -> None:
    scene.install(ALICE, programme(clawback="floor"))
    scene.member(ALICE, ANNA)
    asked = send(scene, adjust_form(scene), points="80", direction="take", reason="Wrong account")
    assert "will be owed" not in asked.text
    assert "What the member does not have is forgiven." in open_page(scene, f"/members/{ANNA}").text
    follow(scene, send(scene, confirm_form(scene, asked)))
    assert scene.entries(ALICE, ANNA) == [("forgiven", 30), ("adjust", -80), ("signup", 50)]
    with scene.db.read() as tx:
        assert list(audit.audit(tx, scene.shop(ALICE).shop_id)) == []


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
    field = next(one for one in page.inputs if one.get("aria-invalid") == "true")
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
    named(light, CARLA, "Carla", None, join=False)
    assert f"/members/{CARLA}/adjust" not in open_page(light, f"/members/{CARLA}").text
    light.member(ALICE, ANNA)
    asked = send(light, adjust_form(light), points="100", reason="Sorry")
    with light.db.write() as tx:
        members.set_status(tx, 1, ANNA, "left")
    answer = send(light, confirm_form(light, asked))
    assert (answer.status_code, code_of(answer)) == (409, "not_a_member")


def test_the_notes_are_forgotten_with_the_person(scene: Scene) -> None:
    from plugin.domain.facts import CustomerRedacted
    from plugin.flows import members as member_flow

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


def test_all_we_hold_of_a_member_is_a_file_behind_a_signed_link(scene: Scene) -> None:
    named(scene, ANNA, "Anna", "Keller", "anna@example.com")
    follow(
        scene, send(scene, confirm_form(scene, send(scene, adjust_form(scene), points="5", reason="Sorry")))
    )
    page = open_page(scene, f"/members/{ANNA}").text
    link = re.search(rf'href="(/members/{ANNA}/export\?[^"]+)"', page)
    assert link is not None
    path = link[1].replace("&amp;", "&")
    answer = scene.client().get(path)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="member-{ANNA}.json"'
    held = json.loads(answer.text)
    assert held["member"]["email"] == "anna@example.com"
    assert list(held["notes"].values()) == ["Sorry"]
    assert {entry["points"] for entry in held["entries"]} == {50, 5}
    for wrong in (path.replace(str(ANNA), str(BEN)), path.partition("ticket=")[0], path[:-2] + "xx"):
        assert scene.client().get(wrong).status_code == 403


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
    from werkzeug.datastructures import MultiDict

    answer = light.client().post(form.action, data=MultiDict(both))
    assert "Give 70 points?" in words(checked(answer))


def test_adjusting_is_bounded_in_the_flow_itself(database: Database) -> None:
    from tests.pages.scene import make_scene

    scene = make_scene(database)
    scene.install(ALICE)
    scene.member(ALICE, ANNA)
    shop, now = scene.shop(ALICE), scene.times.now() + timedelta(days=1)
    for points, reason, code in ((0, "x", "no_points"), (100_001, "x", "too_many_points"), (-100_001, "x", "too_many_points"),
                                 (5, " ", "no_reason"), (5, "x" * 501, "long_reason")):  # fmt: skip
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
