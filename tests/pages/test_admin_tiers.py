"""Tiers in the admin: who would move, a version for later and its cancelling, and a tier granted on a member's page."""

from __future__ import annotations

import pytest

from plugin.domain.programme import Ladder
from plugin.flows import clock
from plugin.pages.chapters.tiers import TIERS
from plugin.store import ladder, programmes
from plugin.store.shops import zone
from tests.markup import Form
from tests.pages.admin_pages import checked, follow, open_page, read, send, words
from tests.pages.scene import ALICE, ANNA, BEN, Scene, code_of
from tests.pages.test_admin_chapters import form_of
from tests.pages.test_admin_programme import latest

MOMENT = "2026-12-24 18:00"


def tick(scene: Scene) -> None:
    """The clock's work, all of it."""
    shop = scene.shop(ALICE)
    more = True
    while more:
        with scene.db.write(shop.shop_id) as tx:
            more = clock.tick(tx, shop, scene.times.now())


def tier_of(scene: Scene, member_id: int = ANNA) -> tuple[str | None, str | None]:
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        placed = ladder.of_member(tx, shop_id, member_id)
    assert placed is not None
    return placed.tier, placed.tier_by


def publish_form(scene: Scene, **changes: str) -> Form:
    return read(send(scene, form_of(scene, TIERS), **changes)).form("/programme/publish")


def test_the_chapter_sets_what_counts_and_how_a_tier_is_lost(light: Scene) -> None:
    changes = {
        "ladder__basis": "money", "ladder__window": "year", "ladder__keep_next_year": "yes",
        "ladder__grace_months": "2", "ladder__fall": "one", "ladder__notice_days": "30",
        "tiers__1__retain": "300", "tiers__1__reenter": "600", "tiers__1__reward_discount_percent": "10",
        "tiers__1__gift_points": "50", "tiers__1__gift_reward": "free_shipping", "tiers__2__shipping_months": "1",
        "memberships__0__name": "Club", "memberships__0__products": "4711, 4712", "memberships__0__tier": "gold",
        "memberships__0__months": "12", "tag_tiers__0__tag": "VIP", "tag_tiers__0__tier": "silver",
    }  # fmt: skip
    follow(light, send(light, publish_form(light, **changes)))
    now = latest(light)
    assert now.ladder == Ladder("money", "year", True, 2, "one", 30)
    silver = now.tiers[1]
    assert (silver.retain, silver.reenter, silver.reward_discount_percent) == (300, 600, 10)
    assert (silver.gift_points, silver.gift_reward, now.tiers[2].shipping_months) == (50, "free_shipping", 1)
    [club], [vip] = now.memberships, now.tag_tiers
    assert (club.key, club.tier, club.months, club.products) == ("club", "gold", 12, ("4711", "4712"))
    assert (vip.key, vip.tag, vip.tier) == ("vip", "VIP", "silver")


@pytest.mark.parametrize(
    ("field", "value", "where", "said"),
    [
        ("ladder__keep_next_year", "yes", "ladder.keep_next_year", "Only a tier of the calendar year"),
        ("ladder__grace_months", "13", "ladder.grace_months", "Choose 0 to 12 months."),
        ("tiers__1__retain", "501", "tiers.1.retain", "Keeping a tier may not need more"),
        ("memberships__0__name", "Club", "memberships.0.products", "Give the numbers of products"),
    ],
)
def test_a_contradiction_is_said_beside_its_field(
    light: Scene, field: str, value: str, where: str, said: str
) -> None:
    more = {"memberships__0__tier": "gold"} if where.startswith("memberships") else {}
    answer = send(light, form_of(light, TIERS), **{field: value}, **more)
    read(answer, 422)
    assert f'id="{where}-error">{said}' in answer.text
    assert latest(light).version == 1


def test_the_preview_says_who_moves_and_what_that_costs(light: Scene) -> None:
    for who in (ANNA, BEN):
        light.member(ALICE, who)
    tick(light)
    answer = send(light, form_of(light, TIERS), tiers__1__threshold="1", tiers__1__gift_points="40")
    said = words(checked(answer))
    assert "Who would move" in said
    assert "2 members stay where they are. No gifts fall due." in said
    gone = {"tiers__0__keep": "no", "tiers__1__threshold": "0", "tiers__1__gift_points": "40"}
    answer = send(light, form_of(light, TIERS), **gone)
    said = words(checked(answer))
    assert "2 members have a tier that the draft does not have and are placed anew." in said
    assert "Gifts on entry cost at most 80 points." in said


def test_a_version_is_scheduled_shown_and_cancelled(light: Scene) -> None:
    form = publish_form(light, ladder__notice_days="7")
    page = follow(light, send(light, form, effective_at=MOMENT))
    assert "Version 2 is scheduled. Until then everything stays as it is." in words(checked(page))
    assert latest(light).version == 1
    shop_id = light.shop(ALICE).shop_id
    with light.db.read() as tx:
        [waits] = programmes.scheduled(tx, shop_id)
    assert (
        waits.effective_at.astimezone(zone(light.shop(ALICE).timezone)).isoformat()[:16] == "2026-12-24T18:00"
    )
    again = send(light, publish_form(light, ladder__notice_days="9"))
    assert (again.status_code, "Version 2 is scheduled" in again.text) == (409, True)
    cancel = read(open_page(light, "/programme")).form("/programme/cancel")
    page = follow(light, send(light, cancel))
    assert "Version 2 is cancelled." in words(checked(page))
    assert "Cancelled" in words(checked(page))
    follow(light, send(light, publish_form(light, ladder__notice_days="9")))
    assert (latest(light).version, latest(light).ladder.notice_days) == (3, 9)


@pytest.mark.parametrize(
    ("text", "said"),
    [("tomorrow", "Write a day and time"), ("2020-01-01 09:00", "Choose a moment that is yet to come")],
)
def test_a_moment_that_is_none_publishes_nothing(light: Scene, text: str, said: str) -> None:
    answer = send(light, publish_form(light, ladder__notice_days="7"), effective_at=text)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert latest(light).version == 1


def test_a_tier_is_granted_explained_and_ended(light: Scene) -> None:
    light.member(ALICE, ANNA)
    tick(light)
    form = read(open_page(light, f"/members/{ANNA}")).form(f"/members/{ANNA}/grant")
    page = follow(light, send(light, form, tier="gold", until="2027-01-31", note="A friend of the house"))
    said = words(checked(page))
    assert "Done. The tier is granted." in said
    assert "Held by hand until" in said
    assert "“A friend of the house”" in said
    assert tier_of(light) == ("gold", "staff")
    end = read(open_page(light, f"/members/{ANNA}")).form(f"/members/{ANNA}/grant/end")
    page = follow(light, send(light, end))
    assert "What they have earned themselves holds again." in words(checked(page))
    assert tier_of(light) == ("bronze", "earned")
    form = read(open_page(light, f"/members/{ANNA}")).form(f"/members/{ANNA}/grant")
    wrong = send(light, form, tier="gold", until="soon")
    assert wrong.status_code == 422
    assert "Write a day as year-month-day" in wrong.text


def test_a_forged_grant_is_refused(light: Scene) -> None:
    light.member(ALICE, ANNA)
    fields = {"tier": "gold", "key": "x", "ticket": "x"}
    assert code_of(light.client().post(f"/members/{ANNA}/grant", data=fields)) == "invalid_ticket"
