"""The UI extensions under Shopify's tester, with answers that the app itself gives; their texts in four languages."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from plugin.domain import values
from plugin.domain.facts import OrderFact
from plugin.flows import orders as order_flow
from plugin.store.db import Database
from tests.facts import line, seen
from tests.npm import ROOT, environment, node
from tests.pages.scene import ALICE, ANNA, BEN, START, make_scene

HERE = Path(__file__).parent / "surfaces"
EXTENSIONS = ROOT / "extensions"
FOLDERS = ("account", "pos", "thank-you")
# Keys that the sources put together: of history lines, troubles, tiers and what became of a code.
MADE_UP = re.compile(
    r"[hwb]_|e_|tier_progress_|(refused|undone|credited|awaiting_shop|used|fulfilled|expired)$"
)


@pytest.fixture
def answers(sqlite_url: str, tmp_path: Path) -> Path:
    """What the app answers to a guest, to a customer who has not joined, and to a member on the way of a code."""
    database = Database.open(sqlite_url)
    scene = make_scene(database)
    shop = scene.install(ALICE)

    def told(*facts: OrderFact) -> None:
        with database.write(shop.shop_id) as tx:
            order_flow.apply(tx, shop, facts, scene.times.now())

    found: dict[str, Any] = {"guest": scene.get("me").json, "stranger": scene.get("me", BEN).json}
    scene.member(ALICE, ANNA, 500)
    told(seen(81, line(1), at=START, processed_at=START, customer_id=ANNA))
    scene.asked(ALICE, ANNA, 81)
    found["order"] = scene.get("orders/81", ANNA).json
    survey = {"order": "81", "score": 9, "nonce": scene.nonce(ANNA)}
    found["answered"] = scene.post("survey", survey, ANNA).json
    found["member"], found["history"] = scene.get("me", ANNA).json, scene.get("history", ANNA).json
    found["made"] = scene.redeem(ANNA).json
    undo = f"redemptions/{found['made']['id']}/undo"
    found["undone"] = scene.post(undo, {"nonce": scene.nonce(ANNA)}, ANNA).json
    scene.web.reader.close()
    database.close()
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_extension_shows_and_does_what_it_should(folder: str, answers: Path) -> None:
    ran = subprocess.run(
        [str(node()), str(HERE / f"{folder}.test.mjs")],
        capture_output=True,
        text=True,
        env=environment() | {"ANSWERS": str(answers)},
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_text_is_there_in_four_languages_with_its_plurals(folder: str) -> None:
    texts = {
        path.name.split(".")[0]: json.loads(path.read_text("utf-8"))
        for path in (EXTENSIONS / folder / "locales").glob("*.json")
    }
    assert set(texts) == {"en", "de", "fr", "it"}
    for language, found in texts.items():
        assert list(found) == list(texts["en"]), language
        for key, text in found.items():
            forms = {"one", "other"} | ({"many"} if language in ("fr", "it") else set())
            assert set(text) == forms if isinstance(text, dict) else text, f"{language} {key}"
            assert _places(text) == _places(texts["en"][key]), f"{language} {key}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_text_is_said_and_everything_said_is_a_text(folder: str) -> None:
    sources = "".join(_sources(EXTENSIONS / folder / "src" / "x.jsx"))
    keys = set(json.loads((EXTENSIONS / folder / "locales/en.default.json").read_text("utf-8")))
    said = set(re.findall(r"\b[tn]\(\s*'([a-z_]+)'", sources))
    assert said - keys == set()
    words = set(re.findall(r"'([a-z_]+)'", sources))
    assert {key for key in keys - words if not MADE_UP.match(key)} == set()


def test_money_has_the_ledgers_minor_units() -> None:
    text = (EXTENSIONS / "surfaces/words.js").read_text("utf-8")
    whole, thousandths = (set(one.split()) for one in re.findall(r" = '([A-Z ]+)'\.split", text))
    for currency in {*whole, *thousandths, *values._EXPONENTS, "CHF", "HUF"}:
        digits = 0 if currency in whole else 3 if currency in thousandths else 2
        assert values.exponent(currency) == digits, currency


def _places(text: str | dict[str, str]) -> set[str]:
    return set(re.findall(r"\{\{(\w+)\}\}", text if isinstance(text, str) else text["other"]))


def _sources(entry: Path) -> list[str]:
    """An extension's own files, and what of the shared ones they import."""
    known: dict[Path, str] = {}
    waiting = list(entry.parent.glob("*.js*"))
    while waiting:
        path = waiting.pop().resolve()
        if path not in known:
            known[path] = path.read_text("utf-8")
            waiting += [path.parent / one for one in re.findall(r"from '(\.[^']+)'", known[path])]
    return list(known.values())
