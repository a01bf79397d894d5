"""Members: lists and search on both engines, one member explained, and points given or taken by hand, once."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from plugin.domain.facts import CustomerFact
from plugin.pages import admin_members
from plugin.store import directory, ledger, members
from tests.pages.admin_pages import checked, follow, open_page, placed, query, send, words
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, START, Scene, code_of
from tests.pages.test_admin_adjustments import adjust_form, confirm_form

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
    assert found(scene, "ana maría") == found(scene, "de la") == [3]
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
        walk = "Index Scan Backward using pk_members" if scene.db.engine == "postgresql" else "never"
        # Those who have not joined are many here: PostgreSQL may as well walk down the key until the page is full.
        assert re.search(rf"ix_members_(email|first_name|last_name|joined)|{walk}", plan), plan


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
    assert "Redeemed −100 CHF 5 off." in said
    for part in ("Joined +50 Points for joining.", "Adjusted +150", "Earned #81 +40", "Taken back #81 −10"):
        assert part in said
    assert "Available 100" in said
    assert "Pending 30" in said
    assert "Order #81 30 of 40 when the parcel has arrived" in said
    assert re.search(r"REG-[A-Z0-9]{5}-[A-Z0-9]{5} CHF 5 off", said)
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
