"""Chapters of the programme: each form shows its version, reads back the same, finds faults, and publishes."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from plugin.domain.programme import Band, LineRule, OrderBonus, OrderRules, first_programme
from plugin.domain.values import Ratio
from plugin.pages.chapters import CHAPTERS, form
from plugin.pages.chapters.earning import EARNING
from plugin.pages.chapters.form import Chapter, Rows
from plugin.pages.chapters.tiers import TIERS
from tests.markup import Form
from tests.pages.admin_pages import follow, open_page, read, send
from tests.pages.scene import Scene, code_of
from tests.pages.test_admin_programme import latest

FIRST = first_programme("CHF", 100)
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.slug)


def form_of(scene: Scene, chapter: Chapter) -> Form:
    return read(open_page(scene, f"/programme/{chapter.slug}")).form(f"/programme/{chapter.slug}/preview")


@each_chapter
def test_a_form_reads_back_what_it_shows(chapter: Chapter) -> None:
    draft = form.read(chapter, form.filled(chapter, FIRST, "CHF"), FIRST, "CHF")
    assert draft.errors == {}
    assert msgspec.json.encode(draft.programme) == msgspec.json.encode(FIRST)


@each_chapter
def test_every_field_of_a_chapter_is_an_attribute_of_the_document(chapter: Chapter) -> None:
    whole = msgspec.to_builtins(FIRST)
    for part in chapter.parts:
        held = whole
        for step in part.at.split(".") if part.at else ():
            held = held[step]
        if isinstance(part, Rows):
            if not held:
                continue
            held = held[0]
        for one in part.fields:
            below = held
            for step in one.name.split("."):
                assert step in below, f"{chapter.slug}: {part.at}.{one.name}"
                below = below[step]


@each_chapter
def test_a_page_shows_every_field_once_and_changes_nothing_by_itself(light: Scene, chapter: Chapter) -> None:
    shown = form_of(light, chapter)
    names = [name for name, _ in shown.fields]
    for name in form.filled(chapter, FIRST, "CHF"):
        assert name in names
    answer = send(light, shown)
    assert "Nothing is different from version 1." in answer.text or "no orders of members yet" in answer.text
    assert "/programme/publish" not in answer.text


def test_rows_are_changed_added_and_removed_and_the_rest_stays(light: Scene) -> None:
    added = {
        "tiers__1__multiplier": "1.3", "tiers__2__keep": "no",
        "tiers__3__name": "Platinum", "tiers__3__threshold": "3000", "tiers__3__multiplier": "2",
    }  # fmt: skip
    answer = send(light, form_of(light, TIERS), **added)
    follow(light, send(light, read(answer).form("/programme/publish")))
    now = latest(light)
    assert now.version == 2
    assert [(tier.key, tier.threshold) for tier in now.tiers] == [
        ("bronze", 0), ("silver", 500), ("platinum", 3000),
    ]  # fmt: skip
    assert (now.tiers[1].multiplier, now.tiers[2].multiplier) == (Ratio(13, 10), Ratio(2, 1))
    assert replace(now, version=1, tiers=FIRST.tiers) == FIRST


def test_the_chapter_on_earning_sets_every_rule_about_orders(light: Scene) -> None:
    given = {
        "orders.per_order": "5", "orders.minimum_minor": "20", "orders.max_per_order": "500",
        "orders.max_per_period": "1000", "orders.period": "day", "orders.lines.0.name": "New things",
        "orders.lines.0.scope": "tag", "orders.lines.0.values": "new, Spring 2027", "orders.lines.0.effect": "multiply",
        "orders.lines.0.multiplier": "1.5", "orders.bands.0.name": "Big", "orders.bands.0.from_minor": "100",
        "orders.bands.0.multiplier": "2", "orders.bonuses.0.name": "Welcome", "orders.bonuses.0.nth": "1",
        "orders.bonuses.0.every": "no", "orders.bonuses.0.points": "50", "orders.credit": "no",
        "orders.companies": "yes", "orders.sources": "pos, subscription_contract*", "orders.excluded_tags": "staff",
        "orders.opens": "paid", "orders.paid_days": "30",
    }  # fmt: skip
    answer = send(
        light, form_of(light, EARNING), **{name.replace(".", "__"): value for name, value in given.items()}
    )
    follow(light, send(light, read(answer).form("/programme/publish")))
    assert latest(light).orders == OrderRules(
        lines=(LineRule("new_things", "New things", "tag", ("new", "Spring 2027"), multiplier=Ratio(3, 2)),),
        bands=(Band("big", "Big", 10_000, Ratio(2)),), per_order=5,
        bonuses=(OrderBonus("welcome", "Welcome", 1, 50),), minimum_minor=2_000, max_per_order=500,
        max_per_period=1000, period="day", credit=False, sources=("pos", "subscription_contract*"),
        excluded_tags=("staff",), companies=True, opens="paid", paid_days=30,
    )  # fmt: skip
    assert replace(latest(light), version=1, orders=FIRST.orders) == FIRST


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("orders__max_per_order", "0", "Choose 1 or more, or leave it empty."),
        ("orders__paid_days", "400", "Choose 0 to 365 days."),
        ("orders__lines__0__name", "Nothing named", "Say which ones, with commas between them."),
        ("orders__bonuses__0__name", "Zero", "Choose 1 for the first order, up to 10,000."),
    ],
)
def test_faults_of_the_chapter_on_earning(light: Scene, field: str, value: str, said: str) -> None:
    row = {"orders__bonuses__0__nth": "0", "orders__bonuses__0__points": "5"} if "bonuses" in field else {}
    answer = send(light, form_of(light, EARNING), **{field: value, **row})
    read(answer, 422)
    assert said in answer.text
    assert latest(light).version == 1


@pytest.mark.parametrize(
    ("field", "value", "where", "said"),
    [
        ("tier_months", "0", "tier_months", "Choose 1 to 120 months."),
        ("tier_months", "", "tier_months", "Write a whole number, such as 50."),
        ("tiers__1__multiplier", "101", "tiers.1.multiplier", "Choose a multiplier from 0 to 100."),
        ("tiers__2__threshold", "400", "tiers", "Each tier must need more points than the one below."),
    ],
)
def test_a_fault_stands_beside_its_field_and_nothing_is_saved(
    light: Scene, field: str, value: str, where: str, said: str
) -> None:
    answer = send(light, form_of(light, TIERS), **{field: value})
    read(answer, 422)
    assert (
        f'id="{where}-error">{said}</p>' in answer.text
        or f'id="field-{where}" role="alert">{said}</p>' in answer.text
    )
    assert f'<a href="#field-{where}">' in answer.text
    assert latest(light).version == 1


def test_a_forged_preview_is_refused(light: Scene) -> None:
    fields = form_of(light, TIERS).filled() | {"ticket": "x"}
    assert code_of(light.client().post("/programme/tiers/preview", data=fields)) == "invalid_ticket"
