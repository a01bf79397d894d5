"""The history of the demo: lived through the real doors, the same for the same seed, and every point proved."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import DemoApp
from devshop.demo import APP_TOML, DOMAIN, environment
from devshop.demo_server import live_through
from devshop.faces.account import loyalty_of, sent
from devshop.seed import StoryTime, Told, tell
from devshop.seed_people import COUNTRIES, answer, people
from devshop.shop import DevPlatform
from devshop.totals import figures, financial_status

UNTIL = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@contextmanager
def _lived(
    folder: Path, seed: int, until: datetime = UNTIL, count: int = 14, days: int = 30
) -> Iterator[tuple[Told, DevPlatform, DemoApp]]:
    settings = environment(f"sqlite:///{folder}/app.db", "https://regulars.test", "http://127.0.0.1:1")
    time = StoryTime(until)
    platform = DevPlatform(
        settings["SHOPIFY_API_KEY"], settings["SHOPIFY_API_SECRET"], settings["APP_URL"],
        now=time.now, app_toml=APP_TOML,
    )  # fmt: skip
    shop = platform.create_shop(DOMAIN, rates={"EUR": "1.06"})
    with httpx.Client(transport=platform.http_transport(), timeout=10) as client:
        app = DemoApp.open(settings, client, time.now, DOMAIN)
        try:
            platform.connect(app.wsgi)
            told = tell(platform, shop, app, time, until=until, days=days, count=count, seed=seed)
            yield told, platform, app
        finally:
            app.close()


def _outcome(told: Told, platform: DevPlatform) -> dict[str, Any]:
    """Figures of shop and app without a single id."""
    shop = platform.shops[DOMAIN]
    standing = [
        (one.first_name, one.last_name, {**(loyalty_of(platform, shop, one) or {}), "due_survey": None})
        for one in shop.customers.values()
    ]
    orders = [
        (one.name, one.processed_at, figures(one).current_total, financial_status(one), sent(one))
        for one in shop.orders.values()
    ]
    # How many webhooks our own mirrors cause depends on how the worker batches them; what they say does not.
    counted = {name: count for name, count in asdict(told).items() if name != "webhooks"}
    return {"told": counted, "orders": orders, "standing": standing}


@pytest.mark.slow
def test_the_same_seed_lives_the_same_life_and_every_point_is_proved(tmp_path: Path) -> None:
    outcomes = []
    evening = UNTIL.replace(hour=19)
    for name, seed, until in (
        ("one", 3, UNTIL),
        ("two", 3, UNTIL),
        ("late", 3, evening),
        ("other", 4, UNTIL),
    ):
        (tmp_path / name).mkdir()
        with _lived(tmp_path / name, seed, until) as (told, platform, app):
            assert app.look()["differences"] == []
            outcomes.append(_outcome(told, platform))
    one, two, late, other = outcomes
    assert one == two
    assert one["told"] == late["told"]  # the hour of the first start changes nothing
    assert one["orders"] == late["orders"]
    assert one != other
    assert one["told"]["customers"] == 14
    assert one["told"]["orders"] >= 14
    assert one["told"]["members"] > 0
    assert any(state.get("available", 0) > 0 for _, _, state in one["standing"])


@pytest.mark.slow
def test_the_story_ends_now_and_the_shop_is_found_again(tmp_path: Path) -> None:
    settings = environment(f"sqlite:///{tmp_path}/app.db", "https://regulars.test", "http://127.0.0.1:1")
    state = tmp_path / "shop.json"
    told = live_through(settings, UNTIL, DemoApp.open, state, people=6, days=12)
    shop = DevPlatform(now=lambda: UNTIL, state_path=state, app_toml=APP_TOML).shops[DOMAIN]
    assert len(shop.orders) == told.orders
    assert shop.desk.shop.installed_at is not None
    assert shop.bucket.rate == shop.desk.shop.points_per_second == 100  # throttled like any shop from here on
    assert max(order.processed_at for order in shop.orders.values()) <= UNTIL


def test_people_are_believable_and_the_same_for_the_same_chance() -> None:
    wares = ["a", "b", "c", "d", "e"]
    crowd = people(random.Random(1), 400, 90, wares)
    assert crowd == people(random.Random(1), 400, 90, wares)
    assert len({one.email for one in crowd}) == 400
    assert all(one.email.isascii() and one.first_name and one.last_name for one in crowd)
    by_country = Counter(one.country for one in crowd)
    assert set(by_country) == set(COUNTRIES)
    assert by_country["CH"] > by_country["DE"] > by_country["FR"]
    assert all(0 <= one.arrives_on <= 88 for one in crowd)
    assert 0.4 < sum(one.days_between is None for one in crowd) / 400 < 0.65


def test_who_waits_for_a_late_parcel_is_less_content() -> None:
    chance = random.Random(2)
    crowd = people(chance, 300, 90, ["a", "b", "c", "d"])
    on_time = [answer(chance, one, 0)[0] for one in crowd]
    late = [answer(chance, one, 10)[0] for one in crowd]
    assert all(0 <= score <= 10 for score in on_time + late)
    assert sum(on_time) / 300 - sum(late) / 300 > 3
