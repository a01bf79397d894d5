"""Who may frame the merchant's pages: an admin that is not of our making, with tokens of its own; strangers never."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from app import DemoApp
from devshop.demo import environment as settings_for
from plugin.shopify import verify
from tests.faces.served import Demo, Quiet
from tests.faces.test_browser import demo
from tests.npm import environment, node, package

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@contextmanager
def served(door: WSGIApplication | dict[str, WSGIApplication]) -> Iterator[int]:
    """An application on a port of its own; a dict may be filled with its "app" later."""
    answer = (lambda environ, start: door["app"](environ, start)) if isinstance(door, dict) else door
    server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.port
    server.shutdown()
    server.server_close()


@contextmanager
def mock_bridge(**config: str) -> Iterator[str]:
    """The mock of Shopify's admin, running; its address."""
    package("@getverdict/mock-bridge")
    script = str(Path(__file__).with_name("mock_bridge.cjs"))
    command = [str(node()), script, json.dumps(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as running:
        assert running.stdout is not None
        try:
            yield f"http://localhost:{int(running.stdout.readline())}"
        finally:
            running.kill()


def test_an_independent_admin_frames_the_app_and_its_token_is_accepted(
    demo: Demo, browser: Browser, tmp_path: Path
) -> None:
    """Its tokens hold everything we demand (iss, dest, aud, sub, nbf). Its App Bridge knows neither the patch page nor
    an id token in the first address, so the test takes that one step in its place."""
    doors: dict[str, WSGIApplication] = {}
    platform = demo.platform
    client = httpx.Client(transport=platform.http_transport(), timeout=10)
    with served(doors) as port:
        at_home = f"http://localhost:{port}"
        key, secret = demo.app.installation.config.api_key, demo.app.installation.config.api_secret
        with mock_bridge(appUrl=at_home, shop=demo.app.domain, clientId=key, clientSecret=secret) as admin:
            settings = settings_for(f"sqlite:///{tmp_path}/framed.db", at_home, admin)
            settings |= {"SHOPIFY_API_KEY": key, "SHOPIFY_API_SECRET": secret}
            app = DemoApp.open(settings, client, demo.app.installation.now, demo.app.domain)
            doors["app"] = app.wsgi
            context = browser.new_context()
            page = context.new_page()
            page.goto(admin)
            frame = page.frames[1]
            frame.wait_for_url("**/auth/patch-id-token?*")
            token = frame.evaluate("shopify.idToken()")
            found = verify.id_token(token, api_key=key, secrets=(secret,), now_s=time.time())
            assert isinstance(found, verify.IdToken), found
            assert (found.shop, found.user_id) == (demo.app.domain, 123456789)
            frame.evaluate(
                """(token) => {
                    const back = new URL(new URLSearchParams(location.search).get("shopify-reload"), location.origin);
                    back.searchParams.set("id_token", token);
                    location.replace(back);
                }""",
                token,
            )
            inside = page.frame_locator("#app-iframe")
            expect(inside.get_by_role("heading", name="Home")).to_be_visible()
            expect(inside.get_by_role("heading", name="Net Promoter Score")).to_be_visible()
            context.close()
            app.close()
    client.close()


def strangers_page(html: str) -> WSGIApplication:
    """A page of somebody else."""

    @Request.application
    def answer(_request: Request) -> Response:
        return Response(html, content_type="text/html; charset=utf-8")

    return answer


def _refused(page: Page) -> None:
    """The browser shows nothing of ours in the stranger's frame."""
    expect(page.locator("iframe")).to_be_attached()
    page.wait_for_function("frames.length === 1")
    inside = page.frames[1]
    inside.wait_for_url("chrome-error://**")
    assert "Regulars" not in inside.content()


def test_a_strangers_page_can_frame_neither_a_page_nor_the_answer_to_a_form(
    demo: Demo, browser: Browser
) -> None:
    """The way a click is stolen: our page, invisible, under a button of somebody else's."""
    app, shop = demo.platform.app.app_url, demo.app.domain
    context = browser.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text))

    def address(path: str) -> str:
        return f"{app}{path}?shop={shop}&id_token={demo.shop.id_token()}"

    with served(
        strangers_page(f'<!doctype html><title>Win</title><iframe src="{address("/")}"></iframe>')
    ) as port:
        page.goto(f"http://127.0.0.1:{port}")
        _refused(page)
        assert any("frame-ancestors" in one for one in said)
    # Even with a ticket that is good, what the form answers is not shown.
    found = re.search(r'name="ticket" value="([^"]+)"', context.request.get(address("/settings")).text())
    assert found is not None
    said.clear()
    form = f"""<!doctype html><title>Win</title><form method="post" target="f"
action="{app}/settings/membership?shop={shop}"><input name="ticket" value="{found[1]}"><input name="membership"
value="nobody"><input name="base" value="1"></form><iframe name="f"></iframe>
<script>document.forms[0].submit()</script>"""
    with served(strangers_page(form)) as port:
        with page.expect_response(lambda one: "/settings/membership" in one.url) as answered:
            page.goto(f"http://127.0.0.1:{port}")
        assert answered.value.status == 422
        _refused(page)
        assert any("frame-ancestors" in one for one in said)
    context.close()
