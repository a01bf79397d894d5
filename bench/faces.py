"""Measures what a shopper and a merchant feel: the embed's cost in Lighthouse, and the admin home with many members."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import httpx
from playwright.sync_api import Browser, Frame, Page
from rich.console import Console
from rich.table import Table

from bench.load import SHOP
from bench.served import ROOT
from bench.storefront import databases
from bench.storefront_data import differences
from devshop.records import ThemeBlock
from tests.browser import ensure_chromium, opened
from tests.faces.served import Demo, serving_demo
from tests.npm import environment, node

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Assumed, not measured here: what Shopify's own scripts weigh compressed and unpacked, how long they take to arrive
# on a cold cache (a round trip, then their bytes at the rate below) and to run. The stand-ins are padded to it.
REAL_KB = {"/app-bridge.js": (60, 200), "/polaris.js": (130, 480)}
RUN_MS = {"/app-bridge.js": 15, "/polaris.js": 40}
ROUND_TRIP_S, KB_PER_S = 0.040, 1_250
ASSUMED = (
    "Assumed of Shopify's scripts: App Bridge 60 KB compressed, Polaris 130 KB, 40 ms away at 10 Mbit/s, "
    "15 and 40 ms to run; the stand-ins are padded and delayed to that."
)
# What comes late comes within this: the theme report, and what it changes on the page.
QUIET_MS = 1_000
DROP, LCP_MS, CLS, INP_MS = 10, 2_500, 0.1, 200
# The block and the embed: everything of ours that a product page can show.
BLOCKS = ("launcher", "product-points")
_WATCH = """
window.vitals = { lcp: 0, cls: 0, inp: 0, moved: [] };
const watch = (type, take, more) => new PerformanceObserver((list) => list.getEntries().forEach(take))
  .observe({ type, buffered: true, ...more });
watch('largest-contentful-paint', (one) => { vitals.lcp = one.startTime; });
watch('layout-shift', (one) => {
  if (one.hadRecentInput) return;
  vitals.cls += one.value;
  vitals.moved.push(...one.sources.map(({ node }) => (node?.outerHTML ?? node?.nodeName ?? 'gone').slice(0, 90)));
});
const pressed = (one) => { if (one.interactionId) vitals.inp = Math.max(vitals.inp, one.duration); };
watch('event', pressed, { durationThreshold: 16 });
"""
_PAINTED = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"


@dataclass(frozen=True, slots=True)
class Audited:
    """One Lighthouse run, or the medians of several: a score from 0 to 100, ms, and CLS without a unit."""

    score: float
    lcp_ms: float
    cls: float
    tbt_ms: float


@dataclass(frozen=True, slots=True)
class Visited:
    """One page of ours in the frame, opened and used. `inp_ms` 0: no interaction took 16 ms."""

    page: str
    lcp_ms: float
    cls: float
    inp_ms: float
    moved: list[str]


@click.command(help=__doc__)
@click.option("--runs", default=5, show_default=True, help="Runs of each side, alternating.")
@click.option("--members", default=100_000, show_default=True)
@click.option("--keep", is_flag=True, help="Keep the database in var/ for the next run.")
@click.option("--only", type=click.Choice(["shopper", "merchant"]), help="One half alone.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Also write the figures to this file.")
def main(runs: int, members: int, keep: bool, only: str | None, path: Path | None) -> None:
    ensure_chromium()
    missed: list[str] = []
    figures: dict[str, Any] = {"assumed": ASSUMED}
    if only != "merchant":
        off, on = product_page(runs)
        missed += show_shopper(off, on)
        figures["shopper"] = {"off": asdict(off), "on": asdict(on)}
    if only != "shopper":
        visits = admin_pages(runs, members, keep=keep)
        missed += show_merchant(visits, members)
        figures["merchant"] = [asdict(one) for one in visits]
    if path is not None:
        path.write_text(json.dumps(figures, indent=1) + "\n")
    if missed:
        raise SystemExit(f"missed: {', '.join(missed)}")


# The shopper's page


def product_page(runs: int) -> tuple[Audited, Audited]:
    """The product page without and with what the app adds, in Lighthouse's phone; medians."""
    taken: dict[bool, list[Audited]] = {False: [], True: []}
    with tempfile.TemporaryDirectory(prefix="regulars-faces-") as folder, serving_demo(Path(folder)) as demo:
        for _ in range(runs):
            for on in taken:
                with demo.shop.desk.change():
                    for handle in BLOCKS:
                        demo.shop.desk.shop.theme[handle] = ThemeBlock(on)
                taken[on].append(_lighthouse(f"{demo.address}/products/mountain-herbs"))
    return _medians(taken[False]), _medians(taken[True])


def _lighthouse(url: str) -> Audited:
    command = [str(node()), "bench/node_modules/lighthouse/cli/index.js", url, "--quiet", "--output=json"]
    command += ["--only-categories=performance", "--chrome-flags=--headless=new --no-sandbox --disable-gpu"]
    answer = subprocess.run(
        command, cwd=ROOT, env=environment() | {"CHROME_PATH": ensure_chromium()},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if answer.returncode != 0:
        raise RuntimeError(f"Lighthouse did not finish: {answer.stderr[-500:]}")
    report = json.loads(answer.stdout)
    value = {name: audit.get("numericValue", 0.0) for name, audit in report["audits"].items()}
    return Audited(
        100 * report["categories"]["performance"]["score"],
        value["largest-contentful-paint"],
        value["cumulative-layout-shift"],
        value["total-blocking-time"],
    )


def _medians(several: list[Audited]) -> Audited:
    parts = [asdict(one) for one in several]
    return Audited(**{name: statistics.median(one[name] for one in parts) for name in parts[0]})


def show_shopper(off: Audited, on: Audited) -> list[str]:
    """Prints both sides; gives back what was missed."""
    table = Table(title="Product page of the development shop, Lighthouse's phone, medians")
    for name in ("", "score", "LCP", "CLS", "TBT"):
        table.add_column(name, justify="left" if not name else "right")
    for name, one in (("embed off", off), ("embed on", on)):
        table.add_row(
            name, f"{one.score:.0f}", f"{one.lcp_ms:,.0f} ms", f"{one.cls:.3f}", f"{one.tbt_ms:,.0f} ms"
        )
    console = Console(width=110)
    console.print(table)
    drop = off.score - on.score
    console.print(f"The score drops by {drop:.0f} (at most {DROP}).")
    return [f"Lighthouse drops by {drop:.0f}"] if drop > DROP else []


# The merchant's page


def like_the_real_ones(shop: WSGIApplication) -> WSGIApplication:
    """Makes the stand-ins of Shopify's scripts arrive late, heavy and slow to run, as ASSUMED says."""
    chance = bytes(range(32, 127)).replace(b"*", b"").replace(b"/", b"")

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO"))
        if path not in REAL_KB:
            return shop(environ, start_response)
        sent, unpacked = REAL_KB[path]
        time.sleep(ROUND_TRIP_S + sent / KB_PER_S)
        kept: list[tuple[str, list[tuple[str, str]]]] = []

        def remember(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
            kept.append((status, headers))
            return lambda _body: None

        body = b"".join(shop(environ, remember))
        busy = f"{{const end=performance.now()+{RUN_MS[path]};while(performance.now()<end);}}\n".encode()
        body = busy + body
        body += b"\n/*" + chance * max(0, (unpacked * 1000 - len(body)) // len(chance)) + b"*/"
        status, headers = kept[0]
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    return answer


def admin_pages(runs: int, members: int, *, keep: bool) -> list[Visited]:
    """Home, Members and Programme of a shop with so many members, in the admin's frame; the worst run counts least."""
    with databases((members,), keep=keep) as urls, tempfile.TemporaryDirectory(dir=ROOT / "var") as folder:
        shutil.copy(urls[members].removeprefix("sqlite:///"), f"{folder}/app.db")
        serving = serving_demo(Path(folder), installed=False, domain=SHOP, around=like_the_real_ones)
        with serving as demo, opened() as browser:
            httpx.get(demo.shop.install()).raise_for_status()
            visits = [_visit(demo, browser, name) for _ in range(runs) for name in PAGES]
        if wrong := differences(f"sqlite:///{folder}/app.db"):
            raise RuntimeError(f"The audit disagrees, so the figures would be void: {wrong[:3]}")
    return [_middle([one for one in visits if one.page == name]) for name in PAGES]


def _visit(demo: Demo, browser: Browser, name: str) -> Visited:
    """Opens a page on a cold cache, waits until it is still, and uses it."""
    path, use = PAGES[name]
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(_WATCH)
    page = context.new_page()
    page.goto(f"{demo.address}/admin/apps/regulars{path}")
    frame = page.frames[1]
    frame.locator("h1:visible").wait_for()
    frame.wait_for_load_state()
    page.wait_for_timeout(QUIET_MS)
    # Before anything is pressed: from the first press on, the browser looks for no larger paint.
    before = frame.evaluate("({ ...vitals })")
    use(page, frame)
    for _ in range(2):
        frame.evaluate(_PAINTED)
    after = frame.evaluate("vitals")
    context.close()
    return Visited(name, before["lcp"], after["cls"], after["inp"], after["moved"])


def _use_home(page: Page, frame: Frame) -> None:
    for _ in range(8):
        page.keyboard.press("Tab")
    for heading in frame.locator("h2:visible").all()[:5]:
        heading.click()


def _use_members(page: Page, frame: Frame) -> None:
    frame.locator("input[name=q]").click()
    page.keyboard.type("First99", delay=30)


def _use_programme(page: Page, frame: Frame) -> None:
    field = frame.get_by_label("Return window")
    field.click()
    page.keyboard.type("21", delay=30)
    frame.get_by_label("Rounding").select_option("ceil")
    page.keyboard.press("Tab")


PAGES: dict[str, tuple[str, Callable[[Page, Frame], None]]] = {
    "home": ("", _use_home),
    "members": ("/members", _use_members),
    "programme": ("/programme", _use_programme),
}


def _middle(visits: list[Visited]) -> Visited:
    """Medians of LCP and CLS; of INP the worst, because a person remembers that one."""
    return Visited(
        visits[0].page,
        statistics.median(one.lcp_ms for one in visits),
        statistics.median(one.cls for one in visits),
        max(one.inp_ms for one in visits),
        max((one.moved for one in visits), key=len),
    )


def show_merchant(visits: list[Visited], members: int) -> list[str]:
    """Prints the pages; gives back what was missed."""
    table = Table(title=f"our part only: the admin in the development shop's frame, {members:,} members")
    for name in ("", "LCP", "CLS", "INP"):
        table.add_column(name, justify="left" if not name else "right")
    missed = []
    for one in visits:
        inp = f"{one.inp_ms:,.0f} ms" if one.inp_ms else "< 16 ms"
        table.add_row(one.page, f"{one.lcp_ms:,.0f} ms", f"{one.cls:.3f}", inp)
        limits = (("LCP", one.lcp_ms, LCP_MS), ("CLS", one.cls, CLS), ("INP", one.inp_ms, INP_MS))
        missed += [f"{one.page} {name} {value:,.2f}" for name, value, most in limits if value > most]
        if one.cls > CLS:
            missed += sorted({f"moved: {element}" for element in one.moved})[:5]
    console = Console(width=110)
    console.print(table)
    console.print(ASSUMED)
    console.print(f"At most: LCP {LCP_MS:,} ms, CLS {CLS}, INP {INP_MS} ms.")
    return missed


if __name__ == "__main__":
    main()
