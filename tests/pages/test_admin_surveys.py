"""Surveys and Settings: the score and its certainty, every answer as a table; who is a member, and what we may do."""

from __future__ import annotations

import csv
import io
import re

import pytest

from plugin.domain import nps
from plugin.domain.facts import CustomerFact
from plugin.pages import admin_surveys
from plugin.pages.admin_settings import granted
from plugin.pages.admin_surveys import in_words
from plugin.store import programmes
from plugin.store.tabular import harmless
from tests.markup import Form
from tests.pages.admin_pages import checked, follow, open_page, placed, read, send, words
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, Scene, code_of

MARKUP = "<script>alert(1)</script>"


def answered(scene: Scene, customer_id: int, order_id: int, score: int, said: str | None = None) -> None:
    """An order whose question was answered."""
    scene.member(ALICE, customer_id)
    placed(scene, order_id, CustomerFact(customer_id, first_name="Anna", last_name="Keller"), 4000)
    scene.asked(ALICE, customer_id, order_id)
    body = {"order": str(order_id), "score": score, "nonce": scene.nonce(customer_id)} | (
        {"words": said} if said else {}
    )
    assert scene.post("survey", body, customer_id).status_code == 200
    scene.times.forward(minutes=1)


def scores(text: str) -> list[int]:
    return [int(one) for one in re.findall(r"<strong>(\d+)</strong> <s-badge", text)]


def test_the_score_its_interval_the_spread_and_every_answer(scene: Scene) -> None:
    answered(scene, ANNA, 81, 10, "Lovely tea")
    answered(scene, BEN, 82, 3, MARKUP)
    answered(scene, ANNA, 83, 8)
    text = checked(open_page(scene, "/surveys"))
    said = words(text)
    expected = nps.score(1, 1, 1)
    # A true minus, as points have it, and no sign on nothing.
    interval = f"{expected.low:+.0f} and {expected.high:+.0f}".replace("-", "−")
    assert f"0 With 95% certainty between {interval} , from 3 answers." in said
    assert "1 promoter (9–10), 1 passive (7–8), 1 detractor (0–6)." in said
    assert scores(text) == [8, 3, 10]
    assert '<rect class="promoter" width="100%"' in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert MARKUP not in text
    assert f'href="https://{ALICE}/admin/orders/82" target="_top">#82<' in text
    for show, expected_scores in (
        ("detractor", [3]),
        ("promoter", [10]),
        ("passive", [8]),
        ("words", [3, 10]),
        ("x", [8, 3, 10]),
    ):
        assert scores(checked(open_page(scene, f"/surveys?show={show}"))) == expected_scores
    assert MARKUP not in checked(open_page(scene, f"/members/{BEN}"))


def test_long_words_wait_behind_their_beginning_and_an_answer_names_its_order(scene: Scene) -> None:
    answered(scene, ANNA, 81, 3, "The parcel came late. " * 20)
    for path in ("/surveys", f"/members/{ANNA}"):
        text = checked(open_page(scene, path))
        folded = re.search(r'<details class="long"><summary>(.*?)</summary>(.*?)</details>', text, re.DOTALL)
        assert folded is not None, path
        assert words(folded[1]).endswith("… more")
        assert words(folded[2]) == ("The parcel came late. " * 20).strip()
        assert ">#81</a>" in text


def test_the_list_has_pages(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_surveys, "PAGE", 2)
    for n in range(5):
        answered(scene, ANNA, 81 + n, n)
    seen, before = [], ""
    for _ in range(3):
        text = checked(open_page(scene, f"/surveys?{before}"))
        seen += scores(text)
        older = re.search(r"(before=\d+-\d+)", text)
        before = older[1] if older else ""
    assert seen == [4, 3, 2, 1, 0]


def test_the_download_is_a_harmless_table_of_this_shop_only(scene: Scene) -> None:
    answered(scene, ANNA, 81, 9, '=HYPERLINK("https://evil.example";"click")')
    answered(scene, BEN, 82, 2, 'Broken, "really"\nbroken')
    link = re.search(r'href="(/surveys/download\?[^"]+)"', open_page(scene, "/surveys").text)
    assert link is not None
    path = link[1].replace("&amp;", "&")
    answer = scene.client().get(path)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="survey-answers.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["order"], row["score"], row["band"], row["customer"]) for row in rows] == [
        ("#81", "9", "promoter", "Anna Keller"),
        ("#82", "2", "detractor", "Anna Keller"),
    ]
    assert rows[0]["words"] == '\'=HYPERLINK("https://evil.example";"click")'
    assert rows[1]["words"] == 'Broken, "really"\nbroken'
    for wrong in (path.partition("ticket=")[0], path[:-2] + "xx"):
        assert scene.client().get(wrong).status_code == 403
    scene.times.wall_at += 3600
    assert code_of(scene.client().get(path)) == "invalid_ticket"
    mallorys = scene.web.signer.form_ticket(MALLORY, 1, admin_surveys.DOWNLOAD, scene.times.wall_s())
    other = scene.client().get(f"/surveys/download?shop={ALICE}&ticket={mallorys}")
    assert list(csv.DictReader(io.StringIO(other.text.removeprefix("\ufeff")))) == []


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless(f"x{text}") == f"x{text}"


def test_the_score_in_words_never_says_more_than_the_answers_do() -> None:
    assert "No answers yet." in in_words(nps.score(0, 0, 0))
    assert in_words(nps.score(3, 0, 1)) == (
        "It is not clear yet whether more customers recommend you or warn against you. "
        "This rests on few answers: treat the number as a first hint."
    )
    assert in_words(nps.score(60, 30, 20)).startswith(
        "More customers recommend you than warn against you. The number is"
    )
    assert in_words(nps.score(20, 30, 60)).startswith("More customers warn against you than recommend you.")
    assert in_words(nps.score(600, 300, 200)).endswith(
        "There are enough answers to follow the number over time."
    )


# Settings


def settings_form(scene: Scene, shop: str = ALICE) -> Form:
    return read(open_page(scene, "/settings", shop)).form("/settings/membership")


def version_of(scene: Scene, shop: str = ALICE) -> tuple[int, str, str | None]:
    shop_id = scene.shop(shop).shop_id
    with scene.db.read() as tx:
        latest = programmes.versions(tx, shop_id).latest
    assert latest is not None
    return latest.version, latest.membership, latest.membership_tag


def test_the_membership_is_saved_as_a_version(scene: Scene) -> None:
    page = follow(scene, send(scene, settings_form(scene), membership="tag", membership_tag="VIP"))
    assert "data-toast>Saved.</p>" in page.text
    assert version_of(scene) == (2, "tag", "VIP")
    follow(scene, send(scene, settings_form(scene)))
    assert version_of(scene)[0] == 2, "nothing changed, nothing published"
    assert version_of(scene, MALLORY)[0] == 1


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"membership": "tag"}, "membership_tag", "Name the customer tag that makes a member."),
        ({"membership_tag": "a,b"}, "membership_tag", "A tag has at most 100 characters and no comma."),
        ({"membership": "nobody"}, "membership", "Choose one of the list."),
        ({"base": "7"}, "membership", "The programme was changed meanwhile. Reload the page and look again."),
    ],
)  # fmt: skip
def test_faults_of_the_membership_stand_beside_it(
    light: Scene, given: dict[str, str], field: str, said: str
) -> None:
    answer = send(light, settings_form(light), **given)
    assert f'id="{field}-error">{said}</p>' in checked(answer, 422)
    assert version_of(light)[0] == 1


def test_a_forged_membership_changes_nothing(light: Scene) -> None:
    form = settings_form(light)
    for ticket in ("", "x", light.web.signer.form_ticket(ALICE, 1, "retry parked", light.times.wall_s())):
        answer = light.client().post(form.action, data=form.filled(membership="all") | {"ticket": ticket})
        assert code_of(answer) == "invalid_ticket"
    mallorys = settings_form(light, MALLORY).filled(membership="all")
    assert light.client().post(form.action, data=mallorys).status_code == 303
    assert (version_of(light)[1], version_of(light, MALLORY)[1]) == ("joined", "all")


def test_permissions_are_compared_with_what_is_needed(light: Scene) -> None:
    with light.db.write() as tx:
        tx.run("UPDATE shops SET scopes = 'write_orders' WHERE domain = :d", d=ALICE)
    said = words(checked(open_page(light, "/settings")))
    assert "read_orders Granted" in said, "writing contains reading"
    assert "write_discounts Missing" in said
    assert granted("") == set()


def test_one_members_data_is_found_by_number(light: Scene) -> None:
    light.member(ALICE, ANNA)
    text = checked(open_page(light, f"/settings?id={ANNA}"))
    assert f"/members/{ANNA}/export?" in text
    assert "We hold nothing" in checked(open_page(light, f"/settings?id={BEN}"))
    assert "We hold nothing" in checked(open_page(light, f"/settings?id={ANNA}", MALLORY))
    assert "export?" not in checked(open_page(light, "/settings?id=x"))
