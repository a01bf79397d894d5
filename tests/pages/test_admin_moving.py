"""Moving in the admin: a list acts after its dry run only, a document after its check, and files are the shop's own."""

from __future__ import annotations

import io
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

from werkzeug.test import TestResponse

from plugin.domain.programme import Reward, first_programme
from plugin.flows import imports as import_flow
from plugin.flows.programme_documents import written
from plugin.pages.admin_moving import FILES
from plugin.store import imports, programmes
from tests.markup import Form
from tests.pages.admin_pages import follow, open_page, read, send, words
from tests.pages.scene import ALICE, ANNA, MALLORY, Scene, code_of

LIST = f"customer_id,email,points\n{ANNA},,100\n,nobody,5\n"


def upload(scene: Scene, form: Form, field: str, body: str | bytes, **changes: str) -> TestResponse:
    """Sends a form with a file in it."""
    data: dict[str, object] = dict(form.filled(**changes))
    data[field] = (io.BytesIO(body.encode() if isinstance(body, str) else body), "list.csv")
    return scene.client().post(form.action, data=data, content_type="multipart/form-data")


def look(scene: Scene, body: str | bytes, shop: str = ALICE, **changes: str) -> TestResponse:
    form = read(open_page(scene, "/moving", shop)).form("/moving/look")
    return upload(scene, form, "file", body, **{"policy": "add", **changes})


def file_of(scene: Scene, page: TestResponse, path: str) -> TestResponse:
    found = re.search(rf'href="({re.escape(path)}\?[^"]+)"', page.text)
    assert found is not None
    return scene.client().get(found[1].replace("&amp;", "&"))


def balance(scene: Scene, shop: str = ALICE) -> int:
    found = scene.shop(shop)
    with scene.db.read() as tx:
        row = tx.one(
            "SELECT posted FROM members WHERE shop_id = :s AND member_id = :m", s=found.shop_id, m=ANNA
        )
    return 0 if row is None else int(row[0])


def work(scene: Scene) -> None:
    shop = scene.shop(ALICE)
    more = True
    while more:
        with scene.db.write(shop.shop_id) as tx:
            more = import_flow.carry_on(tx, shop, scene.times.now())


def test_a_list_is_looked_at_then_taken_and_its_errors_are_a_file(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    before = balance(scene)
    seen = follow(scene, look(scene, LIST))
    text = words(seen.text)
    assert "This is what the list would do." in text
    assert "2 rows" in text
    assert "100 points given" in text
    assert balance(scene) == before
    errors = file_of(scene, seen, "/moving/errors")
    assert errors.text.splitlines()[1] == "3,“nobody” is no e-mail address.,,nobody,5"
    begun = follow(scene, send(scene, read(seen).form("/moving/begin")))
    assert "Under way" in words(begun.text)
    assert "0 of 2" in words(begun.text)
    work(scene)
    assert balance(scene) == before + 100
    assert "Done" in words(open_page(scene, "/moving").text)
    again = follow(scene, look(scene, LIST))
    assert "nothing is done twice" in words(again.text)


def test_what_is_missing_is_said_beside_its_field(light: Scene) -> None:
    form = read(open_page(light, "/moving")).form("/moving/look")
    answer = send(light, form)
    read(answer, 422)
    assert "Choose what the points of the list mean." in answer.text
    assert "Choose a file: CSV, TSV or JSON." in answer.text
    answer = look(light, b"\x89PNG\x00")
    read(answer, 422)
    assert "cannot be read" in answer.text
    answer = look(light, "a,b\n1,2\n")
    read(answer, 422)
    assert "No column holds an e-mail address" in answer.text


def test_a_list_of_another_shop_cannot_be_begun_nor_read(light: Scene) -> None:
    seen = follow(light, look(light, LIST))
    form = read(seen).form("/moving/begin")
    theirs = light.client().post(form.action, data=form.filled(id="5"))
    assert code_of(theirs) == "invalid_ticket"
    with light.db.read() as tx:
        import_id = tx.all("SELECT import_id FROM imports")[0][0]
    page = open_page(light, f"/moving?id={import_id}", MALLORY)
    assert "list.csv" not in page.text
    stolen = light.client().get(f"/moving/errors?id={import_id}&ticket={form.filled()['ticket']}")
    assert code_of(stolen) == "invalid_ticket"
    shop = light.shop(ALICE)
    with light.db.read() as tx:
        assert imports.running(tx, shop.shop_id) is None


def test_a_programme_goes_round_as_a_document(light: Scene) -> None:
    out = file_of(light, open_page(light, "/moving"), "/moving/download/programme-toml")
    assert out.headers["Content-Disposition"].endswith('programme.toml"')
    changed = out.text.replace("signup_points = 50", "signup_points = 77")
    assert changed != out.text
    form = read(open_page(light, "/moving", MALLORY)).form("/moving/programme")
    checked = upload(light, form, "document", changed)
    publish = read(checked).form("/programme/publish")
    send(light, publish)
    there, here = light.shop(MALLORY), light.shop(ALICE)
    with light.db.read() as tx:
        latest = programmes.versions(tx, there.shop_id).latest
        ours = programmes.versions(tx, here.shop_id).latest
    assert latest is not None
    assert ours is not None
    assert (latest.signup_points, ours.signup_points) == (77, 50)
    assert written(latest, "toml") == changed


def test_a_document_may_be_as_large_as_the_format_allows(light: Scene) -> None:
    many = tuple(
        Reward(f"r_{n}", "amount_off", f"Reward {n}", 100, 500, products=tuple(str(10**18 + i) for i in range(100)))
        for n in range(100)
    )  # fmt: skip
    whole = written(replace(first_programme("CHF", 100), rewards=many), "json")
    assert 200_000 < len(whole) < 500_000
    form = read(open_page(light, "/moving")).form("/moving/programme")
    answer = send(light, read(upload(light, form, "document", whole)).form("/programme/publish"))
    assert answer.status_code == 303
    # What was published can be changed in its chapter.
    chapter = read(open_page(light, "/programme/rewards")).form("/programme/rewards/preview")
    assert send(light, chapter, code_reminder_days="7").status_code == 200
    short = replace(first_programme("CHF", 100), rewards=many + many)
    for large in (written(short, "toml"), written(short, "json"), " " * 1_500_000):
        refused = upload(light, form, "document", large)
        assert (refused.status_code, "bytes" in words(refused.text)) in ((422, True), (413, True))


def test_a_faulty_document_is_refused_field_by_field(light: Scene) -> None:
    out = file_of(light, open_page(light, "/moving"), "/moving/download/programme-json").text
    form = read(open_page(light, "/moving")).form("/moving/programme")
    for bad, said in (
        (
            out.replace('"signup_points"', '"signdown_points"'),
            "signdown_points : This app does not know this field.",
        ),
        (out.replace('"regulars_programme": 1', '"regulars_programme": 9'), "The document is of version 9"),
        (out.replace('"CHF"', '"EUR"', 1), "The amounts are in EUR"),
        ("", "Choose a file"),
    ):
        answer = upload(light, form, "document", bad)
        read(answer, 422)
        assert said in words(answer.text)
        assert "/programme/publish" not in answer.text


def test_everything_can_be_taken_out(scene: Scene, tmp_path: Path) -> None:
    scene.member(ALICE, ANNA)
    page = open_page(scene, "/moving")
    for what in FILES:
        answer = file_of(scene, page, f"/moving/download/{what}")
        assert answer.status_code == 200
        assert answer.data
    file = tmp_path / "alice.sqlite"
    file.write_bytes(file_of(scene, page, "/moving/download/everything").data)
    with sqlite3.connect(file) as copy:
        assert copy.execute("SELECT domain FROM _regulars_shop").fetchall() == [(ALICE,)]
    assert str(ANNA) in file_of(scene, page, "/moving/download/members").text
    forged = re.search(r"ticket=([^&\"]+)", page.text)
    assert forged is not None
    assert code_of(scene.client().get(f"/moving/download/entries?ticket={forged[1]}")) == "invalid_ticket"
    assert scene.client().get("/moving/download/nothing").status_code == 403


def test_past_orders_are_read_after_a_choice_only(light: Scene) -> None:
    form = read(open_page(light, "/moving")).form("/moving/orders")
    refused = send(light, form)
    read(refused, 422)
    assert "Choose what past orders are." in refused.text
    begun = follow(light, send(light, form, orders="history"))
    text = words(begun.text)
    assert "history only. 0 orders" in text
    assert "Shopify collects them" in text
    read(begun)
    assert send(light, form, orders="earn").status_code == 409


def test_many_are_adjusted_after_a_look_once_a_form(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    before = balance(scene)
    form = read(open_page(scene, "/moving")).form("/moving/adjust")
    faults = send(scene, form, many_points="1.5", at_least="x")
    read(faults, 422)
    assert "such as 50" in faults.text
    assert "Say why, in a few words." in faults.text
    nobody = send(scene, form, many_points="5", many_reason="Sorry", at_least="900000")
    assert "There is no such member." in nobody.text
    for _ in range(2):
        seen = follow(scene, send(scene, form, many_points="25", many_reason="Sorry for the delay"))
        send(scene, read(seen).form("/moving/begin"))
        work(scene)
    assert balance(scene) == before + 25
    page = open_page(scene, f"/members/{ANNA}")
    assert "By a list of adjustments." in words(page.text)
    assert "Sorry for the delay" in words(page.text)


def test_a_member_is_frozen_and_thawed_by_staff(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    page = read(open_page(light, f"/members/{ANNA}"))
    form = page.form(f"/members/{ANNA}/membership")
    frozen = follow(light, send(light, form, reason="Looks like fraud"))
    assert "Looks like fraud" in words(frozen.text)
    assert code_of(light.redeem(ANNA)) == "frozen"
    follow(light, send(light, read(frozen).form(f"/members/{ANNA}/membership")))
    assert light.redeem(ANNA).status_code == 200
    forged = light.client().post(f"/members/{ANNA}/membership", data={"do": "opt_out", "ticket": "x"})
    assert code_of(forged) == "invalid_ticket"
