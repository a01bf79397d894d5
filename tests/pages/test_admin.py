"""The frame of the merchant's pages and Home: whom they are shown to, what they say, and that they are good HTML."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from plugin.domain.facts import CustomerFact
from plugin.domain.programme import Reward, first_programme
from plugin.pages import admin_members, admin_surveys, staff
from plugin.pages.admin_home import worth
from plugin.shopify.grants import Grant
from plugin.store import tokens
from plugin.store.db import Database
from tests.markup import Page
from tests.pages.admin_pages import checked, open_page, placed, read, words
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, START, Scene, code_of, make_scene

PAGES = ("/", "/members", "/orders", "/programme", "/surveys", "/activity", "/settings")


def test_home_shows_figures_with_their_rows(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 150)
    placed(scene, 81, CustomerFact(ANNA), 4000, at=START)
    scene.times.forward(minutes=1)
    placed(scene, 83, CustomerFact(ANNA), 1000)
    placed(scene, 82, CustomerFact(BEN), 2500)
    scene.asked(ALICE, ANNA, 81)
    given = {"order": "81", "score": 9, "nonce": scene.nonce(ANNA)}
    assert scene.post("survey", given, ANNA).status_code == 200
    text = checked(open_page(scene))
    said = words(text)
    assert "Home · Regulars" in said
    assert "Members 1 1 joined in 30 days today All members" in said
    # 50 for joining, 150 given, 40 and 10 of two orders that are pending
    assert (
        "Points outstanding 250 at most CHF 12.50 in rewards; today, every point counted Who holds them"
        in said
    )
    assert "Repeat purchases 50.0% 1 of 2 orders since 22 Nov 2026, every one counted" in said
    assert re.search(r"Score \+100 [+−][0-9]+ to \+[0-9]+, 95% sure all answers so far The 1 answer", said)
    assert "1 customer has bought and not joined; 25 points wait for them." in said
    assert "Everything runs, nothing is stuck." in said
    assert (
        "250 points, available and pending, are in members’ hands. If every one went into “CHF 2.50 off”"
        in words(checked(open_page(scene, "/members?show=points")))
    )


def rows_behind(scene: Scene, href: str) -> list[str]:
    """Every row of the list that a link opens, page by page, as text."""
    path, _, asked = unescape(href).partition("?")
    own = {k: v for k, v in parse_qsl(asked) if k not in ("shop", "host")}
    rows: list[str] = []
    while True:
        text = checked(open_page(scene, f"{path}?{urlencode(own)}"))
        rows += [words(row) for row in re.findall(r"<s-table-row.*?</s-table-row>", text, re.DOTALL)]
        more = re.search(r'before=([0-9-]+)[^"]*">Next page', text)
        if more is None:
            return rows
        own["before"] = more[1]


def test_every_figure_opens_exactly_the_rows_that_make_it_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (admin_members, admin_surveys):
        monkeypatch.setattr(module, "PAGE", 3)
    scene.member(ALICE, 7100, 40)
    scene.times.forward(days=61)  # a member from long ago, who is one all the same
    for n in range(7):
        scene.member(ALICE, 7200 + n)
        placed(scene, 300 + n, CustomerFact(7200 + n % 4), 2000 + n * 100)
        placed(scene, 400 + n, CustomerFact(7300 + n % 5), 1000)  # who have not joined
        scene.asked(ALICE, 7200 + n % 4, 300 + n)
        given = {"order": str(300 + n), "score": 10 - n, "nonce": scene.nonce(7200 + n % 4)}
        assert scene.post("survey", given, 7200 + n % 4).status_code == 200
        scene.times.forward(minutes=1)
    text = checked(open_page(scene))
    cards = re.findall(r"<li><h2>(.*?)</h2><strong>(.*?)</strong><p>(.*?)</p>.*?<a href=\"(.*?)\">", text)
    shown = {name: (number, line, rows_behind(scene, href)) for name, number, line, href in cards}
    assert list(shown) == ["Members", "Points outstanding", "Repeat purchases", "Net Promoter Score"]
    number, _, rows = shown["Members"]
    assert len(rows) == int(number) == 8
    number, _, rows = shown["Points outstanding"]
    held = [re.search(r" (\d+) (\d+) (?:–|\d+ \w+ \d+) \d+ \w+ \d+$", row) for row in rows]
    assert sum(int(one[1]) + int(one[2]) for one in held if one) == int(number)
    assert all(held)
    _, line, rows = shown["Repeat purchases"]
    assert line == f"{len(rows)} of 7 orders"
    assert len(rows) == 3
    assert len(shown["Net Promoter Score"][2]) == 7
    assert "The 7 answers" in words(text)
    banner = re.search(
        r"(\d+) customers have bought and not joined; (\d+) points wait.*?href=\"(.*?)\"", text
    )
    assert banner is not None
    rows = rows_behind(scene, banner[3])
    assert len(rows) == int(banner[1]) == 5
    assert sum(int(re.findall(r" (\d+) (\d+) \d+ \w+", row)[0][1]) for row in rows) == int(banner[2]) == 70


def test_a_change_is_called_one_only_where_the_numbers_can_tell(light: Scene) -> None:
    light.times.forward(days=61)
    for n in range(3):
        light.member(ALICE, 7100 + n)
    light.times.forward(days=31)
    for n in range(4):
        light.member(ALICE, 7200 + n)
    assert "4 joined in 30 days 3 in the 30 before: no clear change" in words(checked(open_page(light)))
    for n in range(4, 20):
        light.member(ALICE, 7200 + n)
    assert "20 joined in 30 days 3 in the 30 before: clearly more" in words(checked(open_page(light)))
    # Mallory's shop is as old, and there nobody joined.
    assert "0 joined in 30 days 0 in the 30 before: no clear change" in words(
        checked(open_page(light, "/", MALLORY))
    )


def test_joined_long_ago_is_a_member_and_not_a_new_one(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    scene.times.forward(days=31)
    scene.member(ALICE, BEN)
    assert "Members 2 1 joined in 30 days" in words(checked(open_page(scene)))
    assert f"/members/{ANNA}?" not in checked(open_page(scene, "/members?show=new"))
    assert f"/members/{ANNA}?" in checked(open_page(scene, "/members"))


def test_the_worth_of_points_is_counted_at_the_cheapest_reward_with_a_price() -> None:
    programme = first_programme("CHF", 100)
    found = worth(250, programme)
    assert found is not None
    assert (found.minor, found.reward.key) == (1250, "welcome_off")  # 250 × 250 / 50
    assert worth(-40, programme).minor == 0  # type: ignore[union-attr]
    shipping = Reward("free", "free_shipping", "Free", 10)
    from dataclasses import replace

    assert worth(250, replace(programme, rewards=(shipping,))) is None
    assert worth(250, None) is None


def test_onboarding_goes_away_when_it_is_done(scene: Scene) -> None:
    text = checked(open_page(scene))
    assert "Get started" in text
    assert "Not seen yet" in text
    key = scene.config.api_key
    assert (
        f"https://{ALICE}/admin/themes/current/editor?context=apps&amp;template=product&amp;activateAppId={key}/launcher"
        in text
    )
    assert f"addAppBlockId={key}/product-points&amp;target=mainSection" in text
    scene.member(ALICE, ANNA)
    placed(scene, 81, ANNA, 4000)
    bearer = {"Authorization": f"Bearer {scene.id_token()}"}
    report = scene.client().post("/theme", json={"embed": False, "block": True}, headers=bearer)
    assert report.json == {"embed": False, "block": True}
    text = checked(open_page(scene))
    assert '<s-badge data-theme="embed" tone="warning">Off</s-badge>' in text
    assert '<s-badge data-theme="block" tone="success">On</s-badge>' in text
    assert (
        scene.client().post("/theme", json={"embed": True, "block": False}, headers=bearer).status_code == 200
    )
    done = checked(open_page(scene))
    assert "Get started" not in done
    assert '<details class="setup"><summary>Everything is set up</summary>' in done, "one line, closed"
    # Another shop's report is another shop's.
    assert "Not seen yet" in checked(open_page(scene, "/", MALLORY))


@pytest.mark.parametrize("body", [{}, {"embed": 1, "block": 0}, [], "x", None])
def test_a_report_of_the_theme_is_two_booleans(light: Scene, body: object) -> None:
    bearer = {"Authorization": f"Bearer {light.id_token()}"}
    open_page(light)
    answer = light.client().post(
        "/theme", data=json.dumps(body), content_type="application/json", headers=bearer
    )
    assert (answer.status_code, code_of(answer)) == (400, "invalid_body")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_good_html_empty_and_framed_by_shopify_only(light: Scene, path: str) -> None:
    answer = open_page(light, path)
    page = read(answer)
    sources = [one.attributes.get("src") for one in page.named("script")]
    assert sources[:2] == [staff.frame_scripts(light.config)[name] for name in ("app_bridge", "polaris")]
    assert [one.tag for one in page.elements[1:5]] == ["head", "meta", "meta", "script"]
    assert '<meta name="shopify-api-key" content="key-of-the-app">' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert f"frame-ancestors https://{ALICE} https://admin.shopify.com" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert [
        one
        for one in answer.text.split('href="')[1:]
        if one.startswith("/") and f"shop={ALICE}" not in one.split('"')[0]
    ] == []
    again = open_page(light, path)
    assert again.headers["Content-Security-Policy"] != policy, "the word for the script is new each time"


@pytest.mark.parametrize("path", PAGES)
def test_another_shops_staff_see_nothing_of_this_shop(scene: Scene, path: str) -> None:
    scene.member(ALICE, ANNA, 150)
    placed(
        scene, 81, CustomerFact(ANNA, email="anna@example.com", first_name="Anna", last_name="Keller"), 4000
    )
    scene.asked(ALICE, ANNA, 81)
    answer = {"order": "81", "score": 2, "nonce": scene.nonce(ANNA), "words": "dented"}
    assert scene.post("survey", answer, ANNA).status_code == 200
    text = checked(open_page(scene, path, MALLORY))
    for secret in ("Anna", "Keller", "anna@example.com", "#81", str(ANNA), "dented"):
        assert secret not in words(text)


@pytest.mark.parametrize("path", [*PAGES, f"/members/{ANNA}"])
def test_the_token_says_whose_page_it_is_whatever_the_address_says(light: Scene, path: str) -> None:
    light.member(ALICE, ANNA, 150)
    light.member(MALLORY, ANNA, 7)
    placed(light, 81, CustomerFact(ANNA, first_name="Alina"), 4000)
    open_page(light, "/", MALLORY)
    answer = light.client().get(f"{path}?shop={ALICE}&host=YWRtaW4&id_token={light.id_token(MALLORY)}")
    text = checked(answer)
    assert "alice" not in text.lower(), "no link, no name, no data"
    assert "Alina" not in text
    assert "#81" not in words(text)
    assert f"shop={MALLORY}" in text
    ancestors = answer.headers["Content-Security-Policy"].split("frame-ancestors")[1]
    assert MALLORY in ancestors
    assert ALICE not in ancestors


def test_a_fault_is_a_page_for_people_within_the_frame(light: Scene) -> None:
    with light.db.write() as tx:
        grant = Grant("shpat_x", None, light.times.real() + timedelta(hours=1), None, "")
        tokens.put(tx, 1, light.web.tokens.sealed(grant))
    answer = light.client().get(
        f"/members/424242?shop={ALICE}&id_token={light.id_token()}", headers={"Accept": "text/html,*/*;q=0.8"}
    )
    text = checked(answer, 404)
    assert "There is no member with this number." in text
    assert f"frame-ancestors https://{ALICE}" in answer.headers["Content-Security-Policy"]
    assert f'href="/members?shop={ALICE}"' in text
    assert f'href="/?shop={ALICE}">Back to Home</a>' in text
    nowhere = light.client().get("/nowhere?shop=<b>", headers={"Accept": "text/html"})
    text = checked(nowhere, 404)
    assert "nothing at this address" in text
    assert "Open Regulars from the list of apps" in text
    assert "href" not in text
    assert nowhere.headers["Content-Security-Policy"].endswith("frame-ancestors https://admin.shopify.com")


def test_in_development_the_scripts_come_from_the_development_shop(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    scene = make_scene(
        database, config={"devshop_url": "http://127.0.0.1:8001", "app_url": "http://127.0.0.1:8000"}
    )
    scene.install(ALICE)
    answer = open_page(scene)
    assert '<script src="http://127.0.0.1:8001/app-bridge.js"></script>' in answer.text
    assert "http://127.0.0.1:8001" in answer.headers["Content-Security-Policy"].split("frame-ancestors")[1]
    nowhere = scene.client().get("/nowhere", headers={"Accept": "text/html"})
    assert nowhere.headers["Content-Security-Policy"].endswith("admin.shopify.com http://127.0.0.1:8001")
    assert "Strict-Transport-Security" not in answer.headers
    scene.web.reader.close()
    database.close()


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("retried-2", "2 back in line."),
        ("adjusted", "Done. The points are in the history below."),
        ("retried-x", ""),
        ("<b>", ""),
        ("retried", ""),
        ("unknown-5", ""),
    ],
)
def test_the_address_can_only_make_the_page_say_our_own_sentences(light: Scene, done: str, said: str) -> None:
    text = checked(open_page(light, f"/activity?done={done}"))
    assert ('role="status" data-toast' in text) is bool(said)
    assert said in text
    assert "<b>" not in text


def test_a_page_without_a_token_comes_back_with_what_it_was_asked(light: Scene) -> None:
    asked = f"/members?shop={ALICE}&host=YWRtaW4&q=M%C3%BCller%20%26%20Co&show=points&before=12-7&evil=1"
    answer = light.client().get(asked)
    back = parse_qs(urlsplit(answer.headers["Location"]).query)["shopify-reload"][0]
    assert urlsplit(back).path == "/members"
    assert parse_qs(urlsplit(back).query) == {
        "shop": [ALICE], "host": ["YWRtaW4"], "q": ["Müller & Co"], "show": ["points"], "before": ["12-7"],
    }  # fmt: skip


def test_times_are_shown_where_the_merchant_lives(light: Scene) -> None:
    # Published at the install, 09:00 UTC: 10:00 in Zurich.
    assert "22 Nov 2026, 10:00" in checked(open_page(light, "/programme"))
    with light.db.write() as tx:
        tx.run("UPDATE shops SET timezone = 'Mars/Olympus' WHERE domain = :d", d=ALICE)
    assert "22 Nov 2026, 09:00" in checked(open_page(light, "/programme"))


def test_the_checker_sees_what_is_wrong() -> None:
    whole = "<!doctype html><html lang='en'><head><title>T</title></head><body><main><h1>T</h1>{}</main></body></html>"
    assert Page(whole.format("")).faults == []
    for wrong, said in {
        "<p><b></p>": "close-order",
        '<p id="a"></p><p id="a"></p>': "no-dup-id",
        '<p aria-describedby="b">x</p>': "no-missing-references",
        "<input name='a' type='text'>": "input-missing-label",
        "<h4>x</h4>": "heading-level",
        "<s-butten></s-butten>": "no-unknown-elements",
        '<p onclick="x()">x</p>': "inline onclick",
        '<a href="javascript:x()">x</a>': "a javascript: link",
        "<script>x</script>": "inline script",
        "<h1>x</h1>": "2 <h1>",
        '<iframe src="/"></iframe>': "a nameless frame",
    }.items():
        assert said in " ".join(Page(whole.format(wrong)).faults), wrong
    assert Page(whole.format('<script nonce="word">x</script>'), "word").faults == []
