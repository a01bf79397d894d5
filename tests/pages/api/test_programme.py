"""API, programme: read, checked, published as a whole; nothing is saved of what does not fit."""

from __future__ import annotations

from typing import Any

from plugin.flows.programme_documents import MAX_BYTES
from plugin.store import published
from tests.pages.api.caller import Program, fault, program
from tests.pages.scene import ALICE, MALLORY, Scene


def put(caller: Program, document: Any) -> Any:
    return caller.send("PUT", "/programme", document)


def test_a_changed_document_becomes_the_next_version(scene: Scene) -> None:
    caller = program(scene, "read_programme", "write_programme")
    document = caller.get("/programme")
    assert (document["version"], document["signup_points"]) == (1, 50)
    document["signup_points"] = 75
    published = put(caller, document).json
    assert published == document | {"version": 2}
    assert caller.get("/programme") == published
    assert program(scene, shop=MALLORY).get("/programme")["version"] == 1


def test_campaigns_are_set_and_refused_by_their_field(light: Scene) -> None:
    caller = program(light)
    document = caller.get("/programme")
    one = {
        "key": "rush",
        "name": "Rush",
        "starts": "2027-03-27",
        "ends": "2027-03-29",
        "zone": "Europe/Zurich",
    }
    made = put(caller, document | {"campaigns": [one], "campaign_stacking": "add"}).json
    assert (made["version"], made["campaigns"][0]["multiplier"]) == (2, {"numerator": 2, "denominator": 1})
    answer = put(caller, made | {"campaigns": [one | {"ends": "2027-03-01"}]})
    assert fault(answer) == (422, "invalid_programme", "campaigns.0.ends")
    assert caller.get("/programme") == made


def test_the_same_document_publishes_nothing(scene: Scene) -> None:
    caller = program(scene)
    document = caller.get("/programme")
    assert put(caller, document).json == document


def test_a_document_made_from_an_older_version_is_refused(scene: Scene) -> None:
    caller = program(scene)
    old = caller.get("/programme")
    put(caller, old | {"signup_points": 75})
    answer = put(caller, old | {"signup_points": 80})
    assert fault(answer) == (409, "programme_changed", "version")
    assert caller.get("/programme")["signup_points"] == 75


def test_every_fault_is_listed_and_nothing_saved(light: Scene) -> None:
    caller = program(light)
    document = caller.get("/programme")
    wrong = document | {"signup_points": -1, "code_prefix": "!", "holdout_percent": 99}
    checked = caller.send("POST", "/programme/check", wrong)
    assert checked.status_code == 200
    assert checked.json is not None
    assert {one["field"] for one in checked.json["problems"]} == {
        "signup_points",
        "code_prefix",
        "holdout_percent",
    }
    answer = put(caller, wrong)
    assert fault(answer)[:2] == (422, "invalid_programme")
    assert answer.json is not None
    assert "3 problems in all" in answer.json["error"]["message"]
    assert caller.get("/programme") == document
    fine = caller.send("POST", "/programme/check", document)
    assert fine.json == {"problems": []}


def test_a_document_of_a_newer_version_is_refused_by_the_field(light: Scene) -> None:
    caller = program(light)
    document = caller.get("/programme")
    document["rewards"][1]["sparkles"] = True
    answer = put(caller, document)
    assert fault(answer) == (422, "invalid_programme", "rewards.1.sparkles")
    assert answer.json is not None
    assert "does not know it" in answer.json["error"]["message"]
    document = caller.get("/programme") | {"earning": [{"rate": {"points": "many", "per_minor": 100}}]}
    assert fault(put(caller, document)) == (422, "invalid_programme", "earning.0.rate.points")


def test_a_huge_body_and_garbage_are_refused(light: Scene) -> None:
    caller = program(light)

    def sent(body: bytes, kind: str = "application/json") -> tuple[int, str, str | None]:
        return fault(caller.send("PUT", "/programme", body, Content_Type=kind))

    assert sent(b" " * (MAX_BYTES + 1)) == (413, "body_too_large", None)
    assert sent(b'{"a":' * 40_000)[:2] == (400, "invalid_json")
    assert sent(b'{"version": ')[:2] == (400, "invalid_json")
    assert sent(b"\xff\xfe")[:2] == (400, "invalid_json")
    assert sent(b"[]")[:2] == (422, "invalid_body")
    assert sent(b"")[:2] == (400, "invalid_json")
    assert sent(b"{}", "text/plain")[:2] == (415, "unsupported_media_type")
    assert fault(caller.send("PUT", "/programme?x=1", {}))[:2] == (422, "invalid_query")
    assert fault(caller.send("DELETE", "/programme"))[:2] == (405, "method_not_allowed")
    assert fault(caller.send("GET", "/nothing"))[:2] == (404, "not_found")


def test_who_published_is_kept(scene: Scene) -> None:
    caller = program(scene)
    put(caller, caller.get("/programme") | {"signup_points": 75})
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        assert published.newest(tx, shop_id, 1)[0].actor.startswith("api:")
