"""Home: what is left to do after the install, and the key figures, each with its rows, its period and its certainty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from plugin.domain import nps, trends
from plugin.domain.nps import Score
from plugin.domain.programme import Programme, Reward
from plugin.pages.admin_frame import Visit, arrive, page, theme_links
from plugin.pages.answers import Refusal, json_answer
from plugin.pages.staff import Staff, link, staff_only
from plugin.store import directory, figures, onboarding, programmes, surveys

if TYPE_CHECKING:
    from plugin.pages.web import Web

NEW_DAYS = 30
LATEST = 6


@dataclass(frozen=True, slots=True)
class Worth:
    """What points come to in money if every one were spent on this reward, rounded down."""

    minor: int
    reward: Reward


def register(app: Flask, web: Web) -> None:
    """Adds the home page, and the door for what App Bridge says of the theme."""

    @app.get("/")
    @staff_only(web)
    def home(staff: Staff) -> Response:
        return _home(web, arrive(web, staff))

    @app.post("/theme")
    @staff_only(web)
    def theme(staff: Staff) -> Response:
        return _theme(web, arrive(web, staff))


def worth(points: int, programme: Programme | None) -> Worth | None:
    """The value of points at the cheapest reward that takes money off; None when there is no such reward."""
    offers = (
        [one for one in programme.rewards if one.kind == "amount_off" and one.value_minor]
        if programme
        else []
    )
    if not offers:
        return None
    cheapest = min(offers, key=lambda reward: (reward.points, reward.value_minor or 0))
    return Worth(max(0, points) * (cheapest.value_minor or 0) // cheapest.points, cheapest)


def score_of(scores: dict[int, int]) -> Score:
    """The score over answers counted by their number from 0 to 10."""
    bands = {"promoter": 0, "passive": 0, "detractor": 0}
    for given, count in scores.items():
        bands[nps.band(given)] += count
    return nps.score(bands["promoter"], bands["passive"], bands["detractor"])


def _home(web: Web, visit: Visit) -> Response:
    shop_id, now = visit.shop.shop_id, web.now()
    since, before = now - timedelta(days=NEW_DAYS), now - timedelta(days=2 * NEW_DAYS)
    with web.db.read() as tx:
        steps = onboarding.steps(tx, shop_id)
        people = figures.members(tx, shop_id)
        joined = (figures.joined(tx, shop_id, since), figures.joined(tx, shop_id, before, since))
        repeats = figures.repeats(tx, shop_id)
        work = figures.queues(tx, shop_id)
        score = score_of(surveys.distribution(tx, shop_id))
        scores = [
            score_of(surveys.distribution(tx, shop_id, *span)) for span in ((since, None), (before, since))
        ]
        programme = programmes.versions(tx, shop_id).latest
        latest = directory.orders_of_members(tx, shop_id, None, LATEST)
    return page(
        web,
        visit,
        "admin/home.html",
        "Home",
        steps=steps,
        people=people,
        joined=joined,
        # Two whole periods, or there is nothing to compare with.
        joined_trend=trends.counts(*joined) if (visit.shop.installed_at or now) <= before else None,
        scores=scores,
        score_trend=trends.scores(*scores) if all(one.answers for one in scores) else None,
        new_days=NEW_DAYS,
        repeats=repeats,
        work=work,
        score=score,
        programme=programme,
        worth=worth(people.outstanding, programme),
        latest=latest,
        theme=theme_links(web, visit.shop),
        report=link("/theme", visit.shop.domain),
        now=now,
    )


def _theme(web: Web, visit: Visit) -> Response:
    """Keeps what App Bridge said of the published theme, so that the next page knows it before any script runs."""
    given = request.get_json(silent=True)
    embed, block = (given.get("embed"), given.get("block")) if isinstance(given, dict) else (None, None)
    if not isinstance(embed, bool) or not isinstance(block, bool):
        raise Refusal("Send embed and block as true or false.", code="invalid_body", status=400)
    with web.db.write(visit.shop.shop_id) as tx:
        onboarding.theme_seen(tx, visit.shop.shop_id, embed=embed, block=block, now=web.now())
    return json_answer({"embed": embed, "block": block})
