"""Holds app.toml against Shopify's command line tool, the Admin schema and the app's own dispatch table."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from plugin.config import API_VERSION
from plugin.pages.admin_settings import REASONS
from plugin.shopify import mirrors
from tests.npm import ROOT, admin_schema, environment, node, package
from webhooks.topics import TOPICS

APP = tomllib.loads((ROOT / "app.toml").read_text(encoding="utf-8"))
SCOPES = set(APP["access_scopes"]["scopes"].split(","))
# Shopify refuses a UI extension of more than 64 KB, compressed; ours stay well below.
BUNDLE_BYTES = 24_000
COMPLIANCE = {"customers/data_request", "customers/redact", "shop/redact"}


def subscribed(key: str) -> list[str]:
    """Every topic of app.toml under `topics` or `compliance_topics`."""
    return [topic for entry in APP["webhooks"]["subscriptions"] for topic in entry.get(key, [])]


def build(folder: Path, change: tuple[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs `shopify app build` on a copy of the app's configuration, with one text replaced."""
    text = (ROOT / "app.toml").read_text(encoding="utf-8")
    if change is not None:
        assert text.count(change[0]) == 1
        text = text.replace(*change)
    (folder / "shopify.app.toml").write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "shopify.web.toml", folder)
    shutil.copy(ROOT / "package.json", folder)
    shutil.copytree(ROOT / "extensions", folder / "extensions")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / ".env").write_text("APP_URL=https://rewards.example\n", encoding="utf-8")
    command = [str(node()), str(package("@shopify/cli") / "bin/run.js"), "app", "build"]
    return subprocess.run(
        [*command, "--skip-dependencies-installation", "--path", str(folder)],
        capture_output=True,
        text=True,
        env=environment(),
        stdin=subprocess.DEVNULL,
        cwd=folder,
        timeout=240,
        check=False,
    )


def schema_type(name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(kind for kind in admin_schema()["__schema"]["types"] if kind["name"] == name)
    return found


def enum(name: str) -> dict[str, str]:
    """The values of an enum of the Admin schema with their descriptions."""
    return {value["name"]: value["description"] or "" for value in schema_type(name)["enumValues"]}


def covers(granted: set[str], scope: str) -> bool:
    """A write scope includes reading the same thing."""
    return scope in granted or scope.replace("read_", "write_", 1) in granted


@pytest.mark.slow
def test_shopify_cli_accepts_the_configuration_and_bundles_every_extension(tmp_path: Path) -> None:
    built = build(tmp_path)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "Regulars built" in built.stdout + built.stderr
    bundles = {path.stem: path.read_bytes() for path in (tmp_path / "extensions").glob("*/dist/*.js")}
    assert set(bundles) == {"regulars-page", "regulars-account", "regulars-till", "regulars-thank-you"}
    for name, code in bundles.items():
        assert b"https://rewards.example" in code, f"{name} does not know the app's address"
        assert len(gzip.compress(code)) < BUNDLE_BYTES, name
    for project in sorted((tmp_path / "extensions").glob("*/tsconfig.json")):
        checked = subprocess.run(
            [str(node()), str(package("typescript") / "bin/tsc"), "-p", str(project)],
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout


def test_a_full_page_shares_its_extension_with_no_other_target() -> None:
    # `shopify app build` lets it pass; Shopify refuses it when it is deployed.
    text = (ROOT / "extensions/account/shopify.extension.toml").read_text(encoding="utf-8")
    for extension in tomllib.loads(text)["extensions"]:
        targets = [one["target"] for one in extension["targeting"]]
        assert len(targets) == 1 or "customer-account.page.render" not in targets


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('"shop/redact"', '"shop/forget"'), "compliance_topics"),
        (('url = "/proxy"', 'url = "proxy"'), "app_proxy"),
        (("embedded = true", 'embedded = "perhaps"'), "embedded"),
    ],
)
def test_shopify_cli_refuses_a_wrong_configuration(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    built = build(tmp_path, change)
    assert built.returncode == 1
    assert complaint in built.stdout + built.stderr


def test_the_name_that_shopify_cli_reads_is_a_link() -> None:
    link = ROOT / "shopify.app.toml"
    assert link.is_symlink()
    assert link.readlink() == Path("app.toml")


def test_subscribed_topics_and_dispatch_table_are_equal() -> None:
    topics = subscribed("topics") + subscribed("compliance_topics")
    assert len(topics) == len(set(topics))
    assert set(topics) == {topic for topic, row in TOPICS.items() if not row.optional}


def test_an_optional_topic_is_real_and_needs_a_scope_that_is_not_asked_of_everybody() -> None:
    known = enum("WebhookSubscriptionTopic")
    for topic in (topic for topic, row in TOPICS.items() if row.optional):
        needed = re.findall(r"\bread_\w+", known[topic.replace("/", "_").upper()])
        assert needed
        assert not any(covers(SCOPES, scope) for scope in needed)


def test_the_three_compliance_topics_are_there() -> None:
    assert set(subscribed("compliance_topics")) == COMPLIANCE


def test_everything_arrives_at_one_address() -> None:
    assert {entry["uri"] for entry in APP["webhooks"]["subscriptions"]} == {"/webhooks"}


def test_the_api_version_is_the_one_the_code_speaks() -> None:
    assert APP["webhooks"]["api_version"] == API_VERSION


def test_every_topic_exists_and_its_scope_is_asked_for() -> None:
    known = enum("WebhookSubscriptionTopic")
    without: list[str] = []
    for topic in subscribed("topics"):
        description = known[topic.replace("/", "_").upper()]
        needed = (
            re.findall(r"\bread_\w+", description.split("Requires")[-1]) if "Requires" in description else []
        )
        if needed and not any(covers(SCOPES, scope) for scope in needed):
            without.append(f"{topic} needs one of {needed}")
    assert without == []


def test_no_scope_is_asked_for_without_saying_why() -> None:
    text = (ROOT / "app.toml").read_text(encoding="utf-8")
    optional = APP["access_scopes"]["optional_scopes"]
    assert [
        scope for scope in [*SCOPES, *optional] if not re.search(rf"^#   {scope} +\w", text, re.MULTILINE)
    ] == []
    assert SCOPES.isdisjoint(optional)
    assert set(REASONS) == SCOPES | set(optional), "the merchant reads it too, under Settings"


def test_every_document_finds_its_scopes_granted() -> None:
    # A document says what it needs in its first comment: "# scopes: a, b. Why."
    without: list[str] = []
    for path in sorted((ROOT / "plugin/shopify/documents").glob("*.graphql")):
        text = path.read_text(encoding="utf-8")
        first = text.split("\n", 1)[0]
        needed = set(re.findall(r"\b(?:read|write)_\w+", first)) if first.startswith("# scopes:") else set()
        if re.search(r"\b(product|variant) \{", text):
            needed.add("read_products")
        without += [f"{path.name}: {scope}" for scope in sorted(needed) if not covers(SCOPES, scope)]
    assert without == []


def test_what_is_written_is_what_is_defined() -> None:
    customer, responses = APP["customer"]["metafields"]["app"], APP["metaobjects"]["app"]
    assert mirrors.NAMESPACE == "$app"
    assert set(customer) == {mirrors.MEMBER_KEY}
    assert {f"$app:{kind}" for kind in responses} == {mirrors.RESPONSE_TYPE}


def test_definitions_use_values_that_the_platform_knows() -> None:
    # `shopify app build` does not look into definitions, so the Admin schema's own enums are asked.
    loyalty = APP["customer"]["metafields"]["app"]["loyalty"]
    assert loyalty["type"] == "json"
    assert loyalty["access"]["admin"].upper() in enum("MetafieldAdminAccessInput")
    assert loyalty["access"]["storefront"].upper() in enum("MetafieldStorefrontAccessInput")
    assert loyalty["access"]["customer_account"].upper() in enum("MetafieldCustomerAccountAccessInput")
    for definition in APP["metaobjects"]["app"].values():
        assert definition["access"]["admin"].upper() in enum("MetaobjectAdminAccessInput")
        assert definition["access"]["storefront"].upper() in enum("MetaobjectStorefrontAccess")
        assert definition["display_name_field"] in definition["fields"]


def test_the_proxy_path_is_one_that_shopify_allows() -> None:
    proxy = APP["app_proxy"]
    assert proxy["prefix"] in {"a", "apps", "community", "tools"}
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,30}", proxy["subpath"])
    assert proxy["subpath"] not in {"admin", "services", "password", "login"}
    assert "write_app_proxy" in SCOPES
