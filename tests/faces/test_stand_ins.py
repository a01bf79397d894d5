"""The stand-ins of App Bridge and Polaris, with a small app that uses what an admin page may use."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from flask import Flask, Response, request
from playwright.sync_api import Browser, FrameLocator, Page, expect
from werkzeug.serving import make_server

from devshop.shop import DevPlatform
from tests.faces.served import Quiet

pytestmark = [pytest.mark.slow, pytest.mark.browser]
DOMAIN = "alpine-tea.myshopify.com"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Rules</title>
<meta name="shopify-api-key" content="key"><script src="{shop}/app-bridge.js"></script>
<script src="{shop}/polaris.js"></script></head><body>
<s-app-nav><s-link href="/" rel="home">Home</s-link><s-link href="/members?tab=new&shop=x">Members</s-link></s-app-nav>
<s-page heading="Rules">
<s-button slot="primary-action" variant="primary" commandfor="sure" command="--show">Ask</s-button>
<s-section heading="Earning"><form data-save-bar method="post" action="/save" target="_self">
<s-text-field label="Name" name="name" value="Points" details="Shown to shoppers" error="Too long"></s-text-field>
<s-select label="Rounding" name="rounding" value="up">
<s-option value="down">Down</s-option><s-option value="up">Up</s-option></s-select>
<s-checkbox label="With tax" name="tax" checked></s-checkbox></form>
<s-link href="https://alpine-tea.myshopify.com/admin/themes/current/editor?context=apps">Theme</s-link></s-section>
<s-modal id="sure" heading="Sure?"><s-paragraph>Really</s-paragraph></s-modal></s-page></body></html>"""


@dataclass
class Framed:
    """A small app, served, in the frame of a served shop; what it was sent."""

    address: str
    saved: list[dict[str, str]] = field(default_factory=list)
    bearers: list[str] = field(default_factory=list)


@pytest.fixture
def framed() -> Iterator[Framed]:
    app = Flask("tiny")
    made = Framed("")

    @app.get("/")
    @app.get("/members")
    def show() -> str:
        return PAGE.replace("{shop}", made.address)

    @app.post("/save")
    def save() -> str:
        made.saved.append(request.form.to_dict())
        return PAGE.replace("{shop}", made.address)

    @app.get("/data")
    def data() -> Response:
        made.bearers.append(request.headers.get("Authorization", ""))
        # As the official library answers an expired token: App Bridge fetches another and asks once more.
        expired = {"X-Shopify-Retry-Invalid-Session-Request": "1"}
        return Response("{}", 401, expired) if len(made.bearers) == 1 else Response('{"ok": true}')

    inner = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    platform = DevPlatform(app_url=f"http://localhost:{inner.port}", now=lambda: datetime.now(UTC))
    platform.create_shop(DOMAIN, name="Alpine Tea").install()
    outer = make_server("127.0.0.1", 0, platform.wsgi, threaded=True, request_handler=Quiet)
    made.address = f"http://127.0.0.1:{outer.port}"
    for server in (inner, outer):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    for server in (inner, outer):
        server.shutdown()
        server.server_close()


@pytest.fixture
def page(browser: Browser, framed: Framed) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.goto(f"{framed.address}/admin/apps/regulars")
    expect(page.frame_locator("iframe").get_by_role("heading", name="Rules")).to_be_visible()
    yield page
    context.close()


def _inside(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def test_fields_are_native_labelled_and_described(page: Page) -> None:
    name = _inside(page).get_by_label("Name")
    expect(name).to_have_value("Points")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description("Shown to shoppers Too long")
    expect(_inside(page).get_by_label("Rounding")).to_have_value("up")
    expect(_inside(page).get_by_role("region", name="Earning")).to_be_visible()


def test_the_save_bar_comes_with_a_change_and_saves_or_discards(page: Page, framed: Framed) -> None:
    bar = page.get_by_role("region", name="Unsaved changes")
    expect(bar).to_be_hidden()
    _inside(page).get_by_label("Name").fill("Leaves")
    bar.get_by_role("button", name="Discard").click()
    expect(bar).to_be_hidden()
    expect(_inside(page).get_by_label("Name")).to_have_value("Points")
    _inside(page).get_by_label("Name").fill("Leaves")
    _inside(page).get_by_label("Rounding").select_option("down")
    _inside(page).get_by_label("With tax").uncheck()
    with page.expect_response(lambda answer: answer.url.endswith("/save")):
        bar.get_by_role("button", name="Save").click()
    expect(bar).to_be_hidden()
    assert framed.saved == [{"name": "Leaves", "rounding": "down"}]


def test_requests_carry_a_fresh_token_and_are_sent_once_more(page: Page, framed: Framed) -> None:
    answer = page.frames[1].evaluate("fetch('/data').then((one) => one.json())")
    assert answer == {"ok": True}
    assert len(framed.bearers) == len(set(framed.bearers)) == 2
    part = framed.bearers[1].removeprefix("Bearer ").split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=="))
    assert (claims["aud"], claims["dest"], claims["exp"] - claims["iat"]) == ("key", f"https://{DOMAIN}", 60)
    # Another origin gets none of it.
    page.frames[1].evaluate(f"fetch('{framed.address}/polaris.js').then((one) => one.text())")
    assert len(framed.bearers) == 2


def test_the_navigation_of_the_app_stands_in_the_frame(page: Page, framed: Framed) -> None:
    link = page.get_by_role("navigation", name="Merchant's admin").get_by_role("link", name="Members")
    expect(link).to_have_attribute("href", "/admin/apps/regulars/members?tab=new")
    link.click()
    page.wait_for_url("**/admin/apps/regulars/members?tab=new")
    expect(page.get_by_role("link", name="Members", exact=True)).to_have_attribute("aria-current", "page")


def test_a_modal_opens_by_command_and_closes_by_key(page: Page) -> None:
    _inside(page).get_by_role("button", name="Ask").click()
    modal = _inside(page).get_by_role("dialog", name="Sure?")
    expect(modal).to_be_visible()
    page.keyboard.press("Escape")
    expect(modal).to_be_hidden()


def test_a_link_into_the_admin_opens_there(page: Page, framed: Framed) -> None:
    _inside(page).get_by_role("link", name="Theme").click()
    page.wait_for_url("**/admin/themes/current/editor?context=apps")


def test_what_is_not_there_refuses_in_words(page: Page) -> None:
    said = page.frames[1].evaluate(
        "shopify.resourcePicker({type: 'product'}).catch((error) => error.message)"
    )
    assert "development store" in said


def test_another_window_cannot_ask_for_a_token(page: Page, framed: Framed) -> None:
    """A frame that is not the app's gets no answer, whatever it sends."""
    heard = page.evaluate(
        """async () => {
            const frame = document.createElement('iframe');
            document.body.append(frame);
            const heard = [];
            frame.contentWindow.addEventListener('message', (event) => heard.push(event.data));
            frame.contentWindow.parent.postMessage({devshop: true, ask: 'idToken', id: 1}, '*');
            await new Promise((done) => setTimeout(done, 300));
            return heard;
        }"""
    )
    assert heard == []
