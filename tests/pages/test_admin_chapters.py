"""Chapters of the programme: each form shows its version, reads back the same, finds faults, and publishes."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from plugin.domain.programme import first_programme
from plugin.domain.values import Ratio
from plugin.pages.chapters import CHAPTERS, form
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
