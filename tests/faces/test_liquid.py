"""The app's real blocks in the storefront, and what Liquid finds there: objects, metafields, filters, settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devshop.faces.liquid_filters import as_json, color_contrast
from devshop.ids import gid
from devshop.records import Definition, Metafield, ThemeBlock
from tests.faces.conftest import START, House, Visitor

STANDING = '{"joined":true,"available":1240,"pending":84,"next_at":null,"next_delta":0,"tier":null,"due_survey":null}'


@pytest.fixture
def extension(house: House, tmp_path: Path) -> Path:
    """An extension of one block that tests fill in."""
    folder = tmp_path / "try-out"
    for name in ("blocks", "snippets", "locales", "assets"):
        (folder / name).mkdir(parents=True)
    (folder / "shopify.extension.toml").write_text('name = "Try"\ntype = "theme"\n')
    (folder / "locales/en.default.json").write_text(
        json.dumps({"a": {"hello": "Hi {{ who }}", "pts": {"one": "{{ count }} point", "other": "{{ count }} points"},
                          "raw_html": "<b>{{ who }}</b>", "only": "English"}})
    )  # fmt: skip
    points = {"one": "{{ count }} Punkt", "other": "{{ count }} Punkte"}
    (folder / "locales/de.json").write_text(json.dumps({"a": {"hello": "Hallo {{ who }}", "pts": points}}))
    house.platform.extensions = tmp_path
    return folder


def _render(
    visitor: Visitor, extension: Path, liquid: str, schema: str = '{"name":"T","target":"section"}'
) -> str:
    """What a block prints on the mug's page."""
    (extension / "blocks/try.liquid").write_text(f"[[{liquid}]]{{% schema %}}{schema}{{% endschema %}}")
    text = visitor.open("/products/hut-mug").get_data(as_text=True)
    return text.partition("[[")[2].rpartition("]]")[0]


def test_the_product_block_of_the_app_stands_beside_the_price(house: House, visitor: Visitor) -> None:
    _digest(house, {"version": 1, "currency": "CHF", "digits": 2, "rounding": "floor", "membership": "joined",
                    "proxy": "/apps/rewards", "tax": "with", "signup": 50,
                    "earning": [{"key": "base", "points": 1, "per_minor": 100}],
                    "rates": {"base": [1, 100]}, "tiers": [], "rewards": []})  # fmt: skip
    page = visitor.page("/products/stoneware-pot")
    assert any(one.tag == "regulars-points" for one in page.elements)
    assert "79" in next(one.text for one in page.elements if one.tag == "regulars-points")
    assert any(one.tag == "regulars-launcher" for one in page.elements)


def _digest(house: House, digest: dict[str, object]) -> None:
    shop = house.shop.desk.shop
    owner = gid("AppInstallation", shop.installation_id or 0)
    shop.metafields[f"{owner} storefront digest"] = Metafield(
        9, owner, "storefront", "digest", "json", json.dumps(digest), START, START
    )


def test_no_block_reaches_the_checkout(house: House, visitor: Visitor, extension: Path) -> None:
    _render(visitor, extension, "HERE", '{"name":"T","target":"body"}')
    visitor.sign_in(house.customer())
    visitor.add("hut-mug")
    assert "[[HERE]]" in visitor.open("/cart").get_data(as_text=True)
    assert "HERE" not in visitor.open("/checkout").get_data(as_text=True)


def test_metafields_of_the_app_under_all_its_names(house: House, visitor: Visitor, extension: Path) -> None:
    anna = house.customer()
    liquid = (
        "{{ customer.metafields.app.loyalty.value.available }} {{ customer.metafields['$app'].loyalty.value.pending }}"
        " {{ customer.first_name }} {{ customer.metafields.app.loyalty.type }} {{ customer.metafields.other.x.value }}"
    )
    assert _render(visitor, extension, liquid).split() == []
    visitor.sign_in(anna)
    house.loyalty(anna, STANDING)
    own = f"app--{house.platform.app.app_id}"
    assert "1240" not in _render(visitor, extension, liquid)  # without a definition Liquid may not read it
    house.shop.desk.shop.definitions.append(
        Definition(1, "CUSTOMER", own, "loyalty", "Loyalty", "json", storefront="PUBLIC_READ")
    )
    assert _render(visitor, extension, liquid).split() == ["1240", "84", "Anna", "json"]


def test_the_digest_of_the_installation_is_an_object(house: House, visitor: Visitor, extension: Path) -> None:
    _digest(house, {"rates": {"base": [3, 100]}, "tiers": [{"name": "Gold"}]})
    liquid = (
        "{% assign d = app.metafields.storefront.digest.value %}{{ d.rates.base[0] }} {{ d.tiers[0].name }}"
    )
    assert _render(visitor, extension, liquid) == "3 Gold"


def test_texts_plurals_and_languages(visitor: Visitor, extension: Path) -> None:
    liquid = (
        "{{ 'a.hello' | t: who: '<i>' }}|{{ 'a.pts' | t: count: 1 }}|{{ 'a.pts' | t: count: 0 }}|"
        "{{ 'a.raw_html' | t: who: '<i>' }}|{{ 'a.only' | t }}|{{ 'a.none' | t }}"
    )
    english = "Hi &lt;i&gt;|1 point|0 points|<b>&lt;i&gt;</b>|English|Translation missing: en.a.none"
    assert _render(visitor, extension, liquid) == english
    visitor.send("/localization", language="de")
    german = _render(visitor, extension, liquid)
    assert german.startswith("Hallo &lt;i&gt;|1 Punkt|0 Punkte|")
    assert "|English|" in german


def test_money_handles_dates_and_json(house: House, visitor: Visitor, extension: Path) -> None:
    liquid = (
        "{{ product.price | money }}|{{ 123456 | money_without_currency }}|{{ 'Zürich & Co' | handle }}|"
        "{{ '2026-11-22T09:00:00Z' | date: '%Y-%m-%d %H:%M' }}|{{ '2026-12-01' | date: format: 'date' }}|"
        "{{ '</script>' | json }}|{{ nothing | json }}|{{ nothing | default: 'x' | append: 'y' }}|{{ '<b>' | escape }}|"
        "{{ product.selected_or_first_available_variant.title }}|{{ cart.currency.iso_code }}|{{ 'now' | date: '%s' }}"
    )
    found = _render(visitor, extension, liquid).split("|")
    assert found[:5] == ["CHF 24.50", "1,234.56", "zurich-co", "2026-11-22 10:00", "December 01, 2026"]
    assert found[5:11] == ['"\\u003c/script\\u003e"', "null", "xy", "&lt;b&gt;", "Spruce", "CHF"]
    assert found[11] == str(int(house.time.timestamp()))  # the shop's moved clock, not the machine's
    visitor.send("/localization", country="AT", language="de")
    german = _render(visitor, extension, liquid).split("|")
    assert (german[0], german[4], german[10]) == ("€25.97", "1. Dezember 2026", "EUR")


def test_blank_is_what_shopify_calls_blank(visitor: Visitor, extension: Path) -> None:
    liquid = (
        "{% assign no = false %}{% if nothing == blank and no == blank and '' == blank %}yes{% endif %}"
        "{% if 0 == blank or 'x' == blank %}no{% endif %}"
    )
    assert _render(visitor, extension, liquid) == "yes"


def test_json_of_plain_values() -> None:
    assert as_json({"a": [1, "ä", None, True]}) == '{"a":[1,"ä",null,true]}'


def test_settings_have_their_defaults_until_the_editor_changes_them(
    house: House, visitor: Visitor, extension: Path
) -> None:
    schema = json.dumps(
        {"name": "T", "target": "section", "settings": [
            {"type": "header", "content": "Look"},
            {"type": "color", "id": "accent", "label": "Accent", "default": "#123456"},
            {"type": "range", "id": "size", "label": "Size", "min": 2, "max": 9, "step": 1, "default": 4},
            {"type": "checkbox", "id": "loud", "label": "Loud", "default": False},
            {"type": "product", "id": "item", "label": "Product", "autofill": True}]}
    )  # fmt: skip
    liquid = "{% assign s = block.settings %}{{ s.accent }} {{ s.size }} {{ s.loud }} {{ s.item.handle }}"
    assert _render(visitor, extension, liquid, schema).split()[:4] == ["#123456", "4", "false", "hut-mug"]
    visitor.page("/admin/themes/current/editor")
    visitor.send("/admin/themes/current/editor", block="try", on="on", accent="#ffffff", size="40", loud="on")
    assert _render(visitor, extension, liquid, schema).split()[:3] == ["#ffffff", "9", "true"]
    visitor.send("/admin/themes/current/editor", block="try", on="on", accent="red;}", size="x")
    assert _render(visitor, extension, liquid, schema).split()[:3] == ["#123456", "4", "false"]
    visitor.send("/admin/themes/current/editor", block="try")
    assert _render(visitor, extension, liquid, schema) == ""


def test_a_snippet_sees_only_what_it_is_given_and_the_global_objects(
    visitor: Visitor, extension: Path
) -> None:
    (extension / "snippets/part.liquid").write_text("({{ block.id }}{{ word }}{{ product.handle }})")
    assert _render(visitor, extension, "{% render 'part', word: 'w' %}") == "(whut-mug)"


def test_a_fault_in_liquid_is_shown_where_it_is(visitor: Visitor, extension: Path) -> None:
    _render(visitor, extension, "{% if %}")
    assert "Liquid error in try.liquid" in visitor.open("/products/hut-mug").get_data(as_text=True)


def test_a_block_stands_where_its_schema_lets_it(visitor: Visitor, extension: Path) -> None:
    only = '{"name":"T","target":"body","enabled_on":{"templates":["cart"]}}'
    assert _render(visitor, extension, "HERE", only) == ""
    assert "[[HERE]]" in visitor.open("/cart").get_data(as_text=True)


def test_assets_are_served_with_a_version_and_nothing_else_is(visitor: Visitor, extension: Path) -> None:
    (extension / "assets/a.js").write_text("// a\n")
    url = _render(visitor, extension, "{{ 'a.js' | asset_url }}")
    answer = visitor.open(url)
    assert answer.data == b"// a\n"
    assert answer.mimetype == "text/javascript"
    assert "immutable" in answer.headers["Cache-Control"]
    for path in ("try-out/assets/../blocks/try.liquid", "..%2f..%2fetc/assets/passwd", "none/assets/a.js"):
        assert visitor.open(f"/ext/{path}").status_code == 404


def test_app_bridge_hears_which_blocks_are_on(house: House, visitor: Visitor, extension: Path) -> None:
    _render(visitor, extension, "x", '{"name":"Try it","target":"body"}')
    (one,) = visitor.open("/shop-admin/extensions").get_json()
    assert (one["handle"], one["type"]) == ("try-out", "theme_app_extension")
    assert one["activations"][0]["name"] == "Try it"
    assert one["activations"][0]["status"] == "active"
    house.shop.desk.shop.theme["try"] = ThemeBlock(False)
    (one,) = visitor.open("/shop-admin/extensions").get_json()
    assert one["activations"][0]["activations"] == []


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#E800B0", "#D9D8FF", 3.0), ("#000000", "#ffffff", 21.0), ("#7A7A7A", "#7A7A7A", 1.0)],
)
def test_contrast_is_that_of_shopifys_reference(one: str, other: str, ratio: float) -> None:
    assert color_contrast(one, other) == color_contrast(other, one) == ratio
