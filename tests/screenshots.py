"""Takes the README's pictures from a fresh demo, at desktop and phone width: `make screenshots`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from playwright.sync_api import Page, sync_playwright

from tests.browser import ARGUMENTS, ensure_chromium

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "screenshots"
PORT, SHOP_PORT = 8970, 8971
SHOP = f"http://127.0.0.1:{SHOP_PORT}"
START_TIMEOUT_S = 240


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: where to go, what to do there, how wide."""

    name: str
    path: str
    width: int = 1280
    height: int = 800
    act: Callable[[Page], None] | None = None


def open_panel(page: Page) -> None:
    """Opens the rewards panel as a shopper does, and waits until it shows points."""
    page.get_by_role("button", name="Rewards").first.click()
    page.get_by_role("dialog").first.wait_for()
    page.wait_for_timeout(1500)


def once_more(page: Page) -> None:
    """The second look, which knows from the first that the theme shows the app."""
    page.reload()
    page.wait_for_timeout(1200)


SHOTS = (
    Shot("product", "/products/mountain-herbs"),
    Shot("panel", "/products/mountain-herbs", act=open_panel),
    Shot("panel-phone", "/products/mountain-herbs", width=360, height=740, act=open_panel),
    Shot("admin-home", "/admin/apps/regulars", act=once_more),
    Shot("admin-members", "/admin/apps/regulars/members"),
    Shot("admin-programme", "/admin/apps/regulars/programme"),
    Shot("admin-surveys", "/admin/apps/regulars/surveys"),
    Shot("orders", "/shop-admin/orders"),
)


@contextmanager
def demo() -> Iterator[None]:
    """A fresh demo in a folder of its own; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="regulars-pictures-") as folder:
        command = [sys.executable, str(ROOT / "commands.py"), "demo", "--fresh"]
        command += ["--port", str(PORT), "--shop-port", str(SHOP_PORT)]
        running = subprocess.Popen(command, cwd=folder, start_new_session=True)
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while not _answers(SHOP):
                if running.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("The demo did not start; its last lines above say why.")
                time.sleep(0.5)
            yield
        finally:
            os.killpg(running.pid, signal.SIGINT)
            running.wait(30)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def main() -> None:
    """Takes every picture. The storefront's are taken as the first customer who is a member."""
    chromium = ensure_chromium()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with demo(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS.split())
        for shot in SHOTS:
            page = browser.new_page(viewport={"width": shot.width, "height": shot.height})
            page.goto(f"{SHOP}/account/login")
            page.locator("ul.people button", has_text="points").first.click()
            page.goto(SHOP + shot.path)
            page.wait_for_timeout(1200)
            if shot.act is not None:
                shot.act(page)
            page.screenshot(path=PICTURES / f"{shot.name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
