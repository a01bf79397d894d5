"""API, members: lists that page, entries that explain themselves, points given with a reason."""

from __future__ import annotations

from datetime import timedelta

from plugin.domain.facts import CustomerFact, CustomersMerged
from plugin.flows import members as member_flow
from plugin.store import notes
from plugin.store.members import refresh
from tests.pages.admin_pages import placed
from tests.pages.api.caller import fault, program
from tests.pages.scene import ALICE, ANNA, BEN, Scene


def named(scene: Scene, customer_id: int, email: str) -> None:
    """The platform told us who the customer is."""
    fact = CustomerFact(customer_id, email=email, first_name="Anna", last_name="Keller",
                        updated_at=scene.times.now() + timedelta(seconds=1))  # fmt: skip
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.write(shop_id) as tx:
        refresh(tx, shop_id, fact)


def test_a_member_and_how_they_stand(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    found = program(scene, "read_members").get(f"/members/{ANNA}")
    assert found == {
        "id": str(ANNA), "status": "active", "joined_at": "2026-11-22T09:00:00Z", "tier": found["tier"],
        "points": {"available": 550, "pending": 0, "owed": 0}, "earned": 550, "spent": 0, "personal": None,
    }  # fmt: skip


def test_names_and_addresses_need_a_scope_of_their_own(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    scene.member(ALICE, BEN)
    named(scene, ANNA, "Anna.Keller@example.com")
    plain, trusted = program(scene, "read_members"), program(scene, "read_members", "read_personal_data")
    assert {one["personal"] for one in plain.get("/members")["data"]} == {None}
    refused = plain.send("GET", "/members?email=anna.keller@example.com")
    assert fault(refused)[:2] == (403, "insufficient_scope")
    (found,) = trusted.get("/members?email=ANNA.keller@example.com")["data"]
    assert found["id"] == str(ANNA)
    assert found["personal"]["email"] == "Anna.Keller@example.com"
    assert trusted.get("/members?email=anna.keller@example.co")["data"] == []


def test_pages_hold_everyone_once_and_outlast_newcomers(scene: Scene) -> None:
    wanted = [7000 + n for n in range(7)]
    for customer_id in wanted:
        scene.member(ALICE, customer_id)
    caller, seen, cursor = program(scene), [], ""
    while True:
        page = caller.get(f"/members?limit=3{cursor}")
        seen += [int(one["id"]) for one in page["data"]]
        if page["next_cursor"] is None:
            break
        scene.member(ALICE, 9000 + len(seen))
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sorted(wanted, reverse=True)


def test_only_members_of_a_status(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    placed(scene, 81, 7003, 4000)
    caller = program(scene)
    assert [one["id"] for one in caller.get("/members?status=unclaimed")["data"]] == ["7003"]
    assert [one["id"] for one in caller.get("/members?status=active")["data"]] == [str(ANNA)]


def test_entries_explain_themselves_and_lots_say_until_when(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    placed(scene, 81, ANNA, 4000)
    caller = program(scene, "read_members")
    page = caller.get(f"/members/{ANNA}/entries?limit=1")
    (entry,) = page["data"]
    assert (entry["kind"], entry["points"], entry["order"]) == ("earn", 40, {"id": "81", "name": "#81"})
    assert "CHF 40" in entry["explanation"]
    (older,) = caller.get(f"/members/{ANNA}/entries?cursor={page['next_cursor']}")["data"]
    assert (older["kind"], older["explanation"]) == ("signup", "Points for joining.")
    lots = {lot["kind"]: lot for lot in caller.get(f"/members/{ANNA}/lots")["data"]}
    assert lots["earn"]["order"] == {"id": "81", "name": "#81"}
    assert (lots["earn"]["remaining"], lots["earn"]["available_at"]) == (40, None)


def test_points_are_given_and_taken_once_per_key_with_a_reason(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 100)
    caller = program(scene)
    wish = {"points": 30, "reason": "Broken cup"}
    first = caller.post(f"/members/{ANNA}/adjustments", wish, key="cup-1")
    again = caller.send("POST", f"/members/{ANNA}/adjustments", wish, Idempotency_Key="cup-1")
    assert (again.status_code, again.json) == (201, first)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first["balance"] == {"available": 180, "pending": 0, "owed": 0}
    assert scene.entries(ALICE, ANNA)[0] == ("adjust", 30)
    taken = caller.post(f"/members/{ANNA}/adjustments", {"points": -200, "reason": "Mistake"})
    assert taken["balance"] == {"available": 0, "pending": 0, "owed": 20}
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        assert notes.of_entries(tx, shop_id, [int(first["entry_id"])]) == {
            int(first["entry_id"]): "Broken cup"
        }


def test_a_tier_is_granted_once_for_each_key_and_until_its_moment(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    caller = program(scene)
    wish = {"tier": "gold", "until": "2027-01-31T00:00:00Z", "note": "Loyal"}
    first = caller.post(f"/members/{ANNA}/tier", wish, key="grant-1")
    again = caller.send("POST", f"/members/{ANNA}/tier", wish, Idempotency_Key="grant-1")
    assert again.json == first
    assert first == {"member_id": str(ANNA), "tier": "gold", "by": "api", "until": "2027-01-31T00:00:00Z"}
    for wrong, code in (
        ({"tier": "none"}, "no_such_tier"),
        ({**wish, "until": "2020-01-01T00:00:00Z"}, "past_date"),
    ):
        assert fault(caller.send("POST", f"/members/{ANNA}/tier", wrong, Idempotency_Key=code))[1] == code


def test_a_merged_customer_is_found_under_both_numbers(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 100)
    scene.member(ALICE, BEN, 50)
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        member_flow.apply(tx, shop, [CustomersMerged(ANNA, BEN, "completed")], scene.times.now())
    caller = program(scene)
    assert caller.get(f"/members/{BEN}")["id"] == str(ANNA)
    assert [one["id"] for one in caller.get("/members")["data"]] == [str(ANNA)]


def test_what_does_not_fit_is_named(light: Scene) -> None:
    light.member(ALICE, ANNA)
    caller = program(light)
    path = f"/members/{ANNA}/adjustments"

    def refused(body: object, code: str, field: str | None) -> None:
        answer = caller.send("POST", path, body, Idempotency_Key="x")
        assert fault(answer)[1:] == (code, field), answer.text

    refused({"points": 0, "reason": "why"}, "no_points", "points")
    refused({"points": 100_001, "reason": "why"}, "invalid_body", "points")
    refused({"points": "5", "reason": "why"}, "invalid_body", "points")
    refused({"points": 5.5, "reason": "why"}, "invalid_body", "points")
    refused({"points": 5}, "invalid_body", "reason")
    refused({"points": 5, "reason": " "}, "no_reason", "reason")
    refused({"points": 5, "reason": "a\0b"}, "invalid_body", "reason")
    refused({"points": 5, "reason": "why", "silent": True}, "invalid_body", "silent")
    refused([], "invalid_body", None)
    assert light.entries(ALICE, ANNA) == [("signup", 50)]
    for query, field in (("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("cursor=zz", "cursor"),
                         ("status=merged", "status"), ("surname=x", None), ("limit=1&limit=2", "limit")):  # fmt: skip
        answer = caller.send("GET", f"/members?{query}")
        assert (answer.status_code, fault(answer)[2]) == (422, field), query
    for number in ("0", "x", "-1", "9223372036854775808", "1e3", "7001%0a"):
        assert caller.send("GET", f"/members/{number}").status_code == 404, number
