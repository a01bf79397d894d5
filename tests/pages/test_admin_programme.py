"""Programme: the form filled from a version, faults beside their fields, the preview, and publishing once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain import programme as rules
from plugin.domain.programme import Basis, EarningRule, Programme, Reward, Survey, Tier, first_programme
from plugin.domain.values import Rate, Ratio
from plugin.pages import programme_form
from plugin.pages.admin_programme import MAX_PROGRAMME_FORM_BYTES
from plugin.pages.reading import WHOLE
from plugin.store import programmes
from tests.markup import Form
from tests.pages.admin_pages import checked, follow, open_page, placed, read, send, words
from tests.pages.scene import ALICE, ANNA, BEN, BOB, MALLORY, START, Scene, code_of

FIRST = first_programme("CHF", 100)


def latest(scene: Scene, shop: str = ALICE) -> Programme:
    shop_id = scene.shop(shop).shop_id
    with scene.db.read() as tx:
        found = programmes.versions(tx, shop_id).latest
    assert found is not None
    return found


def form_of(scene: Scene, shop: str = ALICE) -> Form:
    return read(open_page(scene, "/programme", shop)).form("/programme/preview")


# The form and the document are the same thing


def test_the_form_reads_back_what_it_shows() -> None:
    draft, errors = programme_form.read(programme_form.filled(FIRST, "CHF"), FIRST, "CHF")
    assert errors == {}
    assert draft == FIRST


MINOR = st.integers(1, 10**9)


@given(
    points=st.integers(0, 10**6), per=MINOR, signup=st.integers(0, 10**6), expiry=st.none() | st.integers(1, 120),
    multipliers=st.lists(st.integers(0, 10_000), max_size=5), value=MINOR, minimum=st.none() | MINOR,
    rounding=st.sampled_from(["floor", "half_up", "ceil"]), switches=st.tuples(*[st.booleans()] * 5),
    currency=st.sampled_from(["CHF", "JPY", "KWD"]), tax=st.sampled_from(["as_priced", "with", "without"]),
    clawback=st.sampled_from(["deficit", "negative", "floor"]),
)  # fmt: skip
def test_any_programme_survives_the_form(
    points: int, per: int, signup: int, expiry: int | None, multipliers: list[int], value: int, minimum: int | None,
    rounding: Any, switches: tuple[bool, ...], currency: str, tax: Any, clawback: Any,
) -> None:  # fmt: skip
    from fractions import Fraction

    ratios = [Fraction(one, 100) for one in multipliers]
    whole = replace(
        FIRST, currency=currency, earning=(EarningRule(Rate(points, per)),), signup_points=signup, expiry_months=expiry,
        rounding=rounding, clawback=clawback, basis=Basis(tax, *switches[:3]), return_spent_points=switches[3],
        survey=Survey(switches[4], 3, 40),
        tiers=tuple(
            Tier(f"t{n}", f"Tier {n}", n * 100, Ratio(r.numerator, r.denominator)) for n, r in enumerate(ratios)
        ),
        rewards=(
            Reward("off", "amount_off", "Off", 5, value, minimum), Reward("ship", "free_shipping", "Ship", 9, None),
        ),
    )  # fmt: skip
    assert rules.problems(whole) == []
    draft, errors = programme_form.read(programme_form.filled(whole, currency), whole, currency)
    assert errors == {}
    assert draft == whole


def test_rows_are_added_removed_and_named() -> None:
    fields = programme_form.filled(FIRST, "CHF") | {
        "tier.1.keep": "no",
        "tier.3.name": "Platinum", "tier.3.threshold": "5,000", "tier.3.multiplier": "2,5",
        "reward.0.keep": "no",
        "reward.4.kind": "amount_off", "reward.4.name": "5 off", "reward.4.points": "90", "reward.4.value": "5",
        "reward.5.kind": "amount_off", "reward.5.name": "", "reward.5.points": "20", "reward.5.value": "1",
    }  # fmt: skip
    draft, errors = programme_form.read(fields, FIRST, "CHF")
    assert errors == {}
    assert [(tier.key, tier.threshold, tier.multiplier) for tier in draft.tiers] == [
        ("bronze", 0, Ratio(1, 1)), ("gold", 1500, Ratio(3, 2)), ("platinum", 5000, Ratio(5, 2)),
    ]  # fmt: skip
    assert [(one.key, one.name, one.value_minor, one.valid_days) for one in draft.rewards] == [
        ("five_off", "", 500, 90), ("free_shipping", "", None, 90), ("twenty_off", "", 2000, 90),
        ("reward_5_off", "5 off", 500, 90), ("reward", "", 100, 90),
    ]  # fmt: skip
    assert programme_form.rows(programme_form.filled(FIRST, "CHF"), "tier") == [0, 1, 2, 3]
    assert programme_form.rows({}, "reward") == [0]


@pytest.mark.parametrize(
    ("points", "per", "rate"),
    [
        ("1", "10", Rate(1, 1000)),
        ("1.5", "1", Rate(3, 200)),
        ("0,25", "2.50", Rate(1, 1000)),
        ("3", "2", Rate(3, 200)),
    ],
)
def test_a_rate_may_be_written_with_decimals(points: str, per: str, rate: Rate) -> None:
    given = programme_form.filled(FIRST, "CHF") | {"points": points, "per": per}
    draft, errors = programme_form.read(given, FIRST, "CHF")
    assert (draft.earning[0].rate, errors) == (rate, {})


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("points", "-1", "Write a number, such as 1.5."),
        ("points", "", "Write a number, such as 1.5."),
        ("points", "9999999999", "Points must be 0 or more."),
        ("per", "0", "The amount must be more than 0."),
        ("per", "1.005", "CHF has 2 decimals at most."),
        ("per", "free", "Write an amount, such as 1.00."),
        ("per", "1e3", "Write an amount, such as 1.00."),
        ("signup_points", "x", WHOLE),
        ("signup_points", "١٢", WHOLE),
        ("return_window_days", "400", "Choose 0 to 365 days."),
        ("no_delivery_days", "400", "Choose 0 to 365 days."),
        ("expiry_months", "0", "Choose 1 to 120 months, or no expiry."),
        ("tier_months", "0", "Choose 1 to 120 months."),
        ("tier.0.threshold", "10", "The first tier must begin at 0 points."),
        ("tier.2.threshold", "400", "Each tier must need more points than the one below."),
        ("tier.1.multiplier", "101", "Choose a multiplier from 0 to 100."),
        ("tier.1.multiplier", "abc", "Write a number, such as 1.5."),
        ("tier.1.name", " ", "Give it a name; shoppers will see it."),
        ("tier.1.name", "x" * 61, "Use 60 characters or fewer."),
        ("reward.0.points", "0", "A reward must cost at least 1 point."),
        ("reward.0.value", "", "Say how much the reward takes off."),
        ("reward.0.valid_days", "0", "Choose 1 to 3650 days."),
        ("reward.0.kind", "gift_card", "Choose one of the list."),
        ("code_prefix", "A", "Use 2 to 12 letters or digits."),
        ("code_prefix", "Ä€", "Use 2 to 12 letters or digits."),
        ("survey_delay_days", "366", "Choose 0 to 365 days."),
        ("survey_valid_days", "0", "Choose 1 to 365 days."),
        ("shipping", "maybe", "Choose one of the list."),
    ],
)  # fmt: skip
def test_every_fault_stands_beside_its_field(light: Scene, field: str, value: str, said: str) -> None:
    answer = send(light, form_of(light), **{field.replace(".", "__"): value})
    page = read(answer, 422)
    where = "tiers" if field.endswith("threshold") else field
    if where == "tiers":
        assert f'<p class="error" id="field-tiers" role="alert">{said}</p>' in answer.text
    else:
        assert f'<p class="error" id="{where}-error">{said}</p>' in answer.text
        assert f'error="{said}"' in answer.text, "the component says it too"
        assert [
            one.attributes["id"]
            for one in page.named("input", "select", "textarea")
            if one.attributes.get("aria-invalid")
        ] == [where]
    if field not in ("shipping", "reward.0.kind"):
        assert dict(page.form("/programme/preview").fields)[field] == value.strip() or value == " "
    label = programme_form.label(where, dict(page.form("/programme/preview").fields))
    assert f'<li><a href="#field-{where}">{label}</a>: {said}</li>' in answer.text
    assert [one.tag for one in page.elements if one.attributes.get("id") == f"field-{where}"] in (
        ["div"],
        ["p"],
    )
    assert "/programme/publish" not in answer.text
    assert latest(light).version == 1


def test_a_fault_is_called_as_its_field_is(light: Scene) -> None:
    page = read(open_page(light, "/programme"))
    fields = ("s-text-field", "s-number-field", "s-select")
    shown = {
        re.sub(r"\.[0-9]+\.", ".", one.attributes["name"] or ""): one.attributes["label"]
        for one in page.elements
        if one.tag in fields
    }
    assert shown | {"tiers": "Tiers", "rewards": "Rewards"} == programme_form.LABELS
    assert programme_form.label("tier.1.name", {"tier.1.name": "Silver"}) == "Silver, Name"
    assert programme_form.label("reward.9.points", {}) == "New reward, Costs"


# Preview and publishing


def test_the_preview_shows_what_the_draft_would_have_given(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    scene.member(ALICE, BEN)
    placed(scene, 81, ANNA, 4050, at=START)  # 40 points; at 3 for 2 francs 60
    placed(scene, 82, ANNA, 1999, at=START + timedelta(minutes=1))  # 19; 29
    placed(scene, 83, BEN, 90, at=START + timedelta(minutes=2))  # 0; 1
    answer = send(scene, form_of(scene), points="3", per="2.00")
    said = words(checked(answer))
    assert (
        "Over 3 orders from 22 Nov 2026 to 22 Nov 2026: Points Version 1 Draft Difference "
        "In all 59 90 +31 An order, on average 20 30 +10 2 members would have got more, nobody less." in said
    )
    assert "These are all orders of your 2 members that count. Compared with version 1." in said
    assert latest(scene).version == 1, "a preview changes nothing"
    page = follow(scene, send(scene, read(answer).form("/programme/publish")))
    assert "Version 2 is published. It applies to orders from now on." in words(checked(page))
    new = latest(scene)
    assert (new.version, new.earning[0].rate) == (2, Rate(3, 200))
    assert replace(new, version=1, earning=FIRST.earning) == FIRST, "nothing else moved"
    assert f"2 In force 22 Nov 2026, 10:00 A staff member {BOB} 1 22 Nov 2026, 10:00 Regulars" in words(
        checked(page)
    )
    assert scene.entries(ALICE, BEN) == [("signup", 50)], "orders of before keep their rules"
    assert f"Version 2 of the programme was published. A staff member {BOB}" in words(
        checked(open_page(scene, "/activity"))
    )
    scene.times.forward(hours=1)
    placed(scene, 84, BEN, 4000)
    assert scene.entries(ALICE, BEN)[0] == ("earn", 60)
    assert latest(scene, MALLORY).version == 1


def test_a_draft_that_changes_nothing_cannot_be_published(light: Scene) -> None:
    answer = send(light, form_of(light))
    assert "Nothing is different from version 1." in words(checked(answer))
    assert "There are no orders of members yet to try it on." in words(checked(answer))
    assert "/programme/publish" not in answer.text


def test_a_draft_is_published_once_and_only_over_what_it_was_compared_with(scene: Scene) -> None:
    first = read(send(scene, form_of(scene), signup_points="60")).form("/programme/publish")
    other = read(send(scene, form_of(scene), signup_points="70")).form("/programme/publish")
    assert send(scene, first).status_code == 303
    for late in (first, other):
        answer = send(scene, late)
        assert (answer.status_code, code_of(answer)) == (409, "programme_changed")
    assert (latest(scene).version, latest(scene).signup_points) == (2, 60)


def test_a_forged_publication_changes_nothing(scene: Scene) -> None:
    form = read(send(scene, form_of(scene), signup_points="60")).form("/programme/publish")
    good = form.filled()
    mallorys = read(send(scene, form_of(scene, MALLORY), signup_points="60")).form("/programme/publish")
    forged = {
        "another document": good
        | {"document": good["document"].replace('"signup_points":60', '"signup_points":6000')},
        "another base": good | {"base": "0"},
        "no base": good | {"base": "x"},
        "no ticket": good | {"ticket": ""},
        "the ticket of the preview": good | {"ticket": form_of(scene).filled()["ticket"]},
        "the ticket of another document": good
        | {
            "ticket": read(send(scene, form_of(scene), signup_points="61"))
            .form("/programme/publish")
            .filled()["ticket"]
        },
    }
    assert forged["another document"] != good
    for name, data in forged.items():
        answer = scene.client().post(form.action, data=data)
        assert (name, answer.status_code, code_of(answer)) == (name, 403, "invalid_ticket")
    assert latest(scene).version == 1
    # Mallory's own ticket, sent to Alice's address, changes Mallory's shop.
    assert scene.client().post(form.action, data=mallorys.filled()).status_code == 303
    assert (latest(scene).version, latest(scene, MALLORY).version) == (1, 2)
    scene.times.wall_at += 3600
    assert code_of(scene.client().post(form.action, data=good)) == "invalid_ticket"
    assert (
        code_of(scene.client().post("/programme/preview", data=form_of(scene).filled() | {"ticket": "x"}))
        == "invalid_ticket"
    )


def test_names_with_markup_are_text(light: Scene) -> None:
    answer = send(light, form_of(light), reward__0__name='"><script>alert(1)</script>')
    assert "<script>alert" not in checked(answer)
    follow(light, send(light, read(answer).form("/programme/publish")))
    assert latest(light).rewards[0].name == '"><script>alert(1)</script>'
    for path in ("/programme", "/"):
        assert "<script>alert" not in checked(open_page(light, path))


def test_a_shop_that_changed_its_currency_is_told_and_publishes_in_the_new_one(light: Scene) -> None:
    with light.db.write() as tx:
        tx.run("UPDATE shops SET currency = 'JPY' WHERE domain = :d", d=ALICE)
    text = checked(open_page(light, "/programme"))
    assert "Earning is paused." in text
    assert "publish a version in JPY" in text
    fields = {
        "per": "100",
        "reward__0__value": "500",
        "reward__2__value": "2000",
        "reward__2__minimum": "4000",
    }
    answer = send(light, form_of(light), **fields)
    follow(light, send(light, read(answer).form("/programme/publish")))
    new = latest(light)
    assert (new.currency, new.earning[0].rate, new.rewards[0].value_minor) == ("JPY", Rate(1, 100), 500)


def test_a_big_form_fits_and_a_huge_one_does_not(light: Scene) -> None:
    form = form_of(light).filled()
    for n in range(3, 19):
        row = {"name": f"Reward {n} " + "ü" * 40, "kind": "amount_off", "points": "100", "value": "5"}
        form |= {f"reward.{n}.{name}": value for name, value in row.items()}
    answer = light.client().post(f"/programme/preview?shop={ALICE}", data=form)
    assert answer.status_code == 200
    published = read(answer).form("/programme/publish")
    assert len(published.filled()["document"]) > 2500
    assert send(light, published).status_code == 303
    assert len(latest(light).rewards) == 19
    huge = light.client().post("/programme/preview", data=form | {"extra": "x" * MAX_PROGRAMME_FORM_BYTES})
    assert (huge.status_code, code_of(huge)) == (413, "body_too_large")
