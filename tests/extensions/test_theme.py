"""The extension against Shopify's own checkers: theme check, settings schemas, the build; and our promises of size."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from plugin.domain.programme import first_programme
from plugin.pages import explain, panel
from plugin.worker.digest import storefront_digest
from tests.contract.test_app_toml import build
from tests.extensions.page import EXTENSION, Page, keys, render, schema, strings
from tests.npm import environment, node, package

LANGUAGES = ("en", "de", "fr", "it")
CHECK = Path(__file__).with_name("check.mjs")
BLOCKS = ("launcher", "product-points", "referral")
KB = 1024
# Shopify's reference of app block schemas; there is no published JSON Schema for the whole of it.
BLOCK_KEYS = {
    "name",
    "target",
    "settings",
    "enabled_on",
    "disabled_on",
    "stylesheet",
    "javascript",
    "class",
    "tag",
}


def offenses(folder: Path) -> list[dict[str, Any]]:
    """What Shopify's theme check complains about."""
    ran = subprocess.run(
        [str(node()), str(CHECK), str(folder)],
        capture_output=True, text=True, env=environment(), stdin=subprocess.DEVNULL, timeout=120, check=True,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def shopify_schema(name: str) -> Draft7Validator:
    """One of the JSON Schemas that Shopify publishes for theme files."""
    folder = package("@shopify/theme-check-docs-updater") / "data"
    loaded = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (f"{prefix}{file}", DRAFT7.create_resource(body))
        for file, body in loaded.items() if isinstance(body, dict) for prefix in ("", "./")
    )  # fmt: skip
    return Draft7Validator(loaded[name], registry=registry)


def compressed(*names: str) -> int:
    """Bytes of the named assets, each compressed alone, as they travel."""
    return sum(len(gzip.compress((EXTENSION / "assets" / name).read_bytes(), 9, mtime=0)) for name in names)


def assets(ending: str) -> list[str]:
    return sorted(path.name for path in (EXTENSION / "assets").glob(f"*{ending}"))


def test_theme_check_has_no_complaint() -> None:
    assert offenses(EXTENSION) == []


def test_theme_check_would_complain(tmp_path: Path) -> None:
    copy = shutil.copytree(EXTENSION, tmp_path / "widget")
    with (copy / "blocks/launcher.liquid").open("a", encoding="utf-8") as block:
        block.write("{{ 'panel.nothing_like_it' | t }}<script src='https://example.com/x.js'></script>")
    assert {"TranslationKeyExists", "RemoteAsset", "ParserBlockingScript"} <= {
        one["check"] for one in offenses(copy)
    }


@pytest.mark.parametrize("block", BLOCKS)
def test_settings_are_what_the_theme_editor_takes(block: str) -> None:
    described = schema(block)
    assert set(described) <= BLOCK_KEYS
    assert described["target"] in {"section", "head", "body"}
    assert len(strings_of_schema("en")[described["name"]]) <= 25
    found = [
        f"{error.json_path}: {error.message}"
        for error in shopify_schema("settings.json").iter_errors(described["settings"])
    ]
    assert found == []
    toggled = shopify_schema("section.json").evolve(
        schema={"$ref": "section.json#/definitions/sectionToggle"}
    )
    assert [error.message for error in toggled.iter_errors(described.get("enabled_on", {}))] == []


def test_a_wrong_setting_would_be_seen() -> None:
    wrong = [{"type": "colour", "id": "accent", "label": "Accent"}]
    assert not shopify_schema("settings.json").is_valid(wrong)
    toggled = shopify_schema("section.json").evolve(
        schema={"$ref": "section.json#/definitions/sectionToggle"}
    )
    assert not toggled.is_valid({"templates": ["products"]})


def strings_of_schema(language: str) -> dict[str, str]:
    """The theme editor's texts of one language, by `t:` key."""
    path = (
        EXTENSION / "locales" / ("en.default.schema.json" if language == "en" else f"{language}.schema.json")
    )
    texts = json.loads(path.read_text(encoding="utf-8"))
    return {f"t:{group}.{key}": text for group, inner in texts.items() for key, text in inner.items()}


def test_the_languages_are_these() -> None:
    found = {path.name.partition(".")[0] for path in (EXTENSION / "locales").glob("*.json")}
    assert found == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_has_every_text(language: str) -> None:
    assert set(keys(strings(language))) == set(keys(strings("en")))
    assert set(strings_of_schema(language)) == set(strings_of_schema("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_fit_and_hold_the_same_places(language: str) -> None:
    for file in (EXTENSION / "locales").glob(f"{language}.*json"):
        assert file.stat().st_size < 15 * KB, f"{file.name}: Shopify takes 15 KB a file"
    ours, english = flat(strings(language)), flat(strings("en"))
    for key, text in ours.items():
        # The t filter writes HTML characters as entities, which would show in texts that travel as JSON.
        assert not re.search("[<>&'\"]", text), key
        assert set(re.findall(r"\{\{ \w+ \}\}", text)) == set(re.findall(r"\{\{ \w+ \}\}", english[key])), key


def flat(texts: dict[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in texts.items():
        found |= flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return found


def test_every_text_of_the_schema_is_used_and_exists() -> None:
    used = set(re.findall(r'"(t:[\w.]+)"', "".join(json.dumps(schema(block)) for block in BLOCKS)))
    assert used == set(strings_of_schema("en"))


def test_every_text_of_the_panel_reaches_it_and_is_used() -> None:
    digest = storefront_digest(first_programme("CHF", 100))
    html = render("launcher", Page(digest=digest, loyalty={"joined": True, "available": 1, "pending": 0}))
    found = re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    sent = json.loads(found[1])
    # Thresholds of tiers are told in the words of what counts, one set of them at a time.
    told = {
        re.sub("^(tier_from|tier_progress)_(money|orders|referrals)$", r"\1", key)
        for key in strings("en")["panel"]
    }
    assert set(sent) == told
    scripts = "".join((EXTENSION / "assets" / name).read_text(encoding="utf-8") for name in assets(".js"))
    built = ("h_", "w_", "b_", "e_")  # made from a kind or a code of the API
    states = panel.STATES.values()  # said when a redemption settles
    assert [
        key for key in sent if not key.startswith(built) and key not in scripts and key not in states
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_the_ledger_has_its_words(language: str) -> None:
    texts = set(strings(language)["panel"])
    titles = {f"h_{kind}" for kind in explain.KINDS if kind not in ("earn", "clawback")}
    assert titles | {f"b_{because}" for because in explain._BECAUSE} <= texts


def test_guests_get_only_the_texts_they_can_see() -> None:
    digest = storefront_digest(first_programme("CHF", 100))
    html = render("launcher", Page(digest=digest, signed_in=False))
    assert "survey_question" not in html
    assert len(html) < 6 * KB


def test_scripts_and_styles_stay_small() -> None:
    assert (
        compressed("launcher.js", "product-points.js", "panel-survey.js", "panel-words.js") < 8 * KB
    )  # a survey is due
    own = [name for name in assets(".js") if name != "referral.js"]  # only where its block stands
    assert compressed(*own) < 16 * KB
    assert compressed("referral.js") < KB
    assert compressed(*assets(".css")) < 6 * KB
    assert sum(path.stat().st_size for path in EXTENSION.rglob("*.liquid")) < 100 * KB


def test_scripts_never_parse_html_and_keep_one_thing() -> None:
    banned = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
        r"|localStorage(?!\.[gs]etItem\('regulars-later')|sessionStorage|indexedDB|document\.cookie"
        r"|setAttribute\('style'"
    )
    assert [
        name
        for name in assets(".js")
        if re.search(banned, (EXTENSION / "assets" / name).read_text(encoding="utf-8"))
    ] == []


def test_the_extension_has_a_name_of_its_own() -> None:
    described = tomllib.loads((EXTENSION / "shopify.extension.toml").read_text(encoding="utf-8"))
    assert described["type"] == "theme"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", described["uid"])


@pytest.mark.slow
def test_shopify_cli_builds_it(tmp_path: Path) -> None:
    built = build(tmp_path)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "Bundling theme extension regulars-rewards" in built.stdout + built.stderr
